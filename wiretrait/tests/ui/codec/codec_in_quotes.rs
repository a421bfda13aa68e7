//! A codec that is a string instead of a path.

use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[post("/items", request = "form")]
    async fn items(&self, #[field] page: u8) -> Result<()>;

    #[get("/text", response)]
    async fn text(&self) -> Result<String>;
}

fn main() {}
