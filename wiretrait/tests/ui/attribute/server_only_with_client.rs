use wiretrait::{Incoming, Response, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api, server_only)]
trait Api {
    #[get("/things")]
    async fn ping(&self) -> Result<()>;
}

impl Api for () {
    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>, request: Incoming) -> Response {
    let _ = api.ping().await;
    api::dispatch(&*api, request).await
}

fn main() {}
