//! A proxy that breaks connections at random stages, in front of an unmodified service.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The treatment of a request and its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// The response arrives, and the connection stays open.
    Pass,
    /// The response arrives, and the connection is closed without `Connection: close`.
    CloseAfterwards,
    /// The connection is reset before the request is read.
    ResetUnread,
    /// The connection is reset after the request is read; the service does not receive it.
    ResetBefore,
    /// The connection is closed after the service has responded; the response is lost.
    LoseResponse,
    /// The connection is reset within the response.
    TruncateResponse,
    /// The response arrives, and for a moment the proxy does not listen.
    Downtime,
}
use Fate::{CloseAfterwards, Downtime, LoseResponse, Pass, ResetBefore, ResetUnread, TruncateResponse};

const BAD: [Fate; 5] = [CloseAfterwards, ResetUnread, ResetBefore, LoseResponse, TruncateResponse];

/// A running proxy, which stops when dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    fates: Arc<Fates>,
    server: JoinHandle<()>,
}

struct Fates {
    service: SocketAddr,
    random: Mutex<fastrand::Rng>,
    counts: Mutex<BTreeMap<Fate, usize>>,
    downtime: tokio::sync::Notify,
}

impl Proxy {
    /// Starts a proxy in front of `service`. Half of the requests pass; `seed` decides the fate of the
    /// others.
    pub(crate) fn start(service: SocketAddr, seed: u64) -> Self {
        let reserved = bound("127.0.0.1:0".parse().unwrap());
        let address = reserved.local_addr().unwrap();
        let random = Mutex::new(fastrand::Rng::with_seed(seed));
        let downtime = tokio::sync::Notify::new();
        let fates = Arc::new(Fates { service, random, counts: Mutex::default(), downtime });
        let server = tokio::spawn(fates.clone().listen(reserved));
        Self { address, fates, server }
    }

    /// Returns the number of requests by fate.
    pub(crate) fn fates(&self) -> BTreeMap<Fate, usize> {
        self.fates.counts.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Fates {
    /// Listens at the address of `reserved`, which stays bound during a downtime so that no other process
    /// gets the port.
    async fn listen(self: Arc<Self>, reserved: TcpSocket) {
        let address = reserved.local_addr().unwrap();
        let mut listener = bound(address).listen(1024).unwrap();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let fates = self.clone();
                    tokio::spawn(async move { fates.serve(accepted.unwrap().0).await });
                }
                () = self.downtime.notified() => {
                    drop(listener);
                    sleep(Duration::from_millis(30)).await;
                    listener = bound(address).listen(1024).unwrap();
                }
            }
        }
    }

    fn next(&self) -> Fate {
        let mut random = self.random.lock().unwrap();
        let fate = match random.u8(..100) {
            0 => Downtime,
            1..50 => BAD[random.usize(..BAD.len())],
            _ => Pass,
        };
        *self.counts.lock().unwrap().entry(fate).or_default() += 1;
        fate
    }

    async fn serve(&self, mut client: TcpStream) {
        // Wait for a request before choosing its fate.
        while client.peek(&mut [0]).await.is_ok_and(|count| count > 0) {
            let fate = self.next();
            if fate == ResetUnread {
                return client.set_zero_linger().unwrap();
            }
            let Some(request) = message(&mut client).await else { return };
            if fate == ResetBefore {
                return client.set_zero_linger().unwrap();
            }
            let mut service = TcpStream::connect(self.service).await.unwrap();
            service.write_all(&request).await.unwrap();
            let mut response = message(&mut service).await.expect("the service responds");
            match fate {
                LoseResponse => return,
                TruncateResponse => response.truncate(response.len() / 2),
                _ => {}
            }
            // The client may have closed the connection.
            let _ = client.write_all(&response).await;
            match fate {
                TruncateResponse => return client.set_zero_linger().unwrap(),
                CloseAfterwards => return,
                Downtime => self.downtime.notify_one(),
                _ => {}
            }
        }
    }
}

/// Binds a socket to `address`; several of these may share it as long as only one listens.
fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

/// Reads a request or response with its body; returns `None` if the connection ends before.
async fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&message).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
                return Some(message);
            }
        }
        if stream.read_buf(&mut message).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}
