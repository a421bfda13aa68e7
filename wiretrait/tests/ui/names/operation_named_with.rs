use wiretrait::{Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/with")]
    async fn with(&self) -> Result<()>;
}

impl Api for () {
    async fn with(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.with().await;
}

fn main() {}
