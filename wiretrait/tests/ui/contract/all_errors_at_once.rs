use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(prefix = "/v1/", client = Client, module = api, version = 1)]
trait Api: Clone {
    const LIMIT: usize;

    #[get("/things/{idd}")]
    async fn get(&self, id: &str) -> Result<()>;

    #[post("things", idempotant, timeout = "soon")]
    fn add(&self, #[body] name: &str, #[field] size: u64, colour: &str) -> Result<()>;

    #[delete("/things/{id}")]
    async fn delete<T>(&mut self, #[query] id: &[&T]) -> u64;

    #[get("/fine")]
    async fn fine(&self) -> Result<()>;
}

impl Api for () {
    const LIMIT: usize = 1;

    async fn get(&self, _: &str) -> Result<()> {
        Ok(())
    }

    async fn add(&self, _: &str, _: u64, _: &str) -> Result<()> {
        Ok(())
    }

    async fn delete<T>(&self, _: &[&T]) -> u64 {
        0
    }

    async fn fine(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.get("1").await;
    let _ = api.add("", 1, "").await;
    let _ = api.fine().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.delete(&[&1]).await;
    let _ = client.fine().await;
}

fn main() {}
