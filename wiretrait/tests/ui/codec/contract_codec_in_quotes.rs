//! A codec of the contract that is a string instead of a path.

use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api, request = "form")]
pub trait Api {
    #[post("/items")]
    async fn items(&self, #[field] page: u8) -> Result<()>;
}

fn main() {}
