//! The token server, which is also what the service asks whether a token is valid.

use crate::clock::date_at;
use crate::faults::{FaultKind, Schedule};
use crate::log::Log;
use crate::plan::{TokenExpiry, TokenPlan};
use fastrand::Rng;
use sessions_client::auth::{Token, TokenProvider};
use sessions_client::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, sleep_until};

/// Issues tokens with consecutive numbers. Clones share them.
#[derive(Clone)]
pub(crate) struct TokenServer(Arc<Shared>);

struct Shared {
    plan: TokenPlan,
    schedule: Schedule,
    log: Log,
    state: Mutex<State>,
}

struct State {
    random: Rng,
    issued: Vec<Issued>,
    is_fetching: bool,
    has_failed: bool,
}

struct Issued {
    /// The start of its fetch.
    requested: Duration,
    at: Duration,
    is_rejected: bool,
}

impl TokenServer {
    pub(crate) fn new(plan: TokenPlan, seed: u64, schedule: Schedule, log: Log) -> Self {
        let state =
            State { random: Rng::with_seed(seed), issued: Vec::new(), is_fetching: false, has_failed: false };
        Self(Arc::new(Shared { plan, schedule, log, state: Mutex::new(state) }))
    }

    /// Returns whether the value of `Authorization` is a valid token.
    pub(crate) fn accepts(&self, header: Option<&str>) -> bool {
        let now = self.0.schedule.now();
        let number = header.and_then(|value| value.strip_prefix("Bearer token-")?.parse::<usize>().ok());
        let mut state = self.state();
        let Some(token) = number.and_then(|number| state.issued.get_mut(number)) else { return false };
        let is_valid =
            now < token.at + self.0.plan.lifetime && self.0.schedule.revocations(token.at, now) == 0;
        token.is_rejected |= !is_valid;
        is_valid
    }

    /// Returns whether at least two tokens became invalid from `from` to `to`. One revocation can end both the token of a
    /// request and the one that replaces it.
    pub(crate) fn has_two_ends(&self, from: Duration, to: Duration) -> bool {
        let state = self.state();
        let ended = state.issued.iter().filter(|token| {
            let expiry = token.at + self.0.plan.lifetime;
            let expires = from <= expiry && expiry <= to;
            expires || self.0.schedule.revocations(token.at.max(from), to.min(expiry)) > 0
        });
        ended.count() >= 2
    }

    /// Returns whether there is a reason to fetch a token: none, a rejected one, or one that expires soon.
    fn is_due(&self, state: &State, now: Duration) -> bool {
        let TokenPlan { lifetime, expiry, .. } = self.0.plan;
        let Some(last) = state.issued.last() else { return true };
        let has_jumped =
            || self.0.schedule.clock_offset(now) != 0 || { self.0.schedule.clock_offset(last.at) != 0 };
        last.is_rejected
            || state.has_failed
            || match expiry {
                TokenExpiry::Unknown => false,
                TokenExpiry::Lifetime => now >= last.requested + lifetime * 4 / 5,
                TokenExpiry::Date => has_jumped() || now >= last.requested + lifetime * 4 / 5,
            }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fetch in progress, which may be dropped.
struct Fetching<'s>(&'s TokenServer);

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        self.0.state().is_fetching = false;
    }
}

impl TokenProvider for TokenServer {
    async fn fetch(&self) -> Result<Token> {
        let Shared { plan, schedule, log, .. } = &*self.0;
        let requested = schedule.now();
        let (latency, is_due, is_alone) = {
            let mut state = self.state();
            let is_alone = !std::mem::replace(&mut state.is_fetching, true);
            let is_due = self.is_due(&state, requested);
            // Until it succeeds.
            state.has_failed = true;
            (Duration::from_millis(state.random.u64(0..=plan.latency)), is_due, is_alone)
        };
        let _fetching = Fetching(self);
        log.event(|| "a token is fetched".to_owned());
        log.check(is_alone, || "two tokens are fetched at once".to_owned());
        log.check(is_due, || "a token is fetched although the last one is still valid".to_owned());
        sleep(latency).await;
        let faults = || schedule.active(schedule.now());
        if let Some((_, end)) = faults().find(|(kind, _)| **kind == FaultKind::TokenServerHangs) {
            sleep_until(schedule.instant(end)).await;
        }
        if faults().any(|(kind, _)| *kind == FaultKind::TokenServerFails) {
            log.event(|| "the token server fails".to_owned());
            return Err(Error::new(ErrorKind::Credentials, "the token server is down"));
        }
        let issued_at = schedule.now();
        let mut state = self.state();
        state.has_failed = false;
        let number = state.issued.len();
        state.issued.push(Issued { requested, at: issued_at, is_rejected: false });
        drop(state);
        log.event(|| format!("token {number} is issued"));
        let token = Token::new(format!("token-{number}"))?;
        Ok(match plan.expiry {
            TokenExpiry::Unknown => token,
            TokenExpiry::Lifetime => token.with_lifetime(plan.lifetime),
            TokenExpiry::Date => token.with_expiry(date_at(issued_at + plan.lifetime)),
        })
    }
}
