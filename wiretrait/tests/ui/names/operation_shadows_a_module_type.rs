use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

type Thing = String;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/thing")]
    async fn thing(&self, #[query] like: &Thing) -> Result<()>;
}

impl Api for () {
    async fn thing(&self, _: &Thing) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.thing(&String::new()).await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.thing(&String::new()).await;
}

fn main() {}
