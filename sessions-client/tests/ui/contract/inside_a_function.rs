// The generated module is an item of the function and sees what is around the function, not what is in
// it. A module around the contract, in the function or not, is the way out.

fn main() {
    use sessions_client::{Result, http_api};

    #[http_api(client = Client, module = api)]
    trait Api {
        #[get("/things")]
        async fn ping(&self) -> Result<()>;
    }
}
