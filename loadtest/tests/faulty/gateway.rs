//! A gateway in front of an embedded service, which requires a header.

use sessions_service::{EmbeddedService, SessionStore};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

const UNAUTHORIZED: &[u8] = b"HTTP/1.1 401 Unauthorized\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\
    connection: close\r\n\r\n401 nginx-ish";

/// A gateway, which stops when it is dropped.
pub(crate) struct Gateway {
    address: SocketAddr,
    _runtime: Runtime,
    _service: EmbeddedService,
}

impl Gateway {
    /// Starts a gateway that requires this header in the first request of each connection.
    pub(crate) fn start(name: &'static str, value: &'static str) -> Self {
        Self::start_after(name, value, 0)
    }

    /// Starts a gateway that closes its first connections without a response.
    pub(crate) fn start_after(name: &'static str, value: &'static str, mut closed: u32) -> Self {
        let runtime = Runtime::new().unwrap();
        let (service, listener) = runtime.block_on(async {
            let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
            (service, TcpListener::bind("127.0.0.1:0").await.unwrap())
        });
        let address = listener.local_addr().unwrap();
        let upstream = service.url().trim_start_matches("http://").to_owned();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if closed > 0 {
                    closed -= 1;
                    continue;
                }
                tokio::spawn(serve(client, upstream.clone(), name, value));
            }
        });
        Self { address, _runtime: runtime, _service: service }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(mut client: TcpStream, upstream: String, name: &str, value: &str) {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match client.read_buf(&mut head).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let text = String::from_utf8_lossy(&head);
    let is_it = |line: &str| {
        line.split_once(':')
            .is_some_and(|(key, found)| key.eq_ignore_ascii_case(name) && found.trim() == value)
    };
    if !text.lines().any(is_it) {
        let _ = client.write_all(UNAUTHORIZED).await;
        return;
    }
    let Ok(mut service) = TcpStream::connect(&upstream).await else { return };
    if service.write_all(&head).await.is_ok() {
        let _ = tokio::io::copy_bidirectional(&mut client, &mut service).await;
    }
}
