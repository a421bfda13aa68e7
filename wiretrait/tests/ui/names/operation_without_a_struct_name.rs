use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/_1")]
    async fn _1(&self) -> Result<()>;
}

impl Api for () {
    async fn _1(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api._1().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client._1().await;
}

fn main() {}
