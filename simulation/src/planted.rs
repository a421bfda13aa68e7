//! Bugs that are planted around the client, to show that the simulation finds their kind.

use crate::network::End;
use crate::records::CALL;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use sessions_client::{Call, Error, ErrorKind, Response, Transport};
use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// A bug of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum Bug {
    /// A request is sent again after its connection has failed, also if it is not idempotent.
    DoubleSend,
    /// The last attempt and its pauses do not end at the deadline of the call.
    LateDeadline,
    /// The connection of a cancelled call is used again, on which its response is still to arrive.
    SwappedResponses,
    /// A cancelled attempt keeps its permit of the concurrency limit.
    LeakedPermit,
    /// The request that follows a rejected token has the rejected token again.
    LostTokenRenewal,
}

impl Bug {
    /// All bugs.
    pub const ALL: [Self; 5] = [
        Self::DoubleSend,
        Self::LateDeadline,
        Self::SwappedResponses,
        Self::LeakedPermit,
        Self::LostTokenRenewal,
    ];
}

/// The transport of the client, or one with a bug.
#[derive(Clone)]
pub(crate) struct Misbehaves<T> {
    inner: T,
    bug: Option<Bug>,
    /// The first token of each call.
    tokens: Arc<Mutex<HashMap<usize, HeaderValue>>>,
}

impl<T> Misbehaves<T> {
    pub(crate) fn new(inner: T, bug: Option<Bug>) -> Self {
        Self { inner, bug, tokens: Arc::default() }
    }

    /// Replaces the token of a call by its first one.
    fn restore_token(&self, call: &mut Call) {
        let Ok(number) = CALL.try_with(|number| *number) else { return };
        let Some(token) = call.request.headers().get(AUTHORIZATION).cloned() else { return };
        let first = lock(&self.tokens).entry(number).or_insert(token).clone();
        call.request.headers_mut().insert(AUTHORIZATION, first);
    }
}

impl<T: Transport> Transport for Misbehaves<T> {
    async fn send(&self, mut call: Call) -> Result<Response, Error> {
        match self.bug {
            Some(Bug::DoubleSend) => {
                let outcome = Box::pin(self.inner.send(call.clone())).await;
                match &outcome {
                    Err(error) if error.kind() == ErrorKind::Transport => {
                        Box::pin(self.inner.send(call)).await
                    }
                    _ => outcome,
                }
            }
            Some(Bug::LeakedPermit) => Leaks(Some(Box::pin(self.inner.send(call)))).await,
            Some(Bug::LostTokenRenewal) => {
                self.restore_token(&mut call);
                Box::pin(self.inner.send(call)).await
            }
            _ => Box::pin(self.inner.send(call)).await,
        }
    }

    fn peer(&self) -> &str {
        self.inner.peer()
    }
}

type Sending<'s> = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send + 's>>;

/// An attempt that keeps everything it has if it is cancelled.
struct Leaks<'s>(Option<Sending<'s>>);

impl Future for Leaks<'_> {
    type Output = Result<Response, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(sending) = &mut self.0 else { return Poll::Pending };
        let poll = sending.as_mut().poll(context);
        if poll.is_ready() {
            self.0 = None;
        }
        poll
    }
}

impl Drop for Leaks<'_> {
    fn drop(&mut self) {
        std::mem::forget(self.0.take());
    }
}

/// The retries of the client, or ones that do not know the deadline of the call.
#[derive(Clone)]
pub(crate) struct ForgetsDeadline<T> {
    pub(crate) inner: T,
    pub(crate) is_planted: bool,
}

impl<T: Transport> Transport for ForgetsDeadline<T> {
    fn send(&self, mut call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        if self.is_planted {
            call.deadline = None;
        }
        self.inner.send(call)
    }

    fn peer(&self) -> &str {
        self.inner.peer()
    }

    fn keeps_deadlines(&self) -> bool {
        self.inner.keeps_deadlines()
    }

    fn is_multiplexed(&self) -> bool {
        self.inner.is_multiplexed()
    }
}

/// Connections that were closed by the client, and are used again instead of new ones.
#[derive(Clone, Default)]
pub(crate) struct Shelf(Arc<Mutex<Vec<End>>>);

impl Shelf {
    pub(crate) fn take(&self) -> Option<End> {
        lock(&self.0).pop()
    }

    pub(crate) fn put(&self, end: End) {
        lock(&self.0).push(end);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> fmt::Debug for Misbehaves<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Misbehaves").field("bug", &self.bug).finish_non_exhaustive()
    }
}
