use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[post("/things")]
    async fn rename(&self, #[field] name: &str, #[field("name")] new_name: &str) -> Result<()>;
}

impl Api for () {
    async fn rename(&self, _: &str, _: &str) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.rename("a", "b").await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.rename("a", "b").await;
}

fn main() {}
