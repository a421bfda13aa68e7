use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/get_thing")]
    async fn get_thing(&self) -> Result<()>;

    #[get("/get__thing")]
    async fn get__thing(&self) -> Result<()>;
}

impl Api for () {
    async fn get_thing(&self) -> Result<()> {
        Ok(())
    }

    async fn get__thing(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.get_thing().await;
    let _ = api.get__thing().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.get_thing().await;
    let _ = client.get__thing().await;
}

fn main() {}
