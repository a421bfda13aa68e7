//! A codec of the user that is named like that of the crate.

use wiretrait::codec::Codec;
use wiretrait::{Result, http_api};

/// Another JSON.
pub struct Json;

impl Codec for Json {
    const MEDIA_TYPE: &'static str = "text/json";
}

#[http_api(client = Client, module = api)]
pub trait Api {
    #[post("/other", request = Json)]
    async fn items(&self, #[field] page: u8) -> Result<()>;
}

fn main() {}
