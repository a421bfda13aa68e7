//! The embedded service by itself: `cargo run --features server --example embedded_service -- 8080`.
//!
//! For trying a client, of any language, without installing the real one. It keeps sessions in memory until
//! it is stopped.

use sessions_client::SessionsMemoryClientV1;
use sessions_client::server::EmbeddedService;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8080".to_owned());
    let Ok(port) = port.parse::<u16>() else {
        eprintln!("`{port}` is not a valid port: give a number from 0 to 65535, 0 for any that is free");
        return ExitCode::FAILURE;
    };
    match EmbeddedService::start(("127.0.0.1", port), SessionsMemoryClientV1::new()).await {
        Ok(service) => {
            println!("listening at {}", service.url());
            std::future::pending().await
        }
        Err(error) => {
            eprintln!(
                "cannot listen at 127.0.0.1:{port}: {error}; give another port, 0 for any that is free"
            );
            ExitCode::FAILURE
        }
    }
}
