use wiretrait::{InProcessTransport, Payload, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api<T: Payload = String> {
    #[post("/things")]
    async fn put(&self, #[body] thing: &T) -> Result<()>
    where
        T: Clone;
}

impl<T: Payload> Api<T> for () {
    async fn put(&self, _: &T) -> Result<()>
    where
        T: Clone,
    {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.put(&String::new()).await;
    let client = Client::new(InProcessTransport::new(api::Handler::<_>::new(())));
    let _ = client.put(&String::new()).await;
}

fn main() {}
