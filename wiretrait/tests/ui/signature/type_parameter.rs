use wiretrait::{InProcessTransport, Payload, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[post("/things")]
    async fn put<T: Payload>(&self, #[body] thing: &T) -> Result<()>;
}

impl Api for () {
    async fn put<T: Payload>(&self, _: &T) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.put(&1).await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.put(&1).await;
}

fn main() {}
