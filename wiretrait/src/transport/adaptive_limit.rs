//! The search for the concurrency limit with the highest throughput, without a configured number.
//!
//! Too few concurrent calls leave the service idle, and too many cost both sides throughput. The number between
//! them depends on the service, the network and the machine, and changes. It is found by trials:
//!
//! 1. Calls are counted in windows of at least [`WINDOW`] and [`MIN_CALLS`]. In a window in which calls always waited
//!    for others, the limit is what bounds the throughput.
//! 2. A trial compares the limit with its double, or with its half. Both are used in turn, [`PAIRS`] times for a
//!    window each, so that a change of the load affects both alike. A factor above [`CLEAR`] is decided after the
//!    first turn.
//! 3. The greater limit is accepted if it gains more than [`MIN_GAIN`], the lower one if it loses less than [`MAX_LOSS`]. So
//!    the limit is the smallest one with nearly the highest throughput, and calls wait in the client, where their
//!    deadlines apply, instead of in the service.
//! 4. After an accepted trial, the next one goes on in the same direction. If both directions are rejected, the
//!    next trial follows after a pause, which doubles from [`MIN_PAUSE`] to [`MAX_PAUSE`], and is at least
//!    [`PAUSE_FACTOR`] times as long as the trial, so that trials cost little.
//! 5. If calls did not wait, a lower limit is tried only against the greatest number of calls in progress, and has to
//!    gain [`MIN_UNBOUND_GAIN`], since it delays bursts. A limit below [`START`] is doubled.
//! 6. If at least a tenth of the calls are rejected with 429 or 503 or time out, the limit is reduced by a
//!    quarter at once. Only successful calls count as throughput, so that it grows again when they succeed.
//!
//! Rejected alternative: a limit that follows latency, such as the gradient and Vegas algorithms. A service on
//! the same machine responds to a single call fastest, but reaches its throughput only with dozens of them, so a limit
//! that keeps the latency low would cost half of it. Rejected alternative: additive increase without a measurement,
//! which only ends when calls fail: a thousand connections cost a third of the throughput without a failure.

use std::time::{Duration, Instant};

/// The limit at the start, and the lowest one for a load that it does not bound.
const START: usize = 32;

/// The greatest limit that is tried.
const GREATEST: usize = 1 << 14;

/// The shortest time for which a limit is measured at a time.
const WINDOW: Duration = Duration::from_millis(50);

/// The smallest number of calls of a measurement; it is also at least twice the limit.
const MIN_CALLS: usize = 200;

/// The number of times that each of two limits is measured.
const PAIRS: u32 = 3;

/// The factor between two throughputs that is decided after the first pair.
const CLEAR: f64 = 1.5;

/// The gain for which the limit is doubled.
const MIN_GAIN: f64 = 0.04;

/// The loss for which the limit is not halved.
const MAX_LOSS: f64 = 0.03;

/// The gain for which a limit is introduced where none bounds the throughput.
const MIN_UNBOUND_GAIN: f64 = 0.15;

/// The pause after the first rejected trials.
const MIN_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause between trials.
const MAX_PAUSE: Duration = Duration::from_secs(16);

/// The shortest pause after a trial, in multiples of its duration.
const PAUSE_FACTOR: u32 = 16;

/// The outcome of a call, as far as the limit depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum CallOutcome {
    Success,
    /// The service, or something on the way to it, could not process the call in time.
    Overload,
    /// Any other failure, or a call that was given up.
    Other,
}

/// The state of the search. The caller applies [`limit`](Self::limit) after each call.
pub(super) struct Search {
    /// The limit between trials.
    accepted: usize,
    phase: Phase,
    window: Window,
    pause: Duration,
}

enum Phase {
    /// There is no trial before that instant.
    Steady {
        until: Option<Instant>,
    },
    Trial(Trial),
}

/// A comparison of the accepted limit with another one.
struct Trial {
    started_at: Instant,
    candidate: usize,
    /// True while the candidate is used.
    is_candidate: bool,
    accepted_rate: Rate,
    candidate_rate: Rate,
    /// The number of times that the candidate was measured.
    pairs: u32,
    /// The ratio of the rates above which the candidate is accepted.
    least: f64,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// If the candidate is rejected, one in the other direction follows.
    First,
    /// The other direction need not be tried.
    Last,
    /// The accepted limit does not bound the throughput.
    Unbound,
}

/// Successful calls, and the time that they took.
#[derive(Clone, Copy, Default)]
struct Rate {
    successes: f64,
    seconds: f64,
}

/// The calls under one limit.
struct Window {
    /// `None` until the first call.
    started_at: Option<Instant>,
    /// The number of calls that may have started under another limit, which do not count.
    skipped: usize,
    calls: usize,
    successes: usize,
    overloads: usize,
    /// True if more calls were allowed than there were.
    had_room: bool,
    /// The greatest number of calls in progress.
    peak: usize,
}

impl Search {
    pub(super) fn new() -> Self {
        let phase = Phase::Steady { until: None };
        Self { accepted: START, phase, window: Window::after(0), pause: MIN_PAUSE }
    }

    /// Returns the number of calls that are allowed at once.
    pub(super) fn limit(&self) -> usize {
        match &self.phase {
            Phase::Trial(Trial { candidate, is_candidate: true, .. }) => *candidate,
            _ => self.accepted,
        }
    }

    /// Records the end of a call. `running` is the number of calls in progress after it, and after a call that waited
    /// has taken its place.
    pub(super) fn ended(&mut self, now: Instant, outcome: CallOutcome, running: usize) {
        let limit = self.limit();
        if !self.window.add(now, outcome, running, limit) {
            return;
        }
        if self.window.is_overloaded(limit) {
            self.reduce(now, limit);
        } else if let Some(rate) = self.window.rate(now, limit) {
            self.measured(now, limit, rate);
        }
    }

    /// Continues after a window in which `limit` had this rate.
    fn measured(&mut self, now: Instant, limit: usize, rate: Rate) {
        let Window { had_room, peak, .. } = std::mem::replace(&mut self.window, Window::after(0));
        match &mut self.phase {
            Phase::Steady { .. } if had_room && self.accepted < START => self.accepted *= 2,
            Phase::Steady { until: Some(until) } if now < *until => {}
            Phase::Steady { .. } if had_room => {
                if peak >= 2 {
                    self.begin(now, peak / 2, rate, Kind::Unbound);
                }
            }
            Phase::Steady { .. } => self.begin(now, self.accepted * 2, rate, Kind::First),
            // The load is what bounds the throughput now.
            Phase::Trial(Trial { is_candidate: false, kind, .. }) if had_room && *kind != Kind::Unbound => {
                self.phase = Phase::Steady { until: None };
            }
            Phase::Trial(trial) => {
                trial.add(rate);
                match trial.is_accepted() {
                    Some(true) => self.accept(now),
                    Some(false) => self.reject(now),
                    None => {
                        trial.is_candidate = !trial.is_candidate;
                        self.window = Window::after(limit);
                    }
                }
            }
        }
    }

    /// Starts a trial after a measurement of the accepted limit.
    fn begin(&mut self, now: Instant, candidate: usize, accepted_rate: Rate, kind: Kind) {
        let used = self.limit();
        let candidate = candidate.clamp(1, GREATEST);
        if candidate == self.accepted {
            self.rest(now);
            return;
        }
        let least = match kind {
            Kind::Unbound => 1.0 + MIN_UNBOUND_GAIN,
            _ if candidate > self.accepted => 1.0 + MIN_GAIN,
            _ => 1.0 - MAX_LOSS,
        };
        self.phase = Phase::Trial(Trial {
            started_at: now,
            candidate,
            is_candidate: true,
            accepted_rate,
            candidate_rate: Rate::default(),
            pairs: 0,
            least,
            kind,
        });
        self.window = Window::after(used);
    }

    fn accept(&mut self, now: Instant) {
        let Phase::Trial(trial) = &self.phase else { return };
        let (candidate, rate) = (trial.candidate, trial.candidate_rate);
        let next = if candidate > self.accepted { candidate * 2 } else { candidate / 2 };
        self.accepted = candidate;
        self.pause = MIN_PAUSE;
        self.begin(now, next, rate, Kind::Last);
    }

    fn reject(&mut self, now: Instant) {
        let Phase::Trial(trial) = &self.phase else { return };
        match trial.kind {
            Kind::First => self.begin(now, self.accepted / 2, trial.accepted_rate, Kind::Last),
            Kind::Last | Kind::Unbound => self.rest(now),
        }
    }

    /// Uses the accepted limit until the next trial.
    fn rest(&mut self, now: Instant) {
        self.window = Window::after(self.limit());
        let trial = match &self.phase {
            Phase::Trial(trial) => now.saturating_duration_since(trial.started_at),
            Phase::Steady { .. } => Duration::ZERO,
        };
        let pause = self.pause.max(trial.saturating_mul(PAUSE_FACTOR));
        self.phase = Phase::Steady { until: now.checked_add(pause) };
        self.pause = (self.pause * 2).min(MAX_PAUSE);
    }

    /// Reduces the limit, or returns to the accepted one if the limit that was `used` is a greater candidate.
    fn reduce(&mut self, now: Instant, used: usize) {
        if used <= self.accepted {
            self.accepted = (used * 3 / 4).max(1);
        }
        self.pause = MIN_PAUSE;
        self.phase = Phase::Steady { until: now.checked_add(MIN_PAUSE) };
        self.window = Window::after(used);
    }
}

impl Trial {
    fn add(&mut self, rate: Rate) {
        let sum = if self.is_candidate { &mut self.candidate_rate } else { &mut self.accepted_rate };
        *sum = Rate { successes: sum.successes + rate.successes, seconds: sum.seconds + rate.seconds };
        self.pairs += u32::from(self.is_candidate);
    }

    /// Returns whether the candidate is accepted; `None` if more measurements are needed.
    fn is_accepted(&self) -> Option<bool> {
        if !self.is_candidate {
            return None;
        }
        let ratio = self.candidate_rate.per_second() / self.accepted_rate.per_second();
        if !ratio.is_finite() {
            return Some(false);
        }
        // A limit where none was delays bursts, so it is only accepted after all pairs.
        let greatest = if self.kind == Kind::Unbound { f64::INFINITY } else { CLEAR };
        let is_clear = !(1.0 / CLEAR..=greatest).contains(&ratio);
        (is_clear || self.pairs >= PAIRS).then_some(ratio > self.least)
    }
}

impl Rate {
    fn per_second(self) -> f64 {
        self.successes / self.seconds
    }
}

impl Window {
    /// Creates a window that begins when `skipped` calls have ended.
    fn after(skipped: usize) -> Self {
        Self { started_at: None, skipped, calls: 0, successes: 0, overloads: 0, had_room: false, peak: 0 }
    }

    /// Adds a call. Returns `false` if it does not count.
    fn add(&mut self, now: Instant, outcome: CallOutcome, running: usize, limit: usize) -> bool {
        if self.skipped > 0 {
            self.skipped -= 1;
            return false;
        }
        self.had_room |= running < limit;
        self.peak = self.peak.max(running + 1).min(limit);
        self.overloads += usize::from(outcome == CallOutcome::Overload);
        if self.started_at.is_none() {
            // The time begins with the end of this call.
            self.started_at = Some(now);
            return outcome == CallOutcome::Overload;
        }
        self.calls += 1;
        self.successes += usize::from(outcome == CallOutcome::Success);
        true
    }

    /// Returns whether so many calls have failed that the limit is too high.
    fn is_overloaded(&self, limit: usize) -> bool {
        self.overloads >= (limit / 4).max(1) && self.overloads * 10 >= self.calls
    }

    /// Returns the rate of a window that is long enough.
    fn rate(&self, now: Instant, limit: usize) -> Option<Rate> {
        let time = now.saturating_duration_since(self.started_at?);
        let is_complete = time >= WINDOW && self.calls >= MIN_CALLS.max(2 * limit);
        #[expect(clippy::cast_precision_loss, reason = "counts of calls are small")]
        is_complete.then_some(Rate { successes: self.successes as f64, seconds: time.as_secs_f64() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;

    /// A service whose throughput, in calls per second, depends on the number of calls in progress.
    struct Service<'s> {
        throughput: &'s dyn Fn(f64) -> f64,
        callers: usize,
        random: Rng,
        now: Instant,
    }

    impl<'s> Service<'s> {
        fn new(callers: usize, throughput: &'s dyn Fn(f64) -> f64) -> Self {
            Self { throughput, callers, random: Rng::with_seed(7), now: Instant::now() }
        }

        /// Runs calls for `seconds`, and returns how many succeed per second.
        #[expect(clippy::cast_precision_loss, reason = "numbers of a model")]
        fn run(&mut self, search: &mut Search, seconds: u64) -> f64 {
            let end = self.now + Duration::from_secs(seconds);
            let mut ended = 0_u32;
            while self.now < end {
                let at_once = self.callers.min(search.limit());
                let mean = 1.0 / (self.throughput)(at_once as f64);
                // The times between ends are random, as those of a queue.
                self.now += Duration::from_secs_f64(-(1.0 - self.random.f64()).ln() * mean);
                let running = (self.callers - 1).min(search.limit());
                search.ended(self.now, CallOutcome::Success, running);
                ended += 1;
            }
            f64::from(ended) / seconds as f64
        }
    }

    /// Returns the throughput of the best fixed limit.
    #[expect(clippy::cast_precision_loss, reason = "numbers of a model")]
    fn best(callers: usize, throughput: impl Fn(f64) -> f64) -> f64 {
        (1..=callers).map(|limit| throughput(limit as f64)).fold(0.0, f64::max)
    }

    /// On the same machine: a thousand connections cost a third.
    fn local(calls: f64) -> f64 {
        40_000.0 * calls / (calls + 1.0) / (1.0 + calls / 2_000.0)
    }

    /// Behind a network with 20 ms, with workers for 200 calls at once.
    fn remote(calls: f64) -> f64 {
        calls.min(200.0) / 0.02
    }

    /// A database that processes eight calls at once, and spends its time on locks beyond that.
    fn database(calls: f64) -> f64 {
        1_000.0 * calls.min(8.0) / (1.0 + (calls - 8.0).max(0.0) / 16.0)
    }

    /// A service that processes one call at a time.
    fn single(calls: f64) -> f64 {
        500.0 / (1.0 + (calls - 1.0) / 50.0)
    }

    type Throughput = fn(f64) -> f64;

    const SERVICES: [(&str, Throughput); 4] =
        [("local", local), ("remote", remote), ("database", database), ("single", single)];

    #[test]
    fn any_number_of_callers_has_nine_tenths_of_the_best_throughput() {
        for (name, throughput) in SERVICES {
            for callers in [1, 4, 16, 64, 256, 1024] {
                let mut search = Search::new();
                let mut service = Service::new(callers, &throughput);
                service.run(&mut search, 10);
                let share = service.run(&mut search, 30) / best(callers, throughput);
                assert!(share > 0.9, "{name}, {callers} callers: {share:.3}, limit {}", search.limit());
            }
        }
    }

    #[test]
    fn the_limit_follows_a_service_that_changes() {
        let (mut search, callers) = (Search::new(), 1024);
        let start = Instant::now();
        let mut service = Service { now: start, ..Service::new(callers, &remote) };
        service.run(&mut search, 20);
        let before = search.limit();
        service.throughput = &database;
        service.run(&mut search, 40);
        let during = search.limit();
        service.throughput = &remote;
        service.run(&mut search, 40);
        assert!(
            before >= 128 && during <= 16 && search.limit() >= 128,
            "{before} {during} {}",
            search.limit()
        );
    }

    #[test]
    fn a_load_without_waiting_calls_has_no_lower_limit_without_a_gain() {
        for callers in [1, 4, START] {
            let mut search = Search::new();
            Service::new(callers, &remote).run(&mut search, 60);
            assert_eq!(search.accepted, START);
        }
    }

    #[test]
    fn a_low_limit_ends_when_calls_do_not_wait_any_more() {
        let mut search = Search::new();
        let mut service = Service::new(64, &single);
        service.run(&mut search, 60);
        assert!(search.accepted < START, "{}", search.accepted);
        service.callers = 1;
        service.run(&mut search, 10);
        assert_eq!(search.accepted, START);
    }

    /// Ends `calls` with each outcome in turn, a millisecond apart.
    fn end(search: &mut Search, now: &mut Instant, calls: usize, outcomes: &[CallOutcome]) {
        for outcome in outcomes.iter().cycle().take(calls) {
            *now += Duration::from_millis(1);
            let running = search.limit();
            search.ended(*now, *outcome, running);
        }
    }

    #[test]
    fn a_limit_with_many_rejected_calls_is_reduced_once_for_each_round() {
        let (mut search, mut now) = (Search::new(), Instant::now());
        end(&mut search, &mut now, 7, &[CallOutcome::Overload]);
        assert_eq!(search.limit(), 32);
        end(&mut search, &mut now, 1, &[CallOutcome::Overload]);
        assert_eq!(search.limit(), 24);
        // These were in progress.
        end(&mut search, &mut now, 32, &[CallOutcome::Overload]);
        assert_eq!(search.limit(), 24);
        end(&mut search, &mut now, 6, &[CallOutcome::Overload]);
        assert_eq!(search.limit(), 18);
    }

    #[test]
    fn a_few_rejected_calls_do_not_reduce_the_limit() {
        let (mut search, mut now) = (Search::new(), Instant::now());
        let mut outcomes = [CallOutcome::Success; 20];
        outcomes[3] = CallOutcome::Overload;
        end(&mut search, &mut now, MIN_CALLS, &outcomes);
        assert_eq!(search.limit(), START);
    }

    #[test]
    fn one_call_is_always_allowed_and_the_limit_recovers() {
        let mut search = Search::new();
        let mut service = Service::new(1024, &remote);
        end(&mut search, &mut service.now, 10_000, &[CallOutcome::Overload, CallOutcome::Other]);
        assert_eq!(search.limit(), 1);
        service.run(&mut search, 60);
        assert!(search.limit() >= 128, "{}", search.limit());
    }
}
