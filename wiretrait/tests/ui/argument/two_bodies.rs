use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[post("/things")]
    async fn merge(&self, #[body] one: &str, #[body] other: &str) -> Result<()>;
}

impl Api for () {
    async fn merge(&self, _: &str, _: &str) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.merge("1", "2").await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.merge("1", "2").await;
}

fn main() {}
