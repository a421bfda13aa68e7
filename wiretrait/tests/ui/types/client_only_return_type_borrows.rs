use wiretrait::{Result, http_api};
use std::borrow::Cow;
use std::sync::Arc;

#[http_api(client = Client, module = api, client_only)]
trait Api {
    #[get("/things")]
    async fn name(&self, #[query] of: Cow<'_, str>) -> Result<Cow<'_, str>>;
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.name("1".into()).await;
}

fn main() {}
