//! A TCP proxy that records one header of all requests.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

/// A proxy, which runs as long as the runtime of the test.
pub(crate) struct RecordingProxy {
    url: String,
    recorded: Arc<Mutex<Recorded>>,
}

/// The values of the header, and the number of requests.
#[derive(Default)]
struct Recorded {
    values: Vec<String>,
    requests: usize,
}

impl RecordingProxy {
    /// Starts a proxy in front of the service at an address.
    pub(crate) async fn start(url: &str, header: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let recorded = Arc::<Mutex<Recorded>>::default();
        let proxy = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            recorded: Arc::clone(&recorded),
        };
        let upstream = url.trim_start_matches("http://").to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let service = TcpStream::connect(&upstream).await.unwrap();
                let (requests, mut client) = client.into_split();
                let (mut responses, service) = service.into_split();
                tokio::spawn(forward(requests, service, header, Arc::clone(&recorded)));
                tokio::spawn(async move { copy(&mut responses, &mut client).await });
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the values of the header, and the number of requests.
    pub(crate) fn recorded(&self) -> (Vec<String>, usize) {
        let recorded = self.recorded.lock().unwrap();
        (recorded.values.clone(), recorded.requests)
    }
}

async fn forward(
    mut requests: impl AsyncRead + Unpin,
    mut service: OwnedWriteHalf,
    header: &str,
    recorded: Arc<Mutex<Recorded>>,
) {
    let mut line = Vec::new();
    let mut bytes = [0; 8192];
    while let Ok(read @ 1..) = requests.read(&mut bytes).await {
        for byte in &bytes[..read] {
            if *byte != b'\n' {
                line.push(*byte);
                continue;
            }
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            let mut recorded = recorded.lock().unwrap();
            recorded.requests += usize::from(text.ends_with(" HTTP/1.1"));
            if let Some((name, value)) = text.split_once(": ")
                && name.eq_ignore_ascii_case(header)
            {
                recorded.values.push(value.to_owned());
            }
        }
        if service.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
