//! Names of methods that every client or `Arc` has by the prelude.

use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api, client_only)]
pub trait Api {
    #[post("/repositories/{id}/clone")]
    async fn clone(&self, id: &str) -> Result<()>;

    #[get("/units/{unit}")]
    async fn into(&self, unit: &str) -> Result<f64>;

    #[get("/references/{name}")]
    async fn as_ref(&self, name: &str) -> Result<()>;

    async fn to_owned(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
