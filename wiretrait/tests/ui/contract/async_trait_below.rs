use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
#[async_trait::async_trait]
trait Api {
    #[get("/things/{id}")]
    async fn get(&self, id: &str, #[query] size: Option<&str>) -> Result<()>;

    #[get("/fine")]
    async fn fine(&self) -> Result<()>;
}

#[async_trait::async_trait]
impl Api for () {
    async fn get(&self, _: &str, _: Option<&str>) -> Result<()> {
        Ok(())
    }

    async fn fine(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.get("1", None).await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.fine().await;
}

fn main() {}
