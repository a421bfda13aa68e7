//! A server that fails in a given way, always or a number of times, and counts requests.

use super::read_request;
use super::socket_time::SocketTime;
use std::mem::take;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// A fault.
#[derive(Clone)]
pub(crate) enum Fault {
    /// The port is closed.
    Refused,
    /// The request gets its response, and the connection is kept, to be [closed](Faulty::close_idle) later.
    Stale,
    /// The request is read to its end, and the response is these bytes, if any.
    Respond(Vec<u8>, Then),
}

/// The fate of a connection after a bad response.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    Keep,
    Close,
    Reset,
    /// Nothing more is sent, and the client times out.
    Silence,
}

/// The handling of the next requests.
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    /// The number of faults left.
    pub(crate) times: usize,
    /// The response to a request without a fault.
    pub(crate) good: Vec<u8>,
}

impl Plan {
    /// Returns the fault, if there is one left.
    fn next(&mut self) -> Option<Fault> {
        self.times = self.times.checked_sub(1)?;
        Some(self.fault.clone())
    }
}

/// A server on the test's runtime, with the client's clock.
pub(crate) struct Faulty {
    server: Arc<Server>,
    pub(crate) url: String,
    pub(crate) time: Arc<SocketTime>,
}

struct Server {
    plan: Mutex<Plan>,
    /// The number of complete requests.
    requests: AtomicUsize,
    /// The idle connections of the client, to be closed.
    idle: Mutex<Vec<TcpStream>>,
}

impl Faulty {
    /// Starts a server. With [`Fault::Refused`] it listens after the client has made `times` pauses.
    pub(crate) fn start(mut plan: Plan) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}", socket.local_addr().unwrap());
        let refusals = if matches!(plan.fault, Fault::Refused) { take(&mut plan.times) } else { 0 };
        let (plan, requests, idle) = (Mutex::new(plan), AtomicUsize::new(0), Mutex::default());
        let server = Arc::new(Server { plan, requests, idle });
        let time = SocketTime::new();
        if refusals == 0 {
            tokio::spawn(server.clone().accept(socket.listen(64).unwrap(), time.clone()));
        } else {
            let (pausing, serving) = (time.clone(), server.clone());
            let (mut refusals, mut socket) = (refusals, Some(socket));
            time.on_pause(move || {
                refusals -= 1;
                if let Some(socket) = socket.take_if(|_| refusals == 0) {
                    tokio::spawn(serving.clone().accept(socket.listen(64).unwrap(), pausing.clone()));
                }
            });
        }
        Self { server, url, time }
    }

    /// Sets the handling of the next requests.
    pub(crate) fn set_plan(&self, plan: Plan) {
        *self.server.plan.lock().unwrap() = plan;
    }

    /// Returns the number of complete requests since the last call.
    pub(crate) fn requests(&self) -> usize {
        self.server.requests.swap(0, Ordering::SeqCst)
    }

    /// Closes the idle connections. The client notices it after its runtime has polled the sockets.
    pub(crate) fn close_idle(&self) {
        let idle = take(&mut *self.server.idle.lock().unwrap());
        assert!(!idle.is_empty(), "the client keeps no connection");
    }
}

impl Server {
    async fn accept(self: Arc<Self>, listener: TcpListener, time: Arc<SocketTime>) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (server, time) = (self.clone(), time.clone());
            tokio::spawn(async move { server.serve(stream, &time).await });
        }
    }

    async fn serve(&self, mut stream: TcpStream, time: &SocketTime) {
        while read_request(&mut stream).await.is_some() {
            self.requests.fetch_add(1, Ordering::SeqCst);
            let (fault, good) = {
                let mut plan = self.plan.lock().unwrap();
                (plan.next(), plan.good.clone())
            };
            let Some(Fault::Respond(bytes, then)) = fault else {
                stream.write_all(&good).await.unwrap();
                if fault.is_some() {
                    return self.idle.lock().unwrap().push(stream);
                }
                continue;
            };
            // The client may have closed the connection.
            let _ = stream.write_all(&bytes).await;
            match then {
                Then::Keep => {}
                Then::Close => return,
                Then::Reset => return stream.set_zero_linger().unwrap(),
                Then::Silence => {
                    time.run_out();
                    assert_eq!(read_request(&mut stream).await, None, "the client does not give up");
                    return;
                }
            }
        }
    }
}
