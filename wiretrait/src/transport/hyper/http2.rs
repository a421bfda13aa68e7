//! HTTP/2 with h2: connections that all calls share.
//!
//! h2 is used directly, because the client of hyper spawns a task for each request, and does not show how many
//! requests the service accepts at a time.

#[cfg(all(test, shuttle))]
mod interleavings;

use super::io::{Counted, Counts, Stream};
use crate::config::{ClientConfig, HttpVersion};
use crate::error::{Error, ErrorKind};
use crate::runtime::Response;
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};
use crate::task_outcome::TaskOutcome;
use crate::transport::body::LimitedBody;
use crate::transport::failure::Peer;
use crate::transport::failure::is_end;
use crate::transport::protocol::http2 as protocol;
use crate::transport::protocol::http2::{
    CONNECTION_WINDOW, MAX_HEADER_LIST_BYTES, PING_INTERVAL, PING_TIMEOUT, STREAM_WINDOW,
};
use crate::transport::{age, connecting, phases, runtime_id};
use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use h2::{Ping, PingPong};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Uri, Version};
use hyper_util::rt::TokioIo;
#[cfg(all(test, shuttle))]
use shuttle::future::spawn;
use std::future::poll_fn;
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::runtime::Id;
#[cfg(not(all(test, shuttle)))]
use tokio::spawn;
use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

/// A limit of concurrent requests that no service has, until the settings of the service arrive.
const UNKNOWN: usize = usize::MAX - 1;

/// The number of calls of a connection that is closed because it was idle.
const CLOSED: usize = usize::MAX;

/// The time without calls after which a connection may have been closed unnoticed, since the runtime may not have polled
/// its sockets meanwhile.
const UNNOTICED: Duration = Duration::from_millis(10);

/// The connections to one address. A further one is opened when the others have as many requests as the service
/// accepts at a time.
pub(super) struct Shared {
    idle_timeout: Duration,
    connections: Mutex<Vec<Arc<Multiplexed>>>,
    /// Connections that are being opened, at most one for each runtime. It is locked before `connections`.
    openings: Mutex<Vec<Opening>>,
}

/// A connection that a spawned task is opening, so that a cancelled call does not end it.
struct Opening {
    runtime: Option<Id>,
    outcome: TaskOutcome<Outcome>,
}

/// The result of an opening, for the calls that wait for it.
type Outcome = Result<(), Arc<Error>>;

/// The next step of a call that has no connection yet.
enum Next {
    Use(Slot),
    /// It has started an opening, and is the first to use the connection.
    Open(oneshot::Receiver<Result<Slot, Error>>),
    Wait(TaskOutcome<Outcome>),
}

/// One connection.
pub(super) struct Multiplexed {
    requests: SendRequest<Bytes>,
    /// Dropped after `requests`, so that the task finds the last handle gone.
    state: WakingState,
    opened_at: Instant,
    /// True if the service accepted no requests when the connection was opened.
    starts_paused: bool,
    /// The end of its greatest age; `None` if it has none.
    retires_at: Option<Instant>,
    /// The runtime of the task that reads and writes.
    runtime: Option<Id>,
}

/// The state that a connection shares with its task.
#[derive(Default)]
struct State {
    /// The number of calls in progress, or [`CLOSED`].
    calls: AtomicUsize,
    /// The end of the last call, or the last moment when a closed connection was noticed, in milliseconds since the
    /// connection was opened.
    used_at: AtomicU64,
    counts: Arc<Counts>,
    /// The number of reads when a call was given up without any sign of life, plus one; 0 if that has not
    /// happened.
    suspected_at: AtomicU64,
    has_timed_out: AtomicBool,
    /// Wakes the task, to send a ping, or to close the connection.
    wake: Notify,
}

impl Shared {
    /// Returns no connections yet, or `None` if `config` chooses HTTP/1.1.
    pub(super) fn of(config: &ClientConfig) -> Option<Self> {
        (config.http_version() == HttpVersion::Http2).then(|| Self {
            idle_timeout: config.pool_idle_timeout(),
            connections: Mutex::default(),
            openings: Mutex::default(),
        })
    }

    /// Sends `request` to the service, if necessary over a new connection that `open` returns, and reads the complete
    /// response, whose body has at most `limit` bytes.
    pub(super) async fn exchange<F>(
        self: &Arc<Self>,
        request: Request<Bytes>,
        open: impl Fn() -> F + Send,
        peer: &Peer,
        limit: usize,
    ) -> Result<Response, Error>
    where
        F: Future<Output = Result<Multiplexed, Error>> + Send + 'static,
    {
        let request = absolute(request, &peer.origin)?;
        let slot = match self.noticed_slot().await {
            Some(slot) => slot,
            // The task that opens the connection enforces its limit.
            None => connecting::open(Duration::MAX, self.open(open, &peer.origin))
                .await
                .unwrap_or_else(|_| Err(peer.not_connected_in_time()))?,
        };
        phases::acquired();
        slot.exchange(request, &peer.origin, limit).await
    }

    /// Returns a connection that accepts another request. The end of one that was not used for a while is noticed before.
    async fn noticed_slot(&self) -> Option<Slot> {
        let slot = self.slot()?;
        if !slot.may_be_closed {
            return Some(slot);
        }
        // The runtime polls its sockets.
        yield_now().await;
        if slot.connection.is_alive() {
            slot.connection.use_now();
            return Some(slot);
        }
        self.slot()
    }

    async fn open<F>(self: &Arc<Self>, open: impl Fn() -> F + Send, origin: &str) -> Result<Slot, Error>
    where
        F: Future<Output = Result<Multiplexed, Error>> + Send + 'static,
    {
        let stopped = || no_connection(origin, "the opening of the connection was stopped");
        // In each round, at least the call that has opened the connection gets it.
        loop {
            match self.next(&open, origin) {
                Next::Use(slot) => return Ok(slot),
                Next::Open(slot) => return slot.await.unwrap_or_else(|_| Err(stopped())),
                Next::Wait(outcome) => match outcome.wait().await {
                    Some(Err(error)) => return Err(error.for_another_call()),
                    Some(Ok(())) => {}
                    None => return Err(stopped()),
                },
            }
        }
    }

    fn next<F>(self: &Arc<Self>, open: impl Fn() -> F, origin: &str) -> Next
    where
        F: Future<Output = Result<Multiplexed, Error>> + Send + 'static,
    {
        let runtime = runtime_id::current();
        let mut openings = self.openings();
        if let Some(slot) = self.slot() {
            return Next::Use(slot);
        }
        // The others ended with their runtimes.
        openings.retain(|opening| opening.outcome.is_pending());
        if let Some(opening) = openings.iter().find(|opening| opening.runtime == runtime) {
            return Next::Wait(opening.outcome.clone());
        }
        let (publisher, outcome) = TaskOutcome::new();
        let (first, slot) = oneshot::channel();
        openings.push(Opening { runtime, outcome });
        let (shared, connecting, origin) = (self.clone(), open(), origin.to_owned());
        spawn(async move {
            let (opened, outcome) = match connecting.await {
                Ok(connection) => {
                    let connection = Arc::new(connection);
                    let slot = Slot::new(connection.clone());
                    shared.lock().push(connection);
                    (slot.ok_or_else(|| protocol::closed_before(&origin)), Ok(()))
                }
                Err(error) => {
                    let shared = error.for_another_call();
                    (Err(error), Err(Arc::new(shared)))
                }
            };
            shared.openings().retain(|opening| opening.runtime != runtime);
            publisher.publish(outcome);
            // A call that was cancelled does not receive it.
            let _ = first.send(opened);
        });
        Next::Open(slot)
    }

    /// Returns a connection that accepts another request, and forgets those that never will.
    fn slot(&self) -> Option<Slot> {
        let runtime = runtime_id::current();
        let mut connections = self.lock();
        connections.retain(|connection| connection.is_open(self.idle_timeout));
        let own = || connections.iter().filter(|connection| connection.runtime == runtime);
        let with_room = own().filter(|connection| connection.has_room()).cloned().find_map(Slot::new);
        // A further connection would not accept requests either.
        with_room.or_else(|| own().filter(|connection| connection.is_paused()).cloned().find_map(Slot::new))
    }

    /// Ignores poisoning, because the list is valid after a panic too.
    fn openings(&self) -> MutexGuard<'_, Vec<Opening>> {
        self.openings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ignores poisoning, because the list is valid after a panic too.
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Multiplexed>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_connection(origin: &str, cause: &str) -> Error {
    Error::new(ErrorKind::Connect, format!("cannot connect to {origin}: {cause}"))
}

impl Multiplexed {
    /// Creates a connection over an open stream within `limit`.
    pub(super) async fn connect(
        stream: Box<dyn Stream>,
        peer: &Peer,
        limit: Duration,
        idle_timeout: Duration,
        max_age: Duration,
    ) -> Result<Self, Error> {
        let outcome = timeout(limit, Self::over(stream, peer, idle_timeout, max_age)).await;
        outcome.unwrap_or_else(|_| {
            let error = no_connection(&peer.origin, "no HTTP/2 settings of the service in time");
            // A service that speaks HTTP/2 sends them at once.
            Err(error.with_advice(Some(protocol::MAY_NEED_OTHER_PROTOCOL.into())))
        })
    }

    /// Creates a connection over the open stream `io`, and waits for the settings of the service.
    async fn over(
        io: Box<dyn Stream>,
        peer: &Peer,
        idle_timeout: Duration,
        max_age: Duration,
    ) -> Result<Self, Error> {
        let state = Arc::new(State::default());
        let io = TokioIo::new(Counted::new(io, state.counts.clone()));
        let connecting = Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .initial_max_send_streams(UNKNOWN)
            .max_header_list_size(MAX_HEADER_LIST_BYTES)
            .enable_push(false)
            .handshake(io);
        let closed = || {
            let cause = "the connection was closed instead of an HTTP/2 response";
            no_connection(&peer.origin, cause).with_advice(Some(protocol::MAY_NEED_HTTP1.into()))
        };
        let failed = |error: h2::Error| match peer.rejected_certificate(&error) {
            Some(rejected) => rejected,
            // A service that closes a connection with unread bytes resets it.
            None if error.get_io().is_some_and(is_end) => closed(),
            None => protocol::failed(&peer.origin, &error).with_unprocessed(),
        };
        let (requests, mut driver) = connecting.await.map_err(failed)?;
        let settled = poll_fn(|context| match Pin::new(&mut driver).poll(context) {
            Poll::Ready(outcome) => Poll::Ready(outcome.map(|()| false)),
            Poll::Pending if requests.current_max_send_streams() == UNKNOWN => Poll::Pending,
            Poll::Pending => Poll::Ready(Ok(true)),
        });
        if !settled.await.map_err(failed)? {
            return Err(closed());
        }
        let opened_at = Instant::now();
        let retires_at = age::retirement(opened_at.into_std(), max_age, fastrand::f64());
        let connection = Self {
            starts_paused: requests.current_max_send_streams() == 0,
            requests,
            state: WakingState(state.clone()),
            opened_at,
            retires_at: retires_at.map(Instant::from_std),
            runtime: runtime_id::current(),
        };
        if let Some(pings) = driver.ping_pong() {
            spawn(async move { drive(driver, pings, state, idle_timeout).await });
        }
        Ok(connection)
    }

    /// Returns whether the connection may be used for further calls.
    fn is_open(&self, idle_timeout: Duration) -> bool {
        let now = Instant::now();
        let idle = self.unused_for(now);
        let is_idle = self.state.calls.load(Ordering::Relaxed) == 0;
        self.retires_at.is_none_or(|end| now < end) && (!is_idle || idle < idle_timeout) && self.is_alive()
    }

    /// Returns whether neither side has closed the connection, as far as is known.
    fn is_alive(&self) -> bool {
        let mut requests = self.requests.clone();
        !matches!(requests.poll_ready(&mut Context::from_waker(Waker::noop())), Poll::Ready(Err(_)))
    }

    fn use_now(&self) {
        let age = u64::try_from(self.opened_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.state.used_at.store(age, Ordering::Relaxed);
    }

    /// Returns the time since the end of the last call, or since the connection was known to be open.
    fn unused_for(&self, now: Instant) -> Duration {
        let used_at = Duration::from_millis(self.state.used_at.load(Ordering::Relaxed));
        now.saturating_duration_since(self.opened_at).saturating_sub(used_at)
    }

    fn has_room(&self) -> bool {
        !self.state.is_suspected()
            && self.state.calls.load(Ordering::Relaxed) < self.requests.current_max_send_streams()
    }

    /// Returns whether the service has accepted no requests so far. h2 sends them when it does.
    fn is_paused(&self) -> bool {
        self.starts_paused && !self.state.is_suspected() && self.requests.current_max_send_streams() == 0
    }
}

/// The state of a connection, whose task is woken when the connection is dropped.
struct WakingState(Arc<State>);

impl Deref for WakingState {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl Drop for WakingState {
    fn drop(&mut self) {
        self.wake.notify_one();
    }
}

impl State {
    /// Closes the connection unless it has calls, and returns whether it did. No call can begin after that.
    fn close_if_idle(&self) -> bool {
        self.calls.compare_exchange(0, CLOSED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Returns whether nothing was received since a call was given up.
    fn is_suspected(&self) -> bool {
        self.suspected_at.load(Ordering::Relaxed) == self.reads() + 1
    }

    fn reads(&self) -> u64 {
        self.counts.reads.load(Ordering::Relaxed)
    }

    fn writes(&self) -> u64 {
        self.counts.writes.load(Ordering::Relaxed)
    }
}

/// A call on a connection.
struct Slot {
    connection: Arc<Multiplexed>,
    /// True if no call had ended for a while, so that the connection may have been closed unnoticed.
    may_be_closed: bool,
    /// The number of reads when the call began; `None` before that and after its response.
    reads: Option<u64>,
}

impl Slot {
    /// Returns `None` if the connection is closed because it was idle.
    fn new(connection: Arc<Multiplexed>) -> Option<Self> {
        let begin = |calls| if calls == CLOSED { None } else { Some(calls + 1) };
        connection.state.calls.fetch_update(Ordering::AcqRel, Ordering::Acquire, begin).ok()?;
        // Also if other calls have begun: they may not have noticed it either.
        let may_be_closed = connection.unused_for(Instant::now()) >= UNNOTICED;
        Some(Self { connection, may_be_closed, reads: None })
    }

    async fn exchange(
        mut self,
        request: Request<Bytes>,
        origin: &str,
        limit: usize,
    ) -> Result<Response, Error> {
        let state = &self.connection.state;
        let writes = state.writes();
        self.reads = Some(state.reads());
        let outcome = self.response(request, limit).await;
        self.reads = None;
        outcome.map_err(|failure| match failure {
            Failure::Rejected(error) => error,
            Failure::Unsent(error) => protocol::unsent(origin, &error),
            // h2 orders the following: the number was read, the request was queued, a part of it was written, and the
            // failure was reported.
            Failure::Http2(error) if state.writes() == writes => protocol::unsent(origin, &error),
            Failure::Http2(_) | Failure::Incomplete(_) if state.has_timed_out.load(Ordering::Relaxed) => {
                protocol::ping_timed_out(origin, PING_TIMEOUT)
            }
            Failure::Http2(error) => protocol::failed_request(origin, &error),
            Failure::Incomplete(error) => protocol::incomplete(origin, &error),
        })
    }

    async fn response(&self, request: Request<Bytes>, limit: usize) -> Result<Response, Failure> {
        let (mut head, body) = request.into_parts();
        let is_head = head.method == Method::HEAD;
        if !body.is_empty() || !head.method.is_safe() {
            head.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(body.len()));
        }
        let mut requests = self.connection.requests.clone().ready().await.map_err(Failure::Unsent)?;
        let (response, mut sender) =
            requests.send_request(Request::from_parts(head, ()), body.is_empty()).map_err(Failure::Unsent)?;
        if !body.is_empty() {
            // h2 sends it as fast as the windows of the service allow. If the request was reset, the response
            // has the reason.
            let _ = sender.send_data(body, true);
        }
        phases::sent();
        #[cfg_attr(not(feature = "grpc"), expect(unused_mut, reason = "trailers are added to it"))]
        let (mut parts, mut body) = response.await.map_err(Failure::Http2)?.into_parts();
        phases::received();
        let length = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let mut whole = LimitedBody::new(is_head, parts.status, length.unwrap_or(0), limit)?;
        while !whole.is_too_large()
            && let Some(data) = body.data().await
        {
            let data = data?;
            body.flow_control().release_capacity(data.len())?;
            whole.push(data)?;
        }
        #[cfg(feature = "grpc")]
        if !whole.is_too_large()
            && let Some(trailers) = body.trailers().await?
        {
            parts.extensions.insert(crate::runtime::Trailers(trailers));
        }
        Ok(whole.finish(parts)?)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connection.use_now();
        let state = &self.connection.state;
        state.calls.fetch_sub(1, Ordering::Relaxed);
        // The call was given up. Nothing at all was received meanwhile, so the connection may be dead.
        if let Some(reads) = self.reads
            && reads == state.reads()
        {
            state.suspected_at.store(reads + 1, Ordering::Relaxed);
            state.wake.notify_one();
        }
    }
}

/// The reason why a request has no response.
enum Failure {
    /// Nothing was sent.
    Unsent(h2::Error),
    /// There is no response.
    Http2(h2::Error),
    /// A part of the response is missing.
    Incomplete(h2::Error),
    /// The response was rejected.
    Rejected(Error),
}

impl From<h2::Error> for Failure {
    fn from(error: h2::Error) -> Self {
        Self::Incomplete(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Rejected(error)
    }
}

/// Returns the request as HTTP/2 needs it: with the complete address, and without headers of HTTP/1.1.
fn absolute(request: Request<Bytes>, origin: &str) -> Result<Request<Bytes>, Error> {
    let invalid = |error: http::Error| crate::transport::failure::invalid_request(error);
    let (mut head, body) = request.into_parts();
    let (scheme, default_host) = origin.split_once("://").unwrap_or(("http", origin));
    let host = head.headers.remove(HOST);
    let host = host.as_ref().map_or(default_host.as_bytes(), HeaderValue::as_bytes);
    let authority = Authority::try_from(host).map_err(|error| invalid(error.into()))?;
    let path = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let scheme = if scheme == "https" { Scheme::HTTPS } else { Scheme::HTTP };
    head.uri =
        Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build().map_err(invalid)?;
    head.version = Version::HTTP_2;
    let keep_alive = HeaderName::from_static("keep-alive");
    let proxy_connection = HeaderName::from_static("proxy-connection");
    for name in [CONNECTION, TRANSFER_ENCODING, UPGRADE, keep_alive, proxy_connection] {
        head.headers.remove(name);
    }
    Ok(Request::from_parts(head, body))
}

/// Reads and writes until the connection is closed, does not respond to a ping, or has been idle for too long.
async fn drive(
    mut driver: Connection<TokioIo<Counted>, Bytes>,
    mut pings: PingPong,
    state: Arc<State>,
    idle_timeout: Duration,
) {
    let opened_at = Instant::now();
    loop {
        let reads = state.reads();
        if wait(&mut driver, &state, PING_INTERVAL.min(idle_timeout)).await.is_closed() {
            return;
        }
        let used_at = Duration::from_millis(state.used_at.load(Ordering::Relaxed));
        if opened_at.elapsed().saturating_sub(used_at) >= idle_timeout && state.close_if_idle() {
            return;
        }
        let is_silent = state.calls.load(Ordering::Relaxed) > 0 && reads == state.reads();
        if !is_silent && !state.is_suspected() {
            continue;
        }
        if pings.send_ping(Ping::opaque()).is_err() {
            return;
        }
        let mut time = pin!(sleep(PING_TIMEOUT));
        let responds = poll_fn(|context| match Pin::new(&mut driver).poll(context) {
            Poll::Ready(_) => Poll::Ready(false),
            Poll::Pending => match pings.poll_pong(context) {
                Poll::Ready(pong) => Poll::Ready(pong.is_ok()),
                Poll::Pending => time.as_mut().poll(context).map(|()| {
                    state.has_timed_out.store(true, Ordering::Relaxed);
                    false
                }),
            },
        });
        if !responds.await {
            return;
        }
    }
}

/// The reason why a wait has ended.
enum Wait {
    Closed,
    /// The time is over, or the task was woken.
    Over,
}

impl Wait {
    fn is_closed(&self) -> bool {
        matches!(self, Self::Closed)
    }
}

async fn wait(driver: &mut Connection<TokioIo<Counted>, Bytes>, state: &State, time: Duration) -> Wait {
    let (mut time, mut woken) = (pin!(sleep(time)), pin!(state.wake.notified()));
    poll_fn(|context| {
        if Pin::new(&mut *driver).poll(context).is_ready() {
            return Poll::Ready(Wait::Closed);
        }
        let is_over = time.as_mut().poll(context).is_ready() || woken.as_mut().poll(context).is_ready();
        if is_over { Poll::Ready(Wait::Over) } else { Poll::Pending }
    })
    .await
}
