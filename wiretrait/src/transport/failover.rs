//! Several addresses of a service, of which the first that accepts connections is used.

use super::connecting::Connecting;
use crate::config::ClientConfig;
use crate::error::{Error, ErrorKind};
use crate::policy::{Time, TokioTime};
use crate::runtime::{Request, Response};
use crate::transport::permits::Attempt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time after which the first address is tried again while another one is used.
const RETURN_AFTER: Duration = Duration::from_secs(30);

/// The time after which an address that still does not accept a connection is left, when the call is given up.
const OPENING_PATIENCE: Duration = Duration::from_millis(100);

/// The addresses of a service, each with what is needed for requests to it.
pub(super) struct Failover<T> {
    first: T,
    fallbacks: Vec<T>,
    preferred: Mutex<Preferred>,
    /// All addresses, for messages.
    peer: String,
}

/// The address of the next call.
#[derive(Clone, Copy)]
struct Preferred {
    index: usize,
    /// When the first address is tried again.
    return_at: Option<Instant>,
}

impl<T> Failover<T> {
    /// Creates the address of `config` and its fallbacks, each with `new` from its own copy of the configuration.
    pub(super) fn new(
        config: &ClientConfig,
        new: impl Fn(&ClientConfig) -> Result<T, Error>,
        origin: impl Fn(&T) -> &str,
    ) -> Result<Self, Error> {
        config.validate()?;
        config.reject_grpc()?;
        let first = new(&config.of_address(0))?;
        let fallbacks = (1..=config.fallback_urls().len()).map(|index| new(&config.of_address(index)));
        let fallbacks = fallbacks.collect::<Result<Vec<_>, _>>()?;
        let origins: Vec<_> = std::iter::once(&first).chain(&fallbacks).map(origin).collect();
        let peer = origins.join(" or ");
        let preferred = Mutex::new(Preferred { index: 0, return_at: None });
        Ok(Self { first, fallbacks, preferred, peer })
    }

    /// Returns a copy in which `change` has replaced the content of each address.
    #[cfg(feature = "hyper")]
    pub(super) fn map(&self, change: impl Fn(&T) -> T) -> Self {
        Self {
            first: change(&self.first),
            fallbacks: self.fallbacks.iter().map(&change).collect(),
            preferred: Mutex::new(*self.preferred()),
            peer: self.peer.clone(),
        }
    }

    pub(super) fn first(&self) -> &T {
        &self.first
    }

    /// Returns all addresses, for messages.
    pub(super) fn peer(&self) -> &str {
        &self.peer
    }

    /// Returns an attempt at the preferred address, and at the others while no connection can be made. The time until
    /// `end` is divided among the addresses and the response.
    pub(super) fn attempt<'f>(
        &'f self,
        request: Request,
        end: Option<Instant>,
        attempt: impl Fn(&'f T, Request) -> Attempt<'f> + Send + Sync + 'f,
    ) -> Attempt<'f>
    where
        T: Sync,
    {
        if self.fallbacks.is_empty() {
            attempt(&self.first, request)
        } else {
            Box::pin(self.attempt_each(request, end, attempt))
        }
    }

    async fn attempt_each<'f>(
        &'f self,
        request: Request,
        end: Option<Instant>,
        attempt: impl Fn(&'f T, Request) -> Attempt<'f>,
    ) -> Result<Response, Error> {
        let mut failures = Vec::new();
        let mut tried = vec![false; self.fallbacks.len() + 1];
        for index in self.order() {
            if std::mem::replace(&mut tried[index], true) {
                continue;
            }
            let target = index.checked_sub(1).map_or(&self.first, |fallback| &self.fallbacks[fallback]);
            let left = self.fallbacks.len() - failures.len();
            let connecting = Connecting::until(end.filter(|_| left > 0).map(|end| share(end, left)));
            let mut ending = Ending { failover: self, index, connecting: Some(connecting.clone()) };
            let outcome = connecting.scope(attempt(target, request.clone())).await;
            ending.connecting = None;
            match outcome {
                // Another address needs the same resources.
                Err(error) if is_unreachable(&error) && error.is_local_limit() => return Err(error),
                Err(error) if is_unreachable(&error) => failures.push(error),
                outcome => {
                    self.prefer(index);
                    return outcome;
                }
            }
        }
        Err(all_unreachable(failures))
    }

    /// Returns the addresses in the order in which they are tried, some of them twice. Only one call tries the
    /// first address again.
    fn order(&self) -> impl Iterator<Item = usize> + use<T> {
        let mut preferred = self.preferred();
        let is_due = preferred.return_at.is_some_and(|moment| moment <= TokioTime.now());
        if is_due {
            preferred.return_at = TokioTime.now().checked_add(RETURN_AFTER);
        }
        let first = if is_due { 0 } else { preferred.index };
        [first, preferred.index].into_iter().chain(0..=self.fallbacks.len())
    }

    /// Prefers an address that has accepted a connection.
    fn prefer(&self, index: usize) {
        let mut preferred = self.preferred();
        if preferred.index != index {
            let return_at = if index == 0 { None } else { TokioTime.now().checked_add(RETURN_AFTER) };
            *preferred = Preferred { index, return_at };
        }
    }

    /// Prefers the next address, if `index` was preferred.
    fn demote(&self, index: usize) {
        if self.preferred().index == index {
            self.prefer((index + 1) % (self.fallbacks.len() + 1));
        }
    }

    /// Ignores poisoning, because the value is valid after a panic too.
    fn preferred(&self) -> MutexGuard<'_, Preferred> {
        self.preferred.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the end of the time for a connection if the time until `end` is also that of `left` other addresses and
/// of the response.
fn share(end: Instant, left: usize) -> Instant {
    let now = TokioTime.now();
    let parts = u32::try_from(left + 2).unwrap_or(u32::MAX);
    now + end.saturating_duration_since(now) / parts
}

/// An attempt at one address, which learns from a call that is given up: the next one must not wait for the same
/// connection.
struct Ending<'f, T> {
    failover: &'f Failover<T>,
    index: usize,
    /// `None` if the attempt has an outcome.
    connecting: Option<Arc<Connecting>>,
}

impl<T> Drop for Ending<'_, T> {
    fn drop(&mut self) {
        let Some(connecting) = &self.connecting else { return };
        if connecting.opening_for().is_some_and(|time| time >= OPENING_PATIENCE) {
            self.failover.demote(self.index);
        } else if connecting.is_open() {
            self.failover.prefer(self.index);
        }
    }
}

/// Returns whether no connection could be made.
fn is_unreachable(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Connect | ErrorKind::Tls | ErrorKind::Proxy)
}

/// Joins the errors of all addresses. If one of them may be transient, so may be the whole.
fn all_unreachable(mut failures: Vec<Error>) -> Error {
    let messages: Vec<_> = failures.iter().map(Error::to_string).collect();
    let kinds = || failures.iter().map(Error::kind);
    let kind = kinds().find(|kind| *kind == ErrorKind::Connect).or_else(|| kinds().next());
    let error = Error::new(kind.unwrap_or(ErrorKind::Connect), messages.join("; "));
    match failures.pop() {
        Some(last) => error.with_source(last),
        None => error,
    }
}
