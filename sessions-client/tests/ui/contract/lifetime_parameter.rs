use sessions_client::{Result, http_api};

#[http_api(client = Client, module = api)]
trait Api<'a> {
    #[get("/things")]
    async fn ping(&self) -> Result<()>;
}

impl<'a> Api<'a> for () {
    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: &impl Api<'_>) {
    let _ = api.ping().await;
}

fn main() {}
