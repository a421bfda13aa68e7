use wiretrait::{Result, Transport, http_api};

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things")]
    async fn ping(&mut self) -> Result<()>;
}

impl Api for () {
    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: &impl Api, transport: impl Transport) {
    let _ = api.ping().await;
    let _ = Client::new(transport).ping().await;
}

fn main() {}
