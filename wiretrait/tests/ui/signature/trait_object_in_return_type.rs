use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things")]
    async fn get(&self) -> Result<Box<dyn std::fmt::Display>>;
}

impl Api for () {
    async fn get(&self) -> Result<Box<dyn std::fmt::Display>> {
        Ok(Box::new(1))
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.get().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.get().await;
}

fn main() {}
