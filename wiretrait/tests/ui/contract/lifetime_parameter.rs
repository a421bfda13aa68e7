use contract::{Api, Client, DynApi, api};
use wiretrait::{InProcessTransport, Result};
use std::sync::Arc;

mod contract {
    use wiretrait::{Payload, Result, http_api};

    #[http_api(client = Client, module = api)]
    pub trait Api<'a, T: Payload + From<&'a str>> {
        #[get("/things")]
        async fn ping(&self, #[query] name: &'a str) -> Result<T>;
    }
}

impl<'a> Api<'a, String> for () {
    async fn ping(&self, name: &'a str) -> Result<String> {
        Ok(name.to_owned())
    }
}

async fn calls(implementation: &impl Api<'_, String>, api: Arc<dyn DynApi<String>>) {
    let _ = implementation.ping("1").await;
    let _ = api.ping("1").await;
    let client = Client::<String, _>::new(InProcessTransport::new(api::Handler::<_, String>::new(())));
    let _ = client.ping("1").await;
}

fn main() {}
