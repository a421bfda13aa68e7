use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things")]
    async fn ping() -> Result<()>;
}

impl Api for () {
    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: &impl Api) {
    let _ = api.ping().await;
}

fn main() {}
