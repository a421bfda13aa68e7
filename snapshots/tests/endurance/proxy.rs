//! A proxy that breaks connections at moments of its choice, in front of a service that knows nothing of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What becomes of a request and its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// The answer arrives, and the connection stays.
    Pass,
    /// The answer arrives, and the connection is closed without a word.
    CloseAfterwards,
    /// Reset with the request unread.
    ResetUnread,
    /// Reset with the request read, which the service never sees.
    ResetBefore,
    /// Closed when the service has answered, and the answer is lost.
    LoseAnswer,
    /// Reset within the answer of the service.
    CutAnswer,
    /// The answer arrives, and for a moment after it nobody listens.
    Absence,
}
use Fate::{Absence, CloseAfterwards, CutAnswer, LoseAnswer, Pass, ResetBefore, ResetUnread};

const BAD: [Fate; 5] = [CloseAfterwards, ResetUnread, ResetBefore, LoseAnswer, CutAnswer];

/// It stops when it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    fates: Arc<Fates>,
    server: JoinHandle<()>,
}

struct Fates {
    service: SocketAddr,
    random: Mutex<fastrand::Rng>,
    counts: Mutex<BTreeMap<Fate, usize>>,
    absence: tokio::sync::Notify,
}

impl Proxy {
    /// A proxy in front of `service`: half of the requests pass; what the others meet follows from `seed`.
    pub(crate) fn start(service: SocketAddr, seed: u64) -> Self {
        let reserved = bound("127.0.0.1:0".parse().unwrap());
        let address = reserved.local_addr().unwrap();
        let random = Mutex::new(fastrand::Rng::with_seed(seed));
        let absence = tokio::sync::Notify::new();
        let fates = Arc::new(Fates { service, random, counts: Mutex::default(), absence });
        let server = tokio::spawn(fates.clone().listen(reserved));
        Self { address, fates, server }
    }

    /// How many requests met which fate.
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
    /// Listens at the address of `reserved`, which is bound to it all the time: in an absence, somebody else would get the
    /// port for a connection of their own.
    async fn listen(self: Arc<Self>, reserved: TcpSocket) {
        let address = reserved.local_addr().unwrap();
        let mut listener = bound(address).listen(1024).unwrap();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let fates = self.clone();
                    tokio::spawn(async move { fates.serve(accepted.unwrap().0).await });
                }
                () = self.absence.notified() => {
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
            0 => Absence,
            1..50 => BAD[random.usize(..BAD.len())],
            _ => Pass,
        };
        *self.counts.lock().unwrap().entry(fate).or_default() += 1;
        fate
    }

    async fn serve(&self, mut client: TcpStream) {
        // Nothing is decided before there is a request.
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
            let mut answer = message(&mut service).await.expect("the service answers");
            match fate {
                LoseAnswer => return,
                CutAnswer => answer.truncate(answer.len() / 2),
                _ => {}
            }
            // A client that has hung up needs no answer.
            let _ = client.write_all(&answer).await;
            match fate {
                CutAnswer => return client.set_zero_linger().unwrap(),
                CloseAfterwards => return,
                Absence => self.absence.notify_one(),
                _ => {}
            }
        }
    }
}

/// A socket at `address`, which others of these may have too as long as one alone listens.
fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

/// One request or answer with the body that its head announces; none if the connection ends before.
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
