//! The search for the concurrency limit with the highest throughput, without a configured number.
//!
//! Too few concurrent calls leave the service idle, and too many cost both sides throughput. The number between
//! them depends on the service, the network and the machine, and changes. It is found by trials:
//!
//! 1. Successful calls are counted in windows of at least [`WINDOW`] and [`MIN_CALLS`], from the first one. A window
//!    begins again after an unusually long time without one, so that outages and idle times are not counted. In a window
//!    in which calls always waited for others, the limit is what bounds the throughput.
//! 2. A trial compares the limit with another one by the successful calls per second, first with its double, then with its
//!    half. Both are used in turn, [`PAIRS`] times for a window each, so that a change of the load affects both
//!    alike. A factor above [`CLEAR`] is decided after the first turn.
//! 3. The greater limit is accepted if it gains more than [`MIN_GAIN`], the lower one if it loses less than [`MAX_LOSS`]. So
//!    the limit is the smallest one with nearly the highest throughput, and calls wait in the client, where their
//!    deadlines apply, instead of in the service.
//! 4. After an accepted trial, the next one goes on in the same direction. If both directions are rejected, the
//!    next trial follows after a pause, which doubles from [`MIN_PAUSE`] to [`MAX_PAUSE`], and is at least
//!    [`PAUSE_FACTOR`] times as long as the trial, so that trials cost little.
//! 5. If calls did not wait, a lower limit is tried only against the greatest number of calls in progress, and has to
//!    gain [`MIN_UNBOUND_GAIN`], since it delays bursts. A limit below [`START`] is doubled; after 7. it grows only by trials
//!    that do not add [`MAX_REGROWN_OVERLOAD`] of rejected calls, by half the increase after each rejected one.
//! 6. If the service rejects more of the calls of a greater limit at once ([`MAX_ADDED_OVERLOAD`]), half the
//!    increase is tried, and so on. The next trial begins with the last increase that was rejected.
//! 7. If a share of [`OVERLOAD`] of the calls is rejected with 429, 503 or 504 or times out in two windows, a limit lower by a
//!    quarter is tried without a pause, by half if most calls are rejected. It is accepted if it does not cost
//!    throughput. If it does, but [`RELIEF`] shows that fewer calls are rejected, half the decrease is tried, and so on.
//!    Failures that do not depend on the load, such as those of a single route, therefore do not change the limit.
//! 8. At a fixed rate of calls that do not wait, a lower limit does not cost throughput at first. So half the calls in
//!    progress are tried, then a quarter, and so on, and a limit is accepted only if fewer calls are rejected under it.
//!
//! A service in which no call succeeds gives no throughput to compare, so the limit stays.
//!
//! Rejected alternative: a limit that follows latency, such as the gradient and Vegas algorithms. A service on
//! the same machine responds to a single call fastest, but reaches its throughput only with dozens of them, so a limit
//! that keeps the latency low would cost half of it. Rejected alternative: additive increase without a measurement,
//! which only ends when calls fail: a thousand connections cost a third of the throughput without a failure. Rejected
//! alternative: a decrease after each round with failures. Failures that do not depend on the load reduce the limit to one
//! call.

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

/// The share of rejected calls from which a service is overloaded.
const OVERLOAD: f64 = 0.1;

/// The rejected calls per successful one under a lower limit, in proportion to those under the limit, below which
/// they depend on the limit.
const RELIEF: f64 = 0.6;

/// The additional share of rejected calls for which a greater limit is given up at once.
const MAX_ADDED_OVERLOAD: f64 = 0.25;

/// The additional share of rejected calls for which a limit that relieved the service does not grow again.
const MAX_REGROWN_OVERLOAD: f64 = 0.01;

/// The number of calls after which that share is judged.
const MIN_JUDGED: usize = 32;

/// The smallest increase that is tried is the limit divided by this number.
const FINEST: usize = 16;

/// The factor to the usual time between two successful calls from which it is a break, such as an outage.
const BREAK_FACTOR: u32 = 4;

/// The number of breaks after which a trial is given up.
const MAX_BREAKS: u32 = 8;

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
    /// True if the last trial under overload showed that a lower limit does not help.
    is_relief_rejected: bool,
    /// True if the service was overloaded in the last window between trials.
    was_overloaded: bool,
    /// The smallest increase, if the service rejected calls even then.
    rejected_step: Option<usize>,
    /// The next increase that is tried after the limit was lowered for an overloaded service, until it is [`START`].
    regrow_step: Option<usize>,
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
    /// The start of this trial and of those that led to it.
    started_at: Instant,
    candidate: usize,
    /// True while the candidate is used.
    is_candidate: bool,
    accepted_rate: Rate,
    candidate_rate: Rate,
    /// The number of times that the candidate was measured.
    pairs: u32,
    breaks: u32,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// A limit that is greater by `step`. If it gains nothing, half the limit is tried `then_half`.
    Greater {
        step: usize,
        then_half: bool,
    },
    Half,
    /// A limit that is greater by `step`, after one that relieved the service and does not bound the throughput.
    Regrow {
        step: usize,
    },
    /// Half of this number of calls in progress, which the accepted limit does not bound.
    Unbound {
        peak: usize,
    },
    /// A limit below `base` by `step`, because the service is overloaded. `base` is the accepted limit if it `is_bound`,
    /// otherwise the number of calls in progress.
    Relief {
        base: usize,
        step: usize,
        is_bound: bool,
        /// The greatest step that did not relieve the service.
        too_small: usize,
        /// The smallest step that relieved the service and cost throughput; at first `base`.
        too_great: usize,
    },
}

/// The calls under one limit in all windows of a trial.
#[derive(Clone, Copy, Default)]
struct Rate {
    successes: f64,
    overloads: f64,
    seconds: f64,
}

/// The calls under one limit. They are counted from the first successful one, so that a window does not begin in an
/// outage.
struct Window {
    /// `None` until the first successful call.
    started_at: Option<Instant>,
    last_success_at: Option<Instant>,
    /// The number of calls that may have started under another limit, which do not count.
    skipped: usize,
    /// The number of calls that failed before the first successful one.
    failed_before: usize,
    successes: usize,
    overloads: usize,
    /// True if more calls were allowed than there were.
    had_room: bool,
    /// The greatest number of calls in progress.
    peak: usize,
    /// The longest time between two successful calls.
    gap: Duration,
    /// The longest time between two successful calls in the window before.
    usual_gap: Option<Duration>,
}

/// The effect of a call on a window.
#[derive(PartialEq)]
enum Added {
    Skipped,
    Counted,
    /// The window begins again, because calls had not succeeded for an unusual time.
    AfterBreak,
}

impl Kind {
    fn relief(base: usize, step: usize, is_bound: bool) -> Self {
        Self::Relief { base, step, is_bound, too_small: 0, too_great: base }
    }
}

impl Search {
    pub(super) fn new() -> Self {
        let phase = Phase::Steady { until: None };
        let window = Window::after(0, None);
        Self {
            accepted: START,
            phase,
            window,
            pause: MIN_PAUSE,
            is_relief_rejected: false,
            was_overloaded: false,
            rejected_step: None,
            regrow_step: None,
        }
    }

    /// Returns the number of calls that are allowed at once.
    pub(super) fn limit(&self) -> usize {
        match &self.phase {
            Phase::Trial(Trial { candidate, is_candidate: true, .. }) => *candidate,
            _ => self.accepted,
        }
    }

    /// Sets the limit, as the end of a trial does.
    #[cfg(all(test, shuttle))]
    pub(super) fn set_limit(&mut self, limit: usize) {
        self.accepted = limit;
    }

    /// Records the end of a call. `running` is the number of calls in progress after it, and after a call that waited
    /// has taken its place.
    pub(super) fn ended(&mut self, now: Instant, outcome: CallOutcome, running: usize) {
        let limit = self.limit();
        match self.window.add(now, outcome, running, limit) {
            Added::Skipped => return,
            Added::Counted => {}
            Added::AfterBreak => {
                if let Phase::Trial(trial) = &mut self.phase {
                    trial.breaks += 1;
                    if trial.breaks > MAX_BREAKS {
                        self.rest(now);
                    }
                }
                return;
            }
        }
        if let Some(rate) = self.window.rate(now, limit) {
            self.measured(now, limit, rate);
        } else if let Phase::Trial(trial) = &self.phase
            && trial.is_rejected_by_service(&self.window)
        {
            self.reject(now, true);
        }
    }

    /// Continues after a window in which `limit` had this rate.
    fn measured(&mut self, now: Instant, limit: usize, rate: Rate) {
        let next = Window::after(0, Some(self.window.gap));
        let Window { had_room, peak, .. } = std::mem::replace(&mut self.window, next);
        match &mut self.phase {
            Phase::Steady { until } => {
                let is_paused = until.is_some_and(|until| now < until);
                let was_overloaded = std::mem::replace(&mut self.was_overloaded, rate.is_overloaded());
                if rate.is_overloaded() {
                    if was_overloaded && !(is_paused && self.is_relief_rejected) {
                        let base = if had_room { peak } else { self.accepted };
                        let step = if had_room { base / 2 } else { rate.relief_step(base) };
                        self.begin(now, rate, Kind::relief(base, step, !had_room));
                    }
                } else if had_room && self.accepted < START && self.regrow_step.is_none() {
                    self.accepted *= 2;
                } else if !is_paused {
                    self.is_relief_rejected = false;
                    if let (true, Some(step)) = (had_room, self.regrow_step) {
                        self.begin(now, rate, Kind::Regrow { step });
                    } else if had_room {
                        self.begin(now, rate, Kind::Unbound { peak });
                    } else {
                        let step = self.rejected_step.take().unwrap_or(self.accepted);
                        self.begin(now, rate, Kind::Greater { step, then_half: true });
                    }
                }
            }
            // The load is what bounds the throughput now.
            Phase::Trial(trial) if !trial.is_candidate && had_room && trial.is_bound() => {
                self.phase = Phase::Steady { until: None };
            }
            Phase::Trial(trial) => {
                trial.add(rate);
                match trial.is_accepted() {
                    Some(true) => self.accept(now),
                    Some(false) => self.reject(now, false),
                    None => {
                        trial.is_candidate = !trial.is_candidate;
                        self.window.skipped = limit;
                    }
                }
            }
        }
    }

    /// Starts a trial after a measurement of the accepted limit.
    fn begin(&mut self, now: Instant, accepted_rate: Rate, kind: Kind) {
        let used = self.limit();
        let candidate = match kind {
            Kind::Greater { step, .. } => (self.accepted + step).min(GREATEST),
            Kind::Regrow { step } => (self.accepted + step).min(START),
            Kind::Half => self.accepted / 2,
            Kind::Unbound { peak } => peak / 2,
            Kind::Relief { base, step, .. } => base.saturating_sub(step),
        };
        if candidate == 0 || candidate == self.accepted {
            self.rest(now);
            return;
        }
        let started_at = match &self.phase {
            Phase::Trial(trial) => trial.started_at,
            Phase::Steady { .. } => now,
        };
        self.phase = Phase::Trial(Trial {
            started_at,
            candidate,
            is_candidate: true,
            accepted_rate,
            candidate_rate: Rate::default(),
            pairs: 0,
            breaks: 0,
            kind,
        });
        self.window = Window::after(used, self.window.usual_gap);
    }

    fn accept(&mut self, now: Instant) {
        let Phase::Trial(trial) = &mut self.phase else { return };
        trial.started_at = now;
        let (candidate, kind, rate) = (trial.candidate, trial.kind, trial.candidate_rate);
        let before = std::mem::replace(&mut self.accepted, candidate);
        self.pause = MIN_PAUSE;
        self.is_relief_rejected = false;
        self.regrow_step = match kind {
            _ if candidate >= START => None,
            Kind::Relief { .. } => Some(candidate),
            Kind::Regrow { step } => Some(2 * step),
            _ => self.regrow_step,
        };
        match kind {
            Kind::Relief { step, .. } if rate.is_overloaded() => {
                let step = step.min(rate.relief_step(candidate));
                self.begin(now, rate, Kind::relief(candidate, step, true));
            }
            Kind::Greater { step, .. } if !rate.is_overloaded() => {
                // A greater step was rejected by the service.
                let step = if step < before { step / 2 } else { candidate };
                self.begin(now, rate, Kind::Greater { step, then_half: false });
            }
            Kind::Half | Kind::Unbound { .. } => self.begin(now, rate, Kind::Half),
            Kind::Relief { .. } | Kind::Greater { .. } | Kind::Regrow { .. } => {
                self.phase = Phase::Steady { until: None };
                self.window.skipped = candidate;
            }
        }
    }

    /// Goes on after a trial whose candidate is rejected, for a greater one perhaps `by_service`.
    fn reject(&mut self, now: Instant, by_service: bool) {
        let Phase::Trial(trial) = &self.phase else { return };
        let rate = trial.accepted_rate;
        match trial.kind {
            Kind::Greater { step, then_half }
                if by_service && step / 2 >= (self.accepted / FINEST).max(1) =>
            {
                self.begin(now, rate, Kind::Greater { step: step / 2, then_half });
            }
            Kind::Greater { step, then_half } => {
                self.rejected_step = by_service.then_some(step);
                if then_half {
                    self.begin(now, rate, Kind::Half);
                } else {
                    self.rest(now);
                }
            }
            Kind::Regrow { step } => {
                self.regrow_step = Some((step / 2).max(1));
                self.rest(now);
            }
            Kind::Relief { is_bound, .. } => {
                if let Some(kind) = trial.next_relief() {
                    self.begin(now, rate, kind);
                } else {
                    self.is_relief_rejected = true;
                    if is_bound {
                        self.begin(now, rate, Kind::Greater { step: self.accepted, then_half: false });
                    } else {
                        self.rest(now);
                    }
                }
            }
            Kind::Half | Kind::Unbound { .. } => self.rest(now),
        }
    }

    /// Uses the accepted limit until the next trial.
    fn rest(&mut self, now: Instant) {
        self.window = Window::after(self.limit(), self.window.usual_gap);
        let trial = match &self.phase {
            Phase::Trial(trial) => now.saturating_duration_since(trial.started_at),
            Phase::Steady { .. } => Duration::ZERO,
        };
        let pause = self.pause.max(trial.saturating_mul(PAUSE_FACTOR));
        self.phase = Phase::Steady { until: now.checked_add(pause) };
        self.pause = (self.pause * 2).min(MAX_PAUSE);
    }
}

impl Trial {
    fn add(&mut self, rate: Rate) {
        let sum = if self.is_candidate { &mut self.candidate_rate } else { &mut self.accepted_rate };
        sum.successes += rate.successes;
        sum.overloads += rate.overloads;
        sum.seconds += rate.seconds;
        self.pairs += u32::from(self.is_candidate);
    }

    /// Returns whether the accepted limit is what bounds the throughput.
    fn is_bound(&self) -> bool {
        !matches!(
            self.kind,
            Kind::Regrow { .. } | Kind::Unbound { .. } | Kind::Relief { is_bound: false, .. }
        )
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
        let greatest = if self.is_bound() { CLEAR } else { f64::INFINITY };
        let is_clear = !(1.0 / CLEAR..=greatest).contains(&ratio);
        let is_accepted = match self.kind {
            Kind::Greater { .. } => ratio > 1.0 + MIN_GAIN,
            Kind::Half => ratio > 1.0 - MAX_LOSS,
            Kind::Regrow { .. } => {
                let added = self.candidate_rate.overload() - self.accepted_rate.overload();
                ratio > 1.0 - MAX_LOSS && added < MAX_REGROWN_OVERLOAD
            }
            Kind::Unbound { .. } => ratio > 1.0 + MIN_UNBOUND_GAIN,
            // The loss of a small step is too small to be measured, and so is that of any step at a fixed rate of calls.
            Kind::Relief { base, step, is_bound, .. } => {
                let is_measured = is_bound && step >= (base / 4).max(1);
                ratio > 1.0 - MAX_LOSS && (is_measured || self.is_relief())
            }
        };
        let is_quick = is_accepted
            && matches!(self.kind, Kind::Relief { .. })
            && self.accepted_rate.is_mostly_rejected();
        (is_clear || is_quick || self.pairs >= PAIRS).then_some(is_accepted)
    }

    /// Returns whether fewer calls are rejected under the candidate than under the accepted limit.
    fn is_relief(&self) -> bool {
        let (candidate, accepted) = (&self.candidate_rate, &self.accepted_rate);
        candidate.overloads * accepted.successes < RELIEF * accepted.overloads * candidate.successes
    }

    /// Returns the next trial after one of a lower limit that was rejected; `None` if no lower limit helps.
    fn next_relief(&self) -> Option<Kind> {
        let Kind::Relief { base, step, is_bound, too_small, too_great } = self.kind else { return None };
        let (too_small, too_great) = if self.is_relief() {
            (too_small, step)
        } else if too_great < base || !is_bound && !self.costs_throughput() {
            (step, too_great)
        } else {
            return None;
        };
        let step = usize::midpoint(too_small, too_great);
        (step > too_small).then_some(Kind::Relief { base, step, is_bound, too_small, too_great })
    }

    fn costs_throughput(&self) -> bool {
        self.candidate_rate.per_second() <= (1.0 - MAX_LOSS) * self.accepted_rate.per_second()
    }

    /// Returns whether the service rejects so many calls in the `window` of a greater candidate that it is given up.
    fn is_rejected_by_service(&self, window: &Window) -> bool {
        let is_greater = self.is_candidate && matches!(self.kind, Kind::Greater { .. } | Kind::Regrow { .. });
        let is_judged = window.successes + window.overloads >= MIN_JUDGED;
        let has_failed = window.failed_before >= self.candidate.max(MIN_JUDGED);
        let added = window.counts().overload() - self.accepted_rate.overload();
        is_greater && (has_failed || is_judged && added > MAX_ADDED_OVERLOAD)
    }
}

impl Rate {
    fn per_second(self) -> f64 {
        self.successes / self.seconds
    }

    /// Returns the share of rejected calls.
    fn overload(self) -> f64 {
        self.overloads / (self.successes + self.overloads).max(1.0)
    }

    fn is_overloaded(self) -> bool {
        self.overload() >= OVERLOAD
    }

    fn is_mostly_rejected(self) -> bool {
        self.overload() > 0.5
    }

    /// Returns the first step down from `base` calls in progress.
    fn relief_step(self, base: usize) -> usize {
        (base / if self.is_mostly_rejected() { 2 } else { 4 }).max(1)
    }
}

impl Window {
    /// Creates a window that begins when `skipped` calls have ended.
    fn after(skipped: usize, usual_gap: Option<Duration>) -> Self {
        Self {
            started_at: None,
            last_success_at: None,
            skipped,
            failed_before: 0,
            successes: 0,
            overloads: 0,
            had_room: false,
            peak: 0,
            gap: Duration::ZERO,
            usual_gap,
        }
    }

    fn add(&mut self, now: Instant, outcome: CallOutcome, running: usize, limit: usize) -> Added {
        if self.skipped > 0 {
            self.skipped -= 1;
            return Added::Skipped;
        }
        let is_success = outcome == CallOutcome::Success;
        if self.started_at.is_none() && !is_success {
            self.failed_before += 1;
            return Added::Counted;
        }
        let gap = self.last_success_at.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        let is_break = is_success
            && self.usual_gap.is_some_and(|usual| gap > WINDOW.max(usual.saturating_mul(BREAK_FACTOR)));
        if is_break {
            *self = Self::after(0, Some(gap));
        }
        self.had_room |= running < limit;
        self.peak = self.peak.max(running + 1).min(limit);
        if is_success {
            self.last_success_at = Some(now);
            if self.started_at.is_none() {
                // The time begins with the end of this call.
                self.started_at = Some(now);
                return if is_break { Added::AfterBreak } else { Added::Skipped };
            }
            self.successes += 1;
            self.gap = self.gap.max(gap);
        }
        self.overloads += usize::from(outcome == CallOutcome::Overload);
        Added::Counted
    }

    /// Returns the rate of a window that is long enough.
    fn rate(&self, now: Instant, limit: usize) -> Option<Rate> {
        let time = now.saturating_duration_since(self.started_at?);
        let is_complete = time >= WINDOW && self.successes >= MIN_CALLS.max(2 * limit);
        is_complete.then(|| Rate { seconds: time.as_secs_f64(), ..self.counts() })
    }

    /// Returns the calls so far, without the time.
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are small")]
    fn counts(&self) -> Rate {
        Rate { successes: self.successes as f64, overloads: self.overloads as f64, seconds: 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

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

    /// The time of a call and whether it succeeds, by the number of calls that the service processes, this one
    /// included, and the time since the start in seconds.
    type Process<'s> = dyn Fn(usize, f64, &mut Rng) -> (f64, bool) + 's;

    /// Callers of a service that rejects calls. Each call has its own time.
    struct Callers<'s> {
        /// `None` for no limit.
        search: Option<Search>,
        process: &'s Process<'s>,
        waiting: usize,
        running: BinaryHeap<Reverse<(Duration, bool)>>,
        processed: usize,
        start: Instant,
        now: Duration,
        random: Rng,
        succeeded: usize,
        rejected: usize,
        /// The calls that did not start at once.
        delayed: usize,
    }

    impl<'s> Callers<'s> {
        fn new(count: usize, search: Option<Search>, process: &'s Process<'s>) -> Self {
            let mut callers = Self {
                search,
                process,
                waiting: count,
                running: BinaryHeap::new(),
                processed: 0,
                start: Instant::now(),
                now: Duration::ZERO,
                random: Rng::with_seed(7),
                succeeded: 0,
                rejected: 0,
                delayed: 0,
            };
            callers.start_calls();
            callers
        }

        fn start_calls(&mut self) {
            let limit = self.search.as_ref().map_or(usize::MAX, Search::limit);
            while self.waiting > 0 && self.running.len() < limit {
                self.waiting -= 1;
                let seconds = self.now.as_secs_f64();
                let (time, succeeds) = (self.process)(self.processed + 1, seconds, &mut self.random);
                self.processed += usize::from(succeeds);
                self.running.push(Reverse((self.now + Duration::from_secs_f64(time), succeeds)));
            }
        }

        /// Ends the next call. Its caller may have `another` one.
        fn end_call(&mut self, another: bool) {
            let Some(Reverse((now, succeeds))) = self.running.pop() else { return };
            self.now = now;
            self.processed -= usize::from(succeeds);
            self.succeeded += usize::from(succeeds);
            self.rejected += usize::from(!succeeds);
            self.waiting += usize::from(another);
            self.start_calls();
            let outcome = if succeeds { CallOutcome::Success } else { CallOutcome::Overload };
            if let Some(search) = &mut self.search {
                search.ended(self.start + now, outcome, self.running.len());
            }
            self.start_calls();
        }

        /// Runs calls until that second. Returns how many have succeeded and how many were rejected since.
        #[expect(clippy::cast_precision_loss, reason = "numbers of a model")]
        fn run(&mut self, until: u64) -> (f64, f64) {
            (self.succeeded, self.rejected) = (0, 0);
            while self.now < Duration::from_secs(until) {
                self.end_call(true);
            }
            (self.succeeded as f64, self.rejected as f64)
        }

        /// Starts `rate` calls per second, whether others have ended or not, until that second. Returns the shares of calls
        /// that were rejected and that were delayed by the limit.
        #[expect(clippy::cast_precision_loss, reason = "numbers of a model")]
        fn run_at(&mut self, rate: f64, until: u64) -> (f64, f64) {
            (self.succeeded, self.rejected, self.delayed) = (0, 0, 0);
            let end = Duration::from_secs(until);
            let mut arrival = self.now;
            loop {
                // The times between arrivals are random, as those of independent users.
                arrival += Duration::from_secs_f64(-(1.0 - self.random.f64()).ln() / rate);
                while self.running.peek().is_some_and(|Reverse((ends, _))| *ends <= arrival) {
                    self.end_call(false);
                }
                if arrival >= end {
                    break;
                }
                self.now = arrival;
                self.waiting += 1;
                self.start_calls();
                self.delayed += usize::from(self.waiting > 0);
            }
            let calls = (self.succeeded + self.rejected) as f64;
            (self.rejected as f64 / calls, self.delayed as f64 / calls)
        }

        /// Makes `calls` at once, and returns how long they take.
        fn burst(&mut self, calls: usize, at: Duration) -> Duration {
            self.now = self.now.max(at);
            let start = self.now;
            self.waiting += calls;
            self.start_calls();
            while !self.running.is_empty() {
                self.end_call(false);
            }
            self.now.saturating_sub(start)
        }
    }

    /// Returns a time of a call that is `mean` seconds on average.
    fn about(mean: f64, random: &mut Rng) -> f64 {
        mean * (0.8 + 0.4 * random.f64())
    }

    /// Asserts that callers have nine tenths of the throughput without a limit when this share of calls is rejected,
    /// whatever their number.
    fn assert_throughput_with_rejected(share: f64) {
        let process = |_: usize, _: f64, random: &mut Rng| {
            if random.f64() < share { (0.002, false) } else { (about(0.02, random), true) }
        };
        for count in [8, 16, 64] {
            let mut adaptive = Callers::new(count, Some(Search::new()), &process);
            let mut unlimited = Callers::new(count, None, &process);
            for until in [10, 30, 100] {
                let ratio = adaptive.run(until).0 / unlimited.run(until).0;
                assert!(until == 10 || ratio > 0.9, "{count} callers until {until} s: {ratio:.3}");
            }
        }
    }

    #[test]
    fn random_rejections_do_not_lower_the_limit() {
        assert_throughput_with_rejected(0.08);
    }

    #[test]
    fn one_route_of_eight_that_always_fails_does_not_lower_the_limit() {
        assert_throughput_with_rejected(0.125);
    }

    #[test]
    fn an_outage_does_not_lower_the_limit() {
        for time in [0.02, 0.1] {
            // The second one begins in another phase of the search.
            for from in [30.0, 33.3] {
                let process = |_: usize, now: f64, random: &mut Rng| {
                    if (from..from + 1.0).contains(&now) {
                        (0.002, false)
                    } else {
                        (about(time, random), true)
                    }
                };
                let mut callers = Callers::new(64, Some(Search::new()), &process);
                callers.run(37);
                let share = callers.run(45).0 / (8.0 * 64.0 / time);
                assert!(share > 0.9, "{time} s, from {from} s: {share:.3}");
            }
        }
    }

    #[test]
    fn few_calls_are_rejected_by_a_service_that_sheds_load() {
        for capacity in [8, 16, 24, 33, 48] {
            for time in [0.02, 0.1] {
                let process = |processed: usize, _: f64, random: &mut Rng| {
                    if processed > capacity { (0.001, false) } else { (about(time, random), true) }
                };
                let mut callers = Callers::new(64, Some(Search::new()), &process);
                callers.run(60);
                let (succeeded, rejected) = callers.run(180);
                let at_best = 120.0 * f64::from(u32::try_from(capacity).unwrap()) / time;
                let (share, rejected) = (succeeded / at_best, rejected / (succeeded + rejected));
                assert!(
                    share > 0.9 && rejected < 0.02,
                    "{capacity} calls of {time} s: {share:.3}, {rejected:.4} rejected"
                );
            }
        }
    }

    #[test]
    fn failures_do_not_lower_a_limit_that_does_not_bound_a_fixed_rate() {
        for share in [0.15, 0.4, 0.7] {
            for rate in [500.0, 3_000.0] {
                let process = |_: usize, _: f64, random: &mut Rng| {
                    if random.f64() < share { (0.002, false) } else { (about(0.02, random), true) }
                };
                let mut callers = Callers::new(0, Some(Search::new()), &process);
                callers.run_at(rate, 30);
                let (_, delayed) = callers.run_at(rate, 120);
                let limit = callers.search.unwrap().accepted;
                assert!(
                    limit >= START && delayed < 0.12,
                    "{share} of {rate} calls/s fail: limit {limit}, {delayed:.3} delayed"
                );
            }
        }
    }

    #[test]
    fn few_calls_of_a_fixed_rate_are_rejected_by_a_service_that_sheds_load() {
        for (capacity, load) in [(4, 0.8), (4, 1.5), (8, 0.8), (8, 0.95), (8, 1.05), (24, 0.95), (24, 1.5)] {
            for time in [0.001, 0.02] {
                let process = |processed: usize, _: f64, random: &mut Rng| {
                    if processed > capacity { (time, false) } else { (about(0.02, random), true) }
                };
                let rate = load * f64::from(u32::try_from(capacity).unwrap()) / 0.02;
                let mut callers = Callers::new(0, Some(Search::new()), &process);
                callers.run_at(rate, 30);
                let (rejected, _) = callers.run_at(rate, 120);
                assert!(
                    rejected < 0.02,
                    "{load} of the capacity of {capacity}, rejected in {time} s: {rejected:.3} rejected"
                );
            }
        }
    }

    #[test]
    fn a_limit_that_relieved_the_service_grows_again_when_it_recovers() {
        let process = |processed: usize, now: f64, random: &mut Rng| {
            if processed > 8 && now < 60.0 { (0.001, false) } else { (about(0.02, random), true) }
        };
        let mut callers = Callers::new(0, Some(Search::new()), &process);
        callers.run_at(300.0, 60);
        let relieved = callers.search.as_ref().unwrap().accepted;
        callers.run_at(300.0, 240);
        assert_eq!((relieved <= 9, callers.search.unwrap().accepted), (true, START), "{relieved}");
    }

    #[test]
    fn bursts_take_no_longer_than_with_the_first_limit() {
        let process = |_: usize, _: f64, random: &mut Rng| (about(0.1, random), true);
        let mut callers = Callers::new(0, Some(Search::new()), &process);
        let times = (0..100).map(|number| callers.burst(500, Duration::from_secs(2) * number));
        let mean = times.sum::<Duration>().as_secs_f64() / 100.0;
        assert!(mean < 1.1 * 0.1 * 500.0 / 32.0, "{mean:.3}");
    }

    #[test]
    fn the_limit_is_lowered_only_after_two_overloaded_windows() {
        let process = |_: usize, now: f64, random: &mut Rng| {
            if now < 1.0 { (about(0.02, random), random.f64() > 0.3) } else { (about(0.02, random), true) }
        };
        let mut callers = Callers::new(64, Some(Search::new()), &process);
        let mut limits = Vec::new();
        while callers.succeeded < 470 {
            callers.end_call(true);
            limits.push(callers.search.as_ref().unwrap().limit());
        }
        limits.dedup();
        assert_eq!((limits, callers.succeeded >= 400), (vec![START, 24], true));
    }

    #[test]
    fn a_greater_limit_without_a_successful_call_is_given_up() {
        let (mut search, mut now) = (Search::new(), Instant::now());
        let mut limits = Vec::new();
        for _ in 0..1_000 {
            now += Duration::from_millis(1);
            let limit = search.limit();
            let outcome = if limit > START { CallOutcome::Overload } else { CallOutcome::Success };
            search.ended(now, outcome, limit);
            limits.push(limit);
        }
        limits.dedup();
        assert_eq!(limits, [START, 64, 48, 40, 36, 34, START / 2, START]);
    }

    #[test]
    fn without_any_successful_call_the_limit_stays() {
        let mut callers = Callers::new(64, Some(Search::new()), &|_, _, _| (0.002, false));
        callers.run(10);
        assert_eq!(callers.search.unwrap().limit(), START);
    }
}
