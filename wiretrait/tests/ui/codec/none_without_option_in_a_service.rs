//! A status that means `None`, and a return type that cannot be `None`, in a contract without a client.

use wiretrait::{Result, http_api};

#[http_api(server_only, module = api)]
pub trait Api {
    #[get("/item", none = 404)]
    async fn item(&self) -> Result<u8>;
}

fn main() {}
