//! A status that means `None`, and a return type that cannot be `None`.

use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[get("/item", none = 404)]
    async fn item(&self) -> Result<u8>;
}

fn main() {}
