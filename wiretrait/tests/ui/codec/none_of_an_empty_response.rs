//! A status of `None` that never has a value.

use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[get("/flag", none = [404, 204])]
    async fn flag(&self) -> Result<Option<u8>>;
}

fn main() {}
