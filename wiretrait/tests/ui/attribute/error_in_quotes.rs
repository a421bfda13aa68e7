use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api, error = "Problem")]
trait Api {
    #[get("/things")]
    async fn ping(&self) -> Result<()>;
}

impl Api for () {
    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.ping().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.ping().await;
}

fn main() {}
