// Without the import, the compiler suggests the trait, and no hidden name.
mod contract {
    use wiretrait::{Result, http_api};

    #[http_api(client = Client, module = things)]
    pub trait Things {
        #[get("/one")]
        async fn find(&self) -> Result<String>;
    }
}

use contract::{Client, DynThings};

fn calls(client: &Client, things: &dyn DynThings) {
    drop(client.find());
    drop(things.find());
}

fn main() {}
