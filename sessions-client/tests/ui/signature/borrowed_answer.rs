use sessions_client::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things")]
    async fn name(&self) -> Result<&str>;
}

impl Api for () {
    async fn name(&self) -> Result<&str> {
        Ok("")
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.name().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.name().await;
}

fn main() {}
