use wiretrait::test_kit::ScriptedTransport;
use wiretrait::{Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, client_only, module = api, client_only)]
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
    let _ = Client::new(ScriptedTransport::new()).ping().await;
}

fn main() {}
