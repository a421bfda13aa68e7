use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api<T> {
    #[post("/things")]
    async fn add(&self, #[field] thing: &T) -> Result<T>;
}

impl Api<u8> for () {
    async fn add(&self, thing: &u8) -> Result<u8> {
        Ok(*thing)
    }
}

async fn calls(api: Arc<dyn DynApi<u8>>) {
    let _ = api.add(&1).await;
    let client = Client::<u8, _>::new(InProcessTransport::new(api::Handler::<_, u8>::new(())));
    let _ = client.add(&1).await;
}

fn main() {}
