use wiretrait::http::StatusCode;
use wiretrait::{ErrorFormat, Result, ServiceError, http_api};

pub struct Handler;

impl ErrorFormat for Handler {
    fn read(&self, _body: &[u8]) -> Option<ServiceError> {
        None
    }
    fn write(&self, _status: StatusCode, _error: &ServiceError) -> Vec<u8> {
        Vec::new()
    }
}

#[http_api(client = ThingsClient, module = things, errors = Handler)]
trait Things {
    #[get("/ping")]
    async fn ping(&self) -> Result<()>;
}

fn main() {}
