//! The embedded service as a program, at an address such as `0.0.0.0:8080`, for load from other machines.

use sessions_service::{EmbeddedService, SessionStore};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args()
        .nth(1)
        .ok_or("missing argument: the address to listen at, such as 127.0.0.1:8080")?;
    let service = EmbeddedService::start(address, SessionStore::new()).await?;
    println!("listening at {}", service.url());
    std::future::pending::<()>().await;
    Ok(())
}
