use wiretrait::http::StatusCode;
use wiretrait::{ErrorFormat, InProcessTransport, Result, ServiceError, http_api};
use std::sync::Arc;

struct Errors;

impl ErrorFormat for Errors {
    fn read(&self, _body: &[u8]) -> Option<ServiceError> {
        None
    }

    fn write(&self, _status: StatusCode, _error: &ServiceError) -> Vec<u8> {
        Vec::new()
    }
}

#[http_api(client = Client, module = api, errors = "Errors")]
trait Api {
    #[get("/things")]
    async fn ping(&self) -> Result<()>;
}

impl Api for () {
    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.ping().await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.ping().await;
}

fn main() {}
