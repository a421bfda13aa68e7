//! Bytes that would be written one by one.

use wiretrait::bytes::Bytes;
use wiretrait::codec::Json;
use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api, client_only)]
pub trait Api {
    #[post("/json")]
    async fn json(&self, #[field] avatar: &[u8]) -> Result<()>;

    #[post("/form", request = wiretrait::codec::Form)]
    async fn form(&self, #[field] avatar: Vec<u8>) -> Result<()>;

    #[post("/multipart", request = wiretrait::codec::Multipart)]
    async fn multipart(&self, #[field] avatar: Option<&Bytes>) -> Result<()>;

    #[post("/numbers", request = Json)]
    async fn numbers(&self, #[field] numbers: &[u8]) -> Result<()>;
}

async fn post(client: Client) -> Result<()> {
    client.json(&[1]).await?;
    client.numbers(&[1]).await
}

fn main() {}
