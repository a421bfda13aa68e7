//! Bytes that JSON would write as a list of numbers.

use wiretrait::bytes::Bytes;
use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[put("/bytes")]
    async fn bytes(&self, #[body] bytes: &Bytes) -> Result<()>;

    #[put("/slice")]
    async fn slice(&self, #[body] slice: Option<&[u8]>) -> Result<()>;

    #[put("/array")]
    async fn array(&self, #[body] array: [u8; 4]) -> Result<()>;

    #[put("/vec", response = wiretrait::codec::Text)]
    async fn list(&self, #[body] list: Vec<u8>) -> Result<()>;

    #[put("/words")]
    async fn words(&self, #[body] words: &[u16]) -> Result<()>;
}

async fn put(client: Client) -> Result<()> {
    client.bytes(&Bytes::new()).await?;
    client.words(&[1]).await
}

fn main() {}
