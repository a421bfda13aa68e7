use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/option")]
    async fn option(&self, #[query] name: Option<&str>) -> Result<()>;
}

impl Api for () {
    async fn option(&self, _: Option<&str>) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.option(None).await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.option(None).await;
}

fn main() {}
