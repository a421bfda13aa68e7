//! An optional unit without a status of `None`.

use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[get("/star")]
    async fn star(&self) -> Result<Option<()>>;
}

fn main() {}
