//! The relay of one host and port: accepts the connections of virtual users and connects them to the service.
//!
//! It passes bytes, so that TLS and HTTP/2 are unchanged. When the service cannot be reached, the accepted
//! connection is reset.

use super::active::Active;
use super::connections::Connections;
use super::pump::{Direction, pump, wait_until_forwarding};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The number of connections that wait to be accepted.
const BACKLOG: u32 = 4_096;

/// The pause after a connection could not be accepted.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// The host and port of a service or a proxy.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) host: String,
    pub(super) port: u16,
    /// The addresses that replace those from DNS.
    pub(super) given: Option<Vec<IpAddr>>,
    /// The index of the first address of the next connection, if connections are spread.
    pub(super) next: Option<AtomicUsize>,
}

impl Upstream {
    async fn connect(&self) -> io::Result<TcpStream> {
        let mut addresses: Vec<SocketAddr> = match &self.given {
            Some(given) => given.iter().map(|address| (*address, self.port).into()).collect(),
            None => lookup_host((&*self.host, self.port)).await?.collect(),
        };
        if let Some(next) = &self.next
            && !addresses.is_empty()
        {
            addresses.sort();
            let first = next.fetch_add(1, Ordering::Relaxed) % addresses.len();
            addresses.rotate_left(first);
        }
        let stream = TcpStream::connect(&addresses[..]).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// A relay that accepts connections.
#[derive(Debug)]
pub(super) struct Relay {
    listener: TcpListener,
    pub(super) address: SocketAddr,
    upstream: Arc<Upstream>,
    /// Keeps the port while connections are refused.
    _reserved: TcpSocket,
}

impl Relay {
    pub(super) fn bind(upstream: Upstream) -> io::Result<Self> {
        let reserved = socket((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = reserved.local_addr()?;
        let listener = socket(address)?.listen(BACKLOG)?;
        Ok(Self { listener, address, upstream: Arc::new(upstream), _reserved: reserved })
    }

    /// Relays connections until the task is aborted.
    pub(super) async fn serve(
        mut self,
        mut active: watch::Receiver<Active>,
        connections: Arc<Connections>,
        mut random: fastrand::Rng,
    ) {
        let mut tasks = JoinSet::new();
        loop {
            if active.borrow_and_update().refuses {
                // Without a listener, the system refuses connections.
                drop(self.listener);
                connections.reset_all();
                if active.wait_for(|active| !active.refuses).await.is_err() {
                    return;
                }
                self.listener = match listen_again(self.address).await {
                    Some(listener) => listener,
                    None => return,
                };
            }
            while tasks.try_join_next().is_some() {}
            tokio::select! {
                changed = active.changed() => if changed.is_err() { return },
                accepted = self.listener.accept() => match accepted {
                    Ok((client, _)) => {
                        let (id, reset) = connections.opened(&active.borrow().indices);
                        let (upstream, active) = (Arc::clone(&self.upstream), active.clone());
                        let (connections, random) = (Arc::clone(&connections), random.fork());
                        tasks.spawn(async move {
                            relay(client, &upstream, active, reset, random).await;
                            connections.closed(id);
                        });
                    }
                    Err(_) => sleep(RETRY_INTERVAL).await,
                },
            }
        }
    }
}

/// Creates a socket that shares its port with others of this process.
fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn listen_again(address: SocketAddr) -> Option<TcpListener> {
    // The port is reserved: only a lack of files can be in the way.
    for _ in 0..100 {
        match socket(address).and_then(|socket| socket.listen(BACKLOG)) {
            Ok(listener) => return Some(listener),
            Err(_) => sleep(RETRY_INTERVAL).await,
        }
    }
    None
}

/// Relays one connection until both sides have ended, one fails, or it is reset.
async fn relay(
    mut client: TcpStream,
    upstream: &Upstream,
    mut active: watch::Receiver<Active>,
    mut reset: oneshot::Receiver<()>,
    mut random: fastrand::Rng,
) {
    let connecting = async {
        wait_until_forwarding(&mut active).await;
        client.set_nodelay(true)?;
        upstream.connect().await
    };
    let connected = tokio::select! {
        connected = connecting => connected.ok(),
        _ = &mut reset => None,
    };
    let Some(mut service) = connected else {
        let _ = client.set_zero_linger();
        return;
    };
    let ended = {
        let (from_client, to_client) = client.split();
        let (from_service, to_service) = service.split();
        let requests = pump(from_client, to_service, Direction::Request, active.clone(), random.fork());
        let responses = pump(from_service, to_client, Direction::Response, active, random);
        tokio::select! {
            ended = async { tokio::try_join!(requests, responses) } => ended.is_ok(),
            _ = &mut reset => false,
        }
    };
    if !ended {
        // A socket that is closed without lingering sends a reset.
        let _ = client.set_zero_linger();
        let _ = service.set_zero_linger();
    }
}
