use wiretrait::{InProcessTransport, Result, http_api};
use std::borrow::Cow;
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things")]
    async fn name(&self) -> Result<&str>;

    #[get("/thing")]
    async fn borrow(&self) -> Result<Cow<'_, str>>;
}

impl Api for () {
    async fn name(&self) -> Result<&str> {
        Ok("")
    }

    async fn borrow(&self) -> Result<Cow<'_, str>> {
        Ok("".into())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.name().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.name().await;
    let _ = client.borrow().await;
}

fn main() {}
