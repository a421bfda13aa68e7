use contract::{Api, Client, DynApi, api};
use wiretrait::{InProcessTransport, Result};
use std::sync::Arc;

mod contract {
    use wiretrait::{Result, http_api};

    #[http_api(client = Client, module = api)]
    pub trait Api<const N: usize, const EXACT: bool> {
        #[post("/things", request = wiretrait::codec::Json)]
        async fn ping(&self, #[field] sizes: [u8; N]) -> Result<()>;
    }
}

impl<const N: usize, const EXACT: bool> Api<N, EXACT> for () {
    async fn ping(&self, _: [u8; N]) -> Result<()> {
        Ok(())
    }
}

async fn calls(implementation: &impl Api<1, true>, api: Arc<dyn DynApi>) {
    let _ = implementation.ping([1]).await;
    let _ = api.ping([]).await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.ping([]).await;
}

fn main() {}
