//! A codec that only clients have, in a contract with both halves.

use wiretrait::codec::{Multipart, Part};
use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[post("/files", request = Multipart)]
    async fn upload(&self, #[field] title: &str, #[field] file: &Part, #[field] more: &[Part]) -> Result<()>;
}

fn main() {}
