use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things/{id}")]
    async fn list(&self) -> Result<()>;
}

impl Api for () {
    async fn list(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.list().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.list().await;
}

fn main() {}
