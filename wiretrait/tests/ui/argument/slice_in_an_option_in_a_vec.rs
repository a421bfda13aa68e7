use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[post("/things")]
    async fn add(&self, #[field] names: Vec<Option<[u64]>>) -> Result<()>;
}

impl Api for () {
    async fn add(&self, _: Vec<Option<Vec<u64>>>) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.add(vec![None]).await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.add(vec![None]).await;
}

fn main() {}
