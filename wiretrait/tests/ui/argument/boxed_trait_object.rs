use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[post("/things")]
    async fn add(&self, #[field] thing: Box<dyn std::fmt::Display>) -> Result<()>;
}

impl Api for () {
    async fn add(&self, _: Box<dyn std::fmt::Display>) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.add(Box::new(1)).await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.add(Box::new(1)).await;
}

fn main() {}
