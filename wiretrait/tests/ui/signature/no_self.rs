use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things")]
    async fn ping() -> Result<()>;
}

impl Api for () {
    async fn ping() -> Result<()> {
        Ok(())
    }
}

async fn calls<A: Api>() {
    let _ = A::ping().await;
}

fn main() {}
