//! Everything that a seed determines about a run: the client's settings, the service, the calls and the faults.

use crate::faults::{Cut, Direction, Fault, FaultKind, Rejection, RetryAfter};
use crate::network::Link;
use fastrand::Rng;
use sessions_client::policy::RetryPolicy;
use std::fmt;
use std::time::Duration;

/// The number of hosts of the service.
pub(crate) const HOSTS: usize = 2;

/// The course of a run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) settings: Settings,
    pub(crate) service: ServicePlan,
    /// `None` without tokens.
    pub(crate) tokens: Option<TokenPlan>,
    pub(crate) link: Link,
    pub(crate) users: usize,
    pub(crate) calls: usize,
    pub(crate) think_time: u64,
    /// The longest string that is stored in a session.
    pub(crate) max_payload: usize,
    /// The percentage of calls that are cancelled.
    pub(crate) cancelled: u8,
    pub(crate) faults: Vec<Fault>,
    /// The end of the last fault.
    pub(crate) quiet_from: Duration,
}

/// The settings of the client.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) is_http2: bool,
    /// A second address of the service.
    pub(crate) has_fallback: bool,
    pub(crate) concurrency_limit: Option<usize>,
    pub(crate) retry: RetryPolicy,
    pub(crate) deadline: Duration,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) pool_idle_timeout: Duration,
    pub(crate) max_connection_age: Duration,
}

/// The behaviour of the service without faults.
#[derive(Clone, Debug)]
pub(crate) struct ServicePlan {
    /// The longest time for a request, in milliseconds.
    pub(crate) processing: u64,
    pub(crate) idle_timeout: Duration,
    /// Responses have `Keep-Alive` with the idle timeout.
    pub(crate) announces_idle_timeout: bool,
    /// The connection is closed after this number of requests.
    pub(crate) requests_per_connection: Option<u32>,
    /// During the faults, the last response over HTTP/1.1 has no `Connection: close`.
    pub(crate) closes_abruptly: bool,
    /// An idle connection over HTTP/1.1 receives a response with 408 before it is closed.
    pub(crate) responds_when_idle: bool,
    pub(crate) max_streams: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct TokenPlan {
    pub(crate) lifetime: Duration,
    pub(crate) expiry: TokenExpiry,
    /// The longest time of a fetch, in milliseconds.
    pub(crate) latency: u64,
}

/// The form in which the client receives the expiry of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenExpiry {
    Unknown,
    Lifetime,
    Date,
}

impl Plan {
    /// Draws the plan of `seed`.
    pub(crate) fn of(seed: u64) -> Self {
        // The generator's first values of neighbouring seeds are alike.
        let mut random = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let random = &mut random;
        let tokens = (random.u8(..100) < 60).then(|| TokenPlan::draw(random));
        let chaos = Duration::from_millis(random.u64(8_000..40_000));
        let mut faults: Vec<_> =
            (0..random.usize(2..=9)).map(|_| Fault::draw(random, chaos, tokens.is_some())).collect();
        faults.sort_by_key(|fault| fault.from);
        let quiet_from = faults.iter().map(|fault| fault.to).max().unwrap_or_default().max(chaos);
        let calls = random.usize(4..=20);
        // Mostly so that the calls last as long as the faults.
        let share = u64::try_from(chaos.as_millis()).unwrap_or(u64::MAX) / calls as u64;
        let link = Link {
            latency: *random.choice(&[(0, 0), (1, 3), (1, 40), (20, 200)]).unwrap_or(&(1, 3)),
            max_segment: *random.choice(&[64 << 10, 64 << 10, 1460, 200, 9]).unwrap_or(&1460),
        };
        Self {
            seed,
            settings: Settings::draw(random),
            service: ServicePlan::draw(random),
            tokens,
            // Small segments make large messages slow to simulate.
            max_payload: if link.max_segment < 1_000 { 100 } else { 200_000 },
            link,
            users: random.usize(1..=6),
            calls,
            think_time: *random.choice(&[100, share, 2 * share, 2 * share]).unwrap_or(&share),
            cancelled: *random.choice(&[0, 5, 40]).unwrap_or(&5),
            faults,
            quiet_from,
        }
    }
}

impl Settings {
    fn draw(random: &mut Rng) -> Self {
        let budget = *random.choice(&[500, 500, 20, 5, 0]).unwrap_or(&500);
        let retry = RetryPolicy::new()
            .with_retries(random.u32(0..=4))
            .with_backoff(
                Duration::from_millis(random.u64(10..=500)),
                Duration::from_millis(random.u64(500..=3_000)),
            )
            .with_max_retry_after(Duration::from_secs(random.u64(0..=10)))
            .with_budget(budget, random.u32(1..=5), random.u32(0..=1));
        Self {
            is_http2: random.u8(..100) < 35,
            has_fallback: random.u8(..100) < 30,
            concurrency_limit: random.bool().then(|| random.usize(1..=4)),
            retry,
            deadline: Duration::from_millis(random.u64(500..=30_000)),
            timeout: Duration::from_millis(random.u64(200..=10_000)),
            // Longer than it takes to look up the name and open a connection.
            connect_timeout: Duration::from_millis(random.u64(1_500..=6_000)),
            pool_idle_timeout: Duration::from_millis(random.u64(500..=30_000)),
            max_connection_age: if random.bool() {
                Duration::MAX
            } else {
                Duration::from_millis(random.u64(500..=30_000))
            },
        }
    }
}

impl ServicePlan {
    fn draw(random: &mut Rng) -> Self {
        Self {
            processing: *random.choice(&[0, 5, 50, 400]).unwrap_or(&5),
            // Longer than a round trip, so that a call without a pause does not meet a closed connection.
            idle_timeout: Duration::from_millis(random.u64(1_000..=20_000)),
            announces_idle_timeout: random.bool(),
            requests_per_connection: (random.u8(..3) == 0).then(|| random.u32(1..=8)),
            closes_abruptly: random.bool(),
            responds_when_idle: random.u8(..4) == 0,
            max_streams: *random.choice(&[1, 2, 100]).unwrap_or(&100),
        }
    }
}

impl TokenPlan {
    /// Returns whether a new token is certainly used for `time`. With a clock that has jumped, one with a date is not.
    pub(crate) fn is_kept_for(&self, time: Duration) -> bool {
        self.expiry != TokenExpiry::Date && self.lifetime * 4 / 5 >= time
    }

    fn draw(random: &mut Rng) -> Self {
        Self {
            lifetime: Duration::from_secs(random.u64(2..=120)),
            expiry: *random
                .choice(&[TokenExpiry::Unknown, TokenExpiry::Lifetime, TokenExpiry::Date])
                .unwrap_or(&TokenExpiry::Lifetime),
            latency: *random.choice(&[0, 50, 2_000]).unwrap_or(&50),
        }
    }
}

impl Fault {
    fn draw(random: &mut Rng, chaos: Duration, has_tokens: bool) -> Self {
        let chaos = u64::try_from(chaos.as_millis()).unwrap_or(u64::MAX);
        let from = random.u64(..chaos);
        let length = *random.choice(&[300, 3_000, 30_000]).unwrap_or(&3_000);
        let to = from + random.u64(1..=length);
        Self {
            from: Duration::from_millis(from),
            to: Duration::from_millis(to),
            kind: FaultKind::draw(random, has_tokens),
        }
    }
}

impl FaultKind {
    fn draw(random: &mut Rng, has_tokens: bool) -> Self {
        // The name of the service is that of the first host, unless it moves.
        let host = if random.u8(..4) == 0 { random.usize(1..HOSTS) } else { 0 };
        let direction =
            *random.choice(&[Direction::ToHost, Direction::ToClient]).unwrap_or(&Direction::ToClient);
        match random.u8(..if has_tokens { 15 } else { 12 }) {
            0 => Self::Partition { host, direction: if random.bool() { direction } else { Direction::Both } },
            1 => Self::SlowNetwork { factor: random.u32(2..=50) },
            2 => Self::Killed { host },
            3 => Self::PowerLoss { host },
            4 => Self::NameMoves { host: random.usize(..HOSTS) },
            5 => {
                if random.bool() {
                    Self::LookupFails
                } else {
                    Self::LookupHangs
                }
            }
            6 | 7 => Self::Cuts {
                direction,
                how: *random.choice(&[Cut::Reset, Cut::Closed, Cut::Silent]).unwrap_or(&Cut::Reset),
                after: random.choice([0..=0, 1..=200, 0..=2_000]).unwrap_or(0..=0),
            },
            8 | 9 => Self::Rejects { host, rejection: Rejection::draw(random), percent: random.u8(20..=100) },
            10 => Self::Stalls { host, by: Duration::from_millis(random.u64(100..=15_000)) },
            11 => Self::ClockJumps { seconds: random.i64(-4_000..=4_000) },
            12 => Self::TokensRevoked,
            13 => Self::TokenServerFails,
            _ => Self::TokenServerHangs,
        }
    }
}

impl Rejection {
    fn draw(random: &mut Rng) -> Self {
        let status = *random.choice(&[429, 503, 503, 502, 504, 408, 500]).unwrap_or(&503);
        let seconds = *random.choice(&[0, 1, 3, 60, u64::MAX]).unwrap_or(&1);
        Self {
            status,
            retry_after: match random.u8(..3) {
                0 => RetryAfter::Absent,
                1 => RetryAfter::Seconds(seconds),
                _ => RetryAfter::Date(seconds.min(100_000)),
            },
            // A rate limit does not execute what it rejects.
            is_executed: status != 429 && random.bool(),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(f, "client: {:?}", self.settings)?;
        writeln!(f, "service: {:?}", self.service)?;
        match &self.tokens {
            Some(tokens) => writeln!(f, "tokens: {tokens:?}")?,
            None => writeln!(f, "tokens: none")?,
        }
        writeln!(f, "network: {:?}", self.link)?;
        writeln!(
            f,
            "calls: {} users with {} calls each, up to {} ms between them, {} % cancelled",
            self.users, self.calls, self.think_time, self.cancelled
        )?;
        for fault in &self.faults {
            writeln!(f, "fault: {fault}")?;
        }
        write!(f, "no faults from {:.3} s", self.quiet_from.as_secs_f64())
    }
}
