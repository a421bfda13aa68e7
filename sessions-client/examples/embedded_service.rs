//! The embedded service by itself: `cargo run --features server --example embedded_service -- 8080`.
//!
//! For trying a client, of any language, without installing the real one. It keeps sessions in memory until
//! it is stopped. With an address such as `0.0.0.0:8080` in place of the port, other machines reach it.

use sessions_client::SessionsMemoryClientV1;
use sessions_client::server::EmbeddedService;
use std::net::SocketAddr;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let address = match place.parse() {
        Ok(port) => SocketAddr::from(([127, 0, 0, 1], port)),
        Err(_) => place.parse()?,
    };
    let service = EmbeddedService::start(address, SessionsMemoryClientV1::new()).await?;
    println!("listening at {}", service.url());
    std::future::pending::<()>().await;
    Ok(())
}
