//! A status of `None` that every value has.

use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[get("/flag", none = 200)]
    async fn flag(&self) -> Result<Option<u8>>;
}

fn main() {}
