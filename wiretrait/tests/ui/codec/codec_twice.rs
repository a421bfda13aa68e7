//! A flag that is given twice.

use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[post("/items", request = wiretrait::codec::Form, request = wiretrait::codec::Json)]
    async fn items(&self, #[field] page: u8) -> Result<()>;

    #[get("/item", none = 404, none = 410)]
    async fn item(&self) -> Result<Option<u8>>;
}

fn main() {}
