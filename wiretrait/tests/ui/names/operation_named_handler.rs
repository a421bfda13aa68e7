use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/handler")]
    async fn handler(&self) -> Result<()>;
}

impl Api for () {
    async fn handler(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.handler().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.handler().await;
}

fn main() {}
