use wiretrait::{InProcessTransport, Result, http_api};
use std::sync::Arc;

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things/{thing}/edit")]
    async fn edit(&self, thing: &str) -> Result<()>;

    #[get("/things/new/{kind}")]
    async fn template(&self, kind: &str) -> Result<()>;
}

impl Api for () {
    async fn edit(&self, _: &str) -> Result<()> {
        Ok(())
    }

    async fn template(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.edit("1").await;
    let _ = api.template("edit").await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.edit("1").await;
    let _ = client.template("edit").await;
}

fn main() {}
