use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things/{id}")]
    async fn get(&self, id: u64) -> Result<()>;

    #[get("/things/latest")]
    async fn latest(&self) -> Result<()>;
}

impl Api for () {
    async fn get(&self, _: u64) -> Result<()> {
        Ok(())
    }

    async fn latest(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.get(1).await;
    let _ = api.latest().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.get(1).await;
    let _ = client.latest().await;
}

fn main() {}
