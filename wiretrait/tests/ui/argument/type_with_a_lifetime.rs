use wiretrait::{InProcessTransport, Result, http_api};
use std::borrow::Cow;
use std::sync::Arc;

#[derive(Clone)]
struct Wrapped<'a>(&'a str);

#[http_api(client = Client, module = api)]
trait Api {
    #[get("/things")]
    async fn get(&self, #[query] id: Cow<'_, Wrapped<'_>>, #[query] fixed: Cow<'static, str>) -> Result<()>;

    #[post("/things")]
    async fn add(&self, #[field] thing: &Wrapped<'_>) -> Result<()>;

    #[put("/things")]
    async fn replace<'a>(&self, #[field] thing: Wrapped<'a>) -> Result<()>;
}

impl Api for () {
    async fn get(&self, _: Cow<'_, Wrapped<'_>>, _: Cow<'static, str>) -> Result<()> {
        Ok(())
    }

    async fn add(&self, _: &Wrapped<'_>) -> Result<()> {
        Ok(())
    }

    async fn replace<'a>(&self, _: Wrapped<'a>) -> Result<()> {
        Ok(())
    }
}

async fn calls(api: Arc<dyn DynApi>) {
    let _ = api.get(Cow::Owned(Wrapped("1")), "2".into()).await;
    let client = Client::new(InProcessTransport::new(api::Handler::new(())));
    let _ = client.add(&Wrapped("1")).await;
    let _ = client.replace(Wrapped("1")).await;
}

fn main() {}
