//! The embedded service by itself: `cargo run --features server --example embedded_service -- 8080`.
//!
//! For trying a client, of any language, without installing the real one. It keeps sessions in memory until
//! it is stopped.

use sessions_client::SessionsMemoryClientV1;
use sessions_client::server::EmbeddedService;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(8080), |port| port.parse::<u16>())?;
    let service = EmbeddedService::start(("127.0.0.1", port), SessionsMemoryClientV1::new()).await?;
    println!("listening at {}", service.url());
    std::future::pending::<()>().await;
    Ok(())
}
