//! Bytes that JSON would read from a list of numbers.

use wiretrait::bytes::Bytes;
use wiretrait::{ResponseValue, Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[get("/bytes")]
    async fn bytes(&self) -> Result<self::Bytes>;

    #[get("/vec")]
    async fn list(&self) -> Result<ResponseValue<Option<Vec<u8>>>>;

    #[get("/words")]
    async fn words(&self) -> Result<Vec<u16>>;
}

async fn get(client: Client) -> Result<Bytes> {
    client.bytes().await
}

fn main() {}
