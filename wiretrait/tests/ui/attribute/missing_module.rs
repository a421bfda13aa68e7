use wiretrait::{Result, Transport, http_api};

#[http_api(client = Client)]
trait Api {
    #[get("/things")]
    async fn ping(&self) -> Result<()>;
}

async fn calls(transport: impl Transport) {
    let _ = Client::new(transport).ping().await;
}

fn main() {}
