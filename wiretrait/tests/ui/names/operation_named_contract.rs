use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/contract")]
    async fn contract(&self) -> Result<()>;
}

impl Api for () {
    async fn contract(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.contract().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.contract().await;
}

fn main() {}
