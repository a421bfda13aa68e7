//! The flag `none` without a valid status.

use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[get("/flag", none)]
    async fn flag(&self) -> Result<Option<u8>>;

    #[get("/string", none = "404")]
    async fn string(&self) -> Result<Option<u8>>;

    #[get("/empty", none = [])]
    async fn empty(&self) -> Result<Option<u8>>;

    #[get("/large", none = [404, 4040])]
    async fn large(&self) -> Result<Option<u8>>;
}

fn main() {}
