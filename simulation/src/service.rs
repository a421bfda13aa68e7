//! The hosts of the service: the embedded service behind a gateway that can fail.

use crate::clock::date_at;
use crate::faults::{FaultKind, Rejection, RetryAfter, Schedule};
use crate::log::Log;
use crate::network::{End, Network};
use crate::plan::ServicePlan;
use crate::records::Records;
use crate::tokens::TokenServer;
use axum::Router;
use axum::body::Body;
use fastrand::Rng;
use http::header::{AUTHORIZATION, CONNECTION, DATE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};
use tower::ServiceExt;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// The response to a connection that was idle for too long.
const TIMED_OUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// The idle timeout after the faults.
const QUIET_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The time for a request while the concurrency limit is tested, which is longer than it takes to open a connection.
const PROBE_TIME: Duration = Duration::from_secs(12);

/// The service, which all hosts share.
pub(crate) struct Service {
    pub(crate) router: Router,
    pub(crate) plan: ServicePlan,
    pub(crate) is_http2: bool,
    pub(crate) concurrency_limit: Option<usize>,
    pub(crate) schedule: Schedule,
    pub(crate) log: Log,
    pub(crate) records: Records,
    pub(crate) tokens: Option<TokenServer>,
    pub(crate) random: Mutex<Rng>,
    /// The end of the last fault.
    pub(crate) quiet_from: Duration,
    /// The concurrency limit is being tested.
    pub(crate) is_probed: AtomicBool,
}

impl Service {
    /// Runs a host, with the outages of the schedule.
    pub(crate) async fn run(self: Arc<Self>, network: Network, host: usize) {
        loop {
            let outage = self.schedule.next_outage(host, self.schedule.now());
            let mut accepted = network.listen(host);
            let tasks = Tasks::default();
            let running = AbortOnDrop(tasks.clone());
            let stopped = async {
                match outage {
                    Some((from, ..)) => sleep_until(self.schedule.instant(from)).await,
                    None => std::future::pending().await,
                }
            };
            let mut stopped = pin!(stopped);
            loop {
                tokio::select! {
                    biased;
                    () = &mut stopped => break,
                    Some(end) = accepted.recv() => {
                        let (service, executor) = (self.clone(), tasks.clone());
                        tasks.execute(async move { service.serve(end, host, executor).await });
                    }
                }
            }
            let Some((_, to, is_power_loss)) = outage else { return };
            self.log.event(|| format!("host {host} stops"));
            network.stop(host, is_power_loss);
            drop(running);
            sleep_until(self.schedule.instant(to)).await;
            self.log.event(|| format!("host {host} starts again"));
        }
    }

    async fn serve(self: Arc<Self>, end: End, host: usize, executor: Tasks) {
        let (id, network) = (end.id(), end.network().clone());
        let connection = Arc::new(ServedConnection {
            id,
            host,
            network,
            activity: Mutex::new(Activity { last: self.schedule.now(), requests: 0, running: 0 }),
            is_full: Notify::new(),
        });
        let respond = {
            let (service, connection) = (self.clone(), connection.clone());
            service_fn(move |request| {
                let (service, connection) = (service.clone(), connection.clone());
                async move { Ok::<_, Infallible>(service.respond(request, &connection).await) }
            })
        };
        let io = TokioIo::new(end);
        let closing = self.closing(&connection);
        if self.is_http2 {
            let mut builder = http2::Builder::new(executor);
            builder.max_concurrent_streams(self.plan.max_streams).auto_date_header(false);
            let mut served = pin!(builder.serve_connection(io, respond));
            tokio::select! {
                biased;
                _ = &mut served => return,
                _ = closing => served.as_mut().graceful_shutdown(),
            }
            let _ = served.await;
        } else {
            let mut builder = http1::Builder::new();
            builder.auto_date_header(false).half_close(true);
            let mut served = builder.serve_connection(io, respond);
            let is_idle = tokio::select! {
                biased;
                _ = &mut served => return,
                is_idle = closing => is_idle,
            };
            if is_idle && self.plan.responds_when_idle {
                let mut end = served.into_parts().io.into_inner();
                // The client may have closed the connection.
                let _ = end.write_all(TIMED_OUT).await;
            } else {
                let mut served = pin!(served);
                served.as_mut().graceful_shutdown();
                let _ = served.await;
            }
        }
        self.log.event(|| format!("host {host} has closed connection {id}"));
    }

    /// Completes when a connection was idle for too long, with `true`, or has had as many requests as allowed.
    async fn closing(&self, connection: &ServedConnection) -> bool {
        loop {
            let (last, is_idle) = connection.activity(|activity| (activity.last, activity.running == 0));
            let now = self.schedule.now();
            let end = if is_idle { last } else { now } + self.idle_timeout();
            if end <= now {
                return true;
            }
            tokio::select! {
                biased;
                () = connection.is_full.notified() => {
                    if !self.is_http2 {
                        // The response leaves before the connection is closed.
                        sleep(Duration::from_millis(self.draw(50))).await;
                    }
                    return false;
                }
                () = sleep_until(self.schedule.instant(end)) => {}
            }
        }
    }

    /// Responds to one request, with the faults of the moment.
    async fn respond(&self, request: Request<Incoming>, connection: &ServedConnection) -> Response<Body> {
        let call = call_of(&request);
        self.records.arrived(call, connection.host);
        let busy = connection.network.set_busy(connection.id, true);
        if let Some(limit) = self.concurrency_limit.filter(|_| !self.is_http2) {
            self.log.check(busy <= limit, || {
                format!("{busy} calls are sent at once, more than the limit of {limit}")
            });
        }
        let is_last = connection.activity(|activity| {
            activity.requests += 1;
            activity.running += 1;
            self.plan.requests_per_connection.is_some_and(|most| activity.requests >= most)
        });
        let _request = Running { service: self, connection };
        // As real services do, it checks the token before anything else.
        let mut response = if self.is_authorized(&request) {
            sleep(self.processing_time(connection.host)).await;
            self.outcome(request, call, connection.host).await
        } else {
            self.records.refused(call, 401);
            empty(StatusCode::UNAUTHORIZED)
        };
        // The service writes the date of the system, and an idle timeout that is not that of this server.
        response.headers_mut().remove(KEEP_ALIVE);
        let date = httpdate::fmt_http_date(date_at(self.schedule.now()));
        if let Ok(date) = HeaderValue::try_from(date) {
            response.headers_mut().insert(DATE, date);
        }
        if is_last {
            let has_faults = self.schedule.now() < self.quiet_from;
            if self.is_http2 || (self.plan.closes_abruptly && has_faults) {
                connection.is_full.notify_one();
            } else {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
        } else if self.plan.announces_idle_timeout && !self.is_http2 {
            let seconds = self.idle_timeout().as_secs();
            if let Ok(value) = HeaderValue::try_from(format!("timeout={seconds}")) {
                response.headers_mut().insert(KEEP_ALIVE, value);
            }
        }
        response
    }

    fn is_authorized(&self, request: &Request<Incoming>) -> bool {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        // The calls that test the concurrency limit wait longer than some tokens are valid.
        let is_probed = self.is_probed.load(Ordering::Relaxed);
        self.tokens.as_ref().is_none_or(|tokens| is_probed || tokens.accepts(header))
    }

    async fn outcome(&self, request: Request<Incoming>, call: usize, host: usize) -> Response<Body> {
        let now = self.schedule.now();
        let rejection = self.schedule.active(now).find_map(|(kind, _)| match kind {
            FaultKind::Rejects { host: of, rejection, percent } if *of == host => {
                Some((*rejection, *percent))
            }
            _ => None,
        });
        let rejection = rejection.filter(|(_, percent)| self.draw(100) < u64::from(*percent));
        match rejection {
            Some((rejection, _)) if rejection.is_executed => {
                self.execute(request, call).await;
                self.reject(rejection)
            }
            Some((rejection, _)) => {
                if rejection.status == 429 {
                    self.records.refused(call, 429);
                }
                self.reject(rejection)
            }
            None => self.execute(request, call).await,
        }
    }

    async fn execute(&self, request: Request<Incoming>, call: usize) -> Response<Body> {
        let Ok(response) = self.router.clone().oneshot(request.map(Body::new)).await;
        if response.status().is_success() {
            self.records.executed(call);
        }
        response
    }

    fn reject(&self, rejection: Rejection) -> Response<Body> {
        let status = StatusCode::from_u16(rejection.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = empty(status);
        let now = self.schedule.now();
        let value = match rejection.retry_after {
            RetryAfter::Absent => None,
            RetryAfter::Seconds(seconds) => Some(seconds.to_string()),
            RetryAfter::Date(seconds) => {
                Some(httpdate::fmt_http_date(date_at(now) + Duration::from_secs(seconds)))
            }
        };
        let date = httpdate::fmt_http_date(date_at(now));
        let headers = [(DATE, Some(date)), (RETRY_AFTER, value)];
        let headers =
            headers.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::try_from(value?).ok()?)));
        response.headers_mut().extend(headers);
        response
    }

    /// Returns the idle timeout, which is long after the faults: no call must meet a connection that is just being closed.
    fn idle_timeout(&self) -> Duration {
        let is_quiet = self.schedule.now() >= self.quiet_from;
        if is_quiet { QUIET_IDLE_TIMEOUT } else { self.plan.idle_timeout }
    }

    fn processing_time(&self, host: usize) -> Duration {
        if self.is_probed.load(Ordering::Relaxed) {
            return PROBE_TIME;
        }
        let stalls = self.schedule.active(self.schedule.now()).filter_map(|(kind, _)| match kind {
            FaultKind::Stalls { host: of, by } if *of == host => Some(*by),
            _ => None,
        });
        let stall = stalls.max().unwrap_or_default();
        Duration::from_millis(self.draw(self.plan.processing + 1)) + stall
    }

    fn draw(&self, below: u64) -> u64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).u64(..below)
    }
}

/// A connection of a host.
struct ServedConnection {
    id: usize,
    host: usize,
    network: Network,
    activity: Mutex<Activity>,
    /// It has had as many requests as allowed.
    is_full: Notify,
}

struct Activity {
    /// The end of the last request.
    last: Duration,
    requests: u32,
    running: u32,
}

impl ServedConnection {
    fn activity<R>(&self, change: impl FnOnce(&mut Activity) -> R) -> R {
        change(&mut self.activity.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A request that is processed, until its response is complete or its connection fails.
struct Running<'r> {
    service: &'r Service,
    connection: &'r ServedConnection,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.service.records.left();
        let now = self.service.schedule.now();
        let running = self.connection.activity(|activity| {
            activity.last = now;
            activity.running -= 1;
            activity.running
        });
        if running == 0 {
            self.connection.network.set_busy(self.connection.id, false);
        }
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Returns the number of the call in the correlation id of a request.
fn call_of(request: &Request<Incoming>) -> usize {
    let query = request.uri().query().unwrap_or_default();
    let id = query.split('&').find_map(|pair| pair.strip_prefix("correlation_id=call-"));
    id.and_then(|id| id.parse().ok()).unwrap_or(usize::MAX)
}

/// The tasks of a host.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

/// Ends the tasks of a host when it stops. They have handles of each other, so dropping those does not end them.
struct AbortOnDrop(Tasks);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

impl<F: Future<Output: Send> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, future: F) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            future.await;
        });
    }
}
