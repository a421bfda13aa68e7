//! A network with a long delay in front of the service.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// A proxy that passes bytes on after a delay, as a slow network does. It ends when it is dropped.
#[derive(Debug)]
pub struct SlowNetwork {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl SlowNetwork {
    /// Starts the proxy in front of the service at `upstream`. Bytes take `one_way` in each direction, and a new
    /// connection takes a round trip more.
    ///
    /// # Errors
    ///
    /// If there is no free port.
    pub async fn start(upstream: SocketAddr, one_way: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    // A service that is down closes the connection of the client.
                    let Ok(service) = TcpStream::connect(upstream).await else { return };
                    let (from_client, to_client) = client.into_split();
                    let (from_service, to_service) = service.into_split();
                    let connected_at = Instant::now() + 2 * one_way;
                    tokio::spawn(pass_on(from_client, to_service, connected_at, one_way));
                    pass_on(from_service, to_client, connected_at, one_way).await;
                });
            }
        });
        Ok(Self { address, accepting })
    }

    /// Returns the address at the near end.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for SlowNetwork {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Passes bytes on after `one_way`, and not before the connection is made.
async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, connected_at: Instant, one_way: Duration) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    tokio::spawn(async move {
        while let Some((arrival, bytes)) = receiver.recv().await {
            sleep_until(arrival).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    loop {
        let mut bytes = Vec::new();
        match from.read_buf(&mut bytes).await {
            Ok(count) if count > 0 => {}
            _ => return,
        }
        if sender.send((Instant::now().max(connected_at) + one_way, bytes)).is_err() {
            return;
        }
    }
}
