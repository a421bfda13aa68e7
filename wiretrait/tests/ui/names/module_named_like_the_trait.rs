use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = ApiClient, module = Api)]
trait Api {
    #[get("/things")]
    async fn get(&self) -> Result<()>;
}

impl Api for () {
    async fn get(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.get().await;
    let client = ApiClient::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.get().await;
}

fn main() {}
