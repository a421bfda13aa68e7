use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things")]
    async fn get(&self, #[query(display, serde)] id: &str) -> Result<()>;
}

impl Api for () {
    async fn get(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.get("1").await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.get("1").await;
}

fn main() {}
