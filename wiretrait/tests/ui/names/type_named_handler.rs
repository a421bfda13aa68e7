use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

type Handler = String;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things")]
    async fn get(&self, #[query] name: Handler) -> Result<()>;
}

impl Api for () {
    async fn get(&self, _: Handler) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.get(String::new()).await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.get(String::new()).await;
}

fn main() {}
