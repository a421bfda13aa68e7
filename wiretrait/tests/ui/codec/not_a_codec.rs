//! A codec that is another type.

use wiretrait::{Result, http_api};

/// Not a codec.
pub struct Other;

#[http_api(client_only, client = Client, module = api)]
pub trait Api {
    #[post("/other")]
    async fn items(&self, #[body(Other)] page: u8) -> Result<()>;
}

fn main() {}
