use wiretrait::{Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/caller")]
    async fn caller(&self) -> Result<()>;
}

impl Api for () {
    async fn caller(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.caller().await;
}

fn main() {}
