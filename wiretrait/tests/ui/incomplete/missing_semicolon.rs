use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/first")]
    async fn first(&self) -> Result<()>;

    #[get("/things")]
    async fn get(&self) -> Result<()>

    #[get("/last")]
    async fn last(&self) -> Result<()>;
}

impl Api for () {
    async fn first(&self) -> Result<()> {
        Ok(())
    }

    async fn last(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.first().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.last().await;
}

fn main() {}
