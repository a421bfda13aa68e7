use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

struct Id;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things/{id}")]
    async fn get(&self, id: &Id) -> Result<()>;
}

impl Api for () {
    async fn get(&self, _: &Id) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.get(&Id).await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.get(&Id).await;
}

fn main() {}
