//! The other operations, the client and the calls below cause no further errors.

use wiretrait::{Result, http_api};

#[http_api(client = Client, module = api, client_only)]
pub trait Api {
    #[get("/things/{id}")]
    pub async fn find(&self, id: &str) -> Result<()>;

    #[get("/things")]
    pub(crate) async fn list(&self) -> Result<Vec<String>>;

    #[delete("/things/{id}")]
    default async fn remove(&self, id: &str) -> Result<()>;

    pub async fn first(&self) -> Result<Option<String>> {
        Ok(self.list().await?.into_iter().next())
    }
}

async fn calls(client: Client) -> Result<()> {
    client.find("1").await?;
    client.first().await?;
    client.remove("1").await
}

fn main() {}
