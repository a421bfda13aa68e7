use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api)]
pub trait Api {
    #[post("/notes")]
    async fn note(&self, #[field] text: &Option<String>, #[query] tag: &Option<String>) -> Result<()>;
}

async fn post(client: Client) -> Result<()> {
    client.note(&None, &None).await
}

fn main() {}
