//! A value of a response that has no body.

use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[head("/name")]
    async fn name(&self) -> Result<String>;
}

fn main() {}
