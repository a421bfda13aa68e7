use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api, omit_none = true)]
trait Api {
    #[post("/things")]
    async fn get(&self, #[field] id: Option<&str>) -> Result<()>;
}

impl Api for () {
    async fn get(&self, _: Option<&str>) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.get(None).await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.get(None).await;
}

fn main() {}
