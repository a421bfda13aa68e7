use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things")]
    async fn next(&self) -> Result<Box<Self>>;
}

impl Api for () {
    async fn next(&self) -> Result<Box<Self>> {
        Ok(Box::new(()))
    }
}

fn main() {}
