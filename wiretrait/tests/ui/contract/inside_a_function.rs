use wiretrait::{Result, http_api};

fn main() {
    // The generated module imports from the module around the function, not from the function body.
    // A contract in a function must be declared in a nested module.
    #[http_api(client = Client, module = api)]
    trait Api {
        #[get("/things")]
        async fn ping(&self) -> Result<()>;
    }
}
