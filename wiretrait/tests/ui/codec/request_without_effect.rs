//! A codec for the body of a request without arguments in its body.

use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[delete("/items", request = wiretrait::codec::Form)]
    async fn clear(&self, #[query] page: u8) -> Result<()>;
}

fn main() {}
