//! Requests by goose's HTTP client, so that goose itself times and counts them.
//!
//! Only a user of goose can send them, and there is one at a time; a transport is shared. So the transport hands its request to
//! a driver that has the user for as long as the call lasts.

use flume::{Receiver, Sender};
use goose::goose::{GooseRequest, GooseUser};
use goose::metrics::GooseRequestMetric;
use sessions_client::{Call, Error, ErrorKind, Response, Transport};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use tokio::sync::oneshot;

/// A request on its way to the user, and where the answer is waited for.
#[derive(Debug)]
struct Job {
    call: Call,
    answer: oneshot::Sender<Result<Response, Error>>,
}

/// A transport over goose's client, for one user.
#[derive(Debug)]
pub(crate) struct GooseTransport {
    jobs: Sender<Job>,
    peer: String,
}

/// Drives the calls of one user: what they send, it sends through goose.
#[derive(Clone, Debug)]
pub(crate) struct GooseDriver {
    jobs: Receiver<Job>,
    base: String,
}

impl GooseTransport {
    /// A transport to the service at `base`, which is shown as `peer`, and its driver.
    pub(crate) fn new(base: &str, peer: &str) -> (Self, GooseDriver) {
        let (jobs, receiver) = flume::bounded(1);
        (Self { jobs, peer: peer.to_owned() }, GooseDriver { jobs: receiver, base: base.to_owned() })
    }
}

impl Transport for GooseTransport {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let gone = || Error::new(ErrorKind::Transport, "goose ended the user who was to send it");
        let (answer, answered) = oneshot::channel();
        self.jobs.send_async(Job { call, answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    fn peer(&self) -> &str {
        &self.peer
    }
}

impl GooseDriver {
    /// Runs a typed call, whose requests `user` sends; with the outcome comes how goose has counted the last of them.
    pub(crate) async fn drive<T>(
        &self,
        user: &mut GooseUser,
        call: impl Future<Output = T>,
    ) -> (T, Option<GooseRequestMetric>) {
        let mut counted = None;
        let mut call = pin!(call);
        loop {
            let mut job = pin!(self.jobs.recv_async());
            let next = poll_fn(|context| {
                if let Poll::Ready(outcome) = call.as_mut().poll(context) {
                    return Poll::Ready(Err(outcome));
                }
                job.as_mut().poll(context).map(Ok)
            });
            match next.await {
                Err(outcome) => return (outcome, counted),
                Ok(Ok(Job { call: request, answer })) => {
                    let mut sending = pin!(send(user, &self.base, request));
                    // The call may give up before its answer is there, by its deadline.
                    let ended = poll_fn(|context| {
                        if let Poll::Ready(sent) = sending.as_mut().poll(context) {
                            return Poll::Ready(Ok(sent));
                        }
                        call.as_mut().poll(context).map(Err)
                    });
                    match ended.await {
                        Ok((response, metric)) => {
                            counted = metric;
                            let _ = answer.send(response);
                        }
                        Err(outcome) => return (outcome, None),
                    }
                }
                // The call holds the other end.
                Ok(Err(_)) => return (call.await, counted),
            }
        }
    }
}

async fn send(
    user: &mut GooseUser,
    base: &str,
    call: Call,
) -> (Result<Response, Error>, Option<GooseRequestMetric>) {
    let broke = |why: String| Error::new(ErrorKind::Transport, why);
    let (parts, body) = call.request.into_parts();
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let request =
        user.client.request(parts.method, format!("{base}{target}")).headers(parts.headers).body(body);
    let request = GooseRequest::builder().name(call.route.name).set_request_builder(request).build();
    let answered = match user.request(request).await {
        Ok(answered) => answered,
        Err(error) => return (Err(broke(error.to_string())), None),
    };
    let response = async {
        let mut answer = answered.response.map_err(|error| {
            let kind = match () {
                () if error.is_timeout() => ErrorKind::Timeout,
                () if error.is_connect() => ErrorKind::Connect,
                () => ErrorKind::Transport,
            };
            Error::new(kind, error.without_url().to_string())
        })?;
        let mut response = Response::default();
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        *response.body_mut() =
            answer.bytes().await.map_err(|error| broke(error.without_url().to_string()))?;
        Ok(response)
    };
    (response.await, Some(answered.request))
}
