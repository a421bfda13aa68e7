//! A codec for the body of a request that has no body.

use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[get("/items", request = wiretrait::codec::Form)]
    async fn items(&self, #[query] page: u8) -> Result<()>;
}

fn main() {}
