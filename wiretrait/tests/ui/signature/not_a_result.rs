use wiretrait::{InProcessTransport, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things")]
    async fn count(&self) -> u64;
}

impl Api for () {
    async fn count(&self) -> u64 {
        0
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.count().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.count().await;
}

fn main() {}
