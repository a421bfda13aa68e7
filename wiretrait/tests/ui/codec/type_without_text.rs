//! Types that a codec cannot write or read.

use wiretrait::codec::Text;
use wiretrait::{Result, http_api};

#[http_api(client_only, client = Client, module = api)]
pub trait Api {
    #[post("/send", request = Text)]
    async fn send(&self, #[body] number: u64) -> Result<()>;
}

fn main() {}
