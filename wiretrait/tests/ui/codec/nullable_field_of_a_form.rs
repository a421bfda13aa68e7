//! A field that may be `null`, with a codec that has no `null`.

use wiretrait::codec::Form;
use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api, client_only)]
pub trait Api {
    #[patch("/items", request = Form)]
    async fn edit(&self, #[field] name: Option<Option<&str>>) -> Result<()>;
}

fn main() {}
