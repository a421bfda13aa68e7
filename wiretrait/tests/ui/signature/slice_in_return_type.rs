use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things")]
    async fn get(&self) -> Result<Option<[u64]>>;
}

impl Api for () {
    async fn get(&self) -> Result<Option<Vec<u64>>> {
        Ok(None)
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.get().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.get().await;
}

fn main() {}
