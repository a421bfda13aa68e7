use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things")]
    async fn list(&self, #[query] from: u32) -> Result<Vec<String>>;

    async fn generic<T: Send>(&self, item: T) -> Result<T> {
        Ok(item)
    }

    async fn by_value(self) -> Result<()> {
        Ok(())
    }

    fn plain(&self) -> u8 {
        1
    }

    async fn annotated(&self, #[query] from: u32) -> Result<Vec<String>> {
        self.list(from).await
    }

    async fn with(&self) -> Result<Vec<String>> {
        self.list(0).await
    }

    async fn by_closure(&self, each: impl Fn(String) + Send) -> Result<()> {
        self.list(0).await?.into_iter().for_each(each);
        Ok(())
    }

    async fn borrowing(&self) -> Result<&str> {
        Ok("name")
    }

    async fn constant(&self) -> Result<&'static str> {
        Ok("name")
    }
}

impl Api for () {
    async fn list(&self, _: u32) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.list(1).await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.annotated(1).await;
    let _ = client.plain();
}

fn main() {}
