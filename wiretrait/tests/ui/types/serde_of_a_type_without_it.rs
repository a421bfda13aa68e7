use wiretrait::{Result, http_api};
use std::sync::Arc;

struct Id;

#[http_api(client = Client, module = api, client_only)]
trait Api {
    #[get("/things")]
    async fn get(&self, #[query(serde)] id: &[Id]) -> Result<()>;
}

impl Api for () {
    async fn get(&self, _: &[Id]) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.get(&[]).await;
}

fn main() {}
