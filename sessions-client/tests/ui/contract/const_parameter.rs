use sessions_client::{Result, http_api};

#[http_api(client = Client, module = api)]
trait Api<const N: usize> {
    #[get("/things")]
    async fn ping(&self) -> Result<()>;
}

impl<const N: usize> Api<N> for () {
    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: &impl Api<1>) {
    let _ = api.ping().await;
}

fn main() {}
