//! The errors of comparisons, counted over a hundred pairs of simulated runs each.
//!
//! The services have a long tail, and the machine has the kinds of noise that break the assumption of
//! independent calls: phases (an autoregressive process, whose mean differs from run to run as well), bursts,
//! and pauses of all calls. A quarter of the pairs has no noise but that of independent calls, the others have
//! one kind each.

use super::comparison::{self, Assessment, Comparison};
use crate::metrics::sample;
use crate::metrics::{Histogram, OperationMetrics, Results};
use fastrand::Rng;
use std::f64::consts::TAU;
use std::fmt::Write;

const PAIRS: u64 = 100;
const SECONDS: f64 = 20.0;
const LIMIT_PERCENT: f64 = 20.0;

/// The operations, with the typical time of a call in microseconds.
const OPERATIONS: [(&str, f64); 3] =
    [("get_session_by_id", 400.0), ("open_session", 900.0), ("store_session_data", 700.0)];

/// The factors by which the second service is slower.
const FACTORS: [f64; 5] = [1.0, 1.1, 1.2, 1.5, 10.0];

/// The calls of each operation.
const CALLS: [u32; 3] = [10, 100, 10_000];

/// A number from the normal distribution.
fn normal(random: &mut Rng) -> f64 {
    (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (TAU * random.f64()).cos()
}

/// The noise of a machine: the factor of the time of a call, and the seconds that it waits in addition.
struct Noise {
    /// In steps of a twentieth of a second.
    factors: Vec<f64>,
    /// The start and the duration.
    pauses: Vec<(f64, f64)>,
}

const STEPS_PER_SECOND: f64 = 20.0;

impl Noise {
    fn none() -> Self {
        let steps = (0..).map(f64::from).take_while(|step| *step <= SECONDS * STEPS_PER_SECOND);
        Self { factors: steps.map(|_| 1.0).collect(), pauses: Vec::new() }
    }

    /// Phases of about two seconds, and of more than a run.
    fn phases(random: &mut Rng) -> Self {
        const KEPT: f64 = 0.975;
        let mut noise = Self::none();
        let of_run = 0.04 * normal(random);
        let mut phase = normal(random);
        for factor in &mut noise.factors {
            phase = KEPT * phase + (1.0_f64 - KEPT * KEPT).sqrt() * normal(random);
            *factor = (of_run + 0.12 * phase).exp();
        }
        noise
    }

    fn bursts(random: &mut Rng) -> Self {
        let mut noise = Self::none();
        let mut left = (0, 1.0);
        for factor in &mut noise.factors {
            if left.0 == 0 && random.f64() < 0.005 {
                left = (random.u32(4..16), 2.0 + 2.0 * random.f64());
            }
            if left.0 > 0 {
                left.0 -= 1;
                *factor = left.1;
            }
        }
        noise
    }

    /// A pause about every second.
    fn pauses(random: &mut Rng) -> Self {
        let mut noise = Self::none();
        let mut at = 0.0;
        while at < SECONDS {
            at += 0.5 + random.f64();
            noise.pauses.push((at, 0.01 + 0.04 * random.f64()));
        }
        noise
    }

    fn of_kind(kind: u64, random: &mut Rng) -> Self {
        match kind % 4 {
            0 => Self::none(),
            1 => Self::phases(random),
            2 => Self::bursts(random),
            _ => Self::pauses(random),
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    fn factor(&self, at: f64) -> f64 {
        self.factors[(at * STEPS_PER_SECOND) as usize]
    }

    fn wait(&self, at: f64) -> f64 {
        let pause = self.pauses.iter().find(|(start, length)| (*start..start + length).contains(&at));
        pause.map_or(0.0, |(start, length)| start + length - at)
    }
}

/// The seconds after the start and the microseconds of each call, by operation.
type Calls = Vec<Vec<(f64, f64)>>;

fn calls(random: &mut Rng, noise: &Noise, count: u32) -> Calls {
    let mut call = |typical: f64, number: u32| {
        let at = (f64::from(number) + random.f64()) * SECONDS / f64::from(count);
        let tail = if random.f64() < 0.02 { 5.0 } else { 1.0 };
        let time = typical * (0.35 * normal(random)).exp() * tail * noise.factor(at);
        (at, time + noise.wait(at) * 1e6)
    };
    OPERATIONS.map(|(_, typical)| (0..count).map(|number| call(typical, number)).collect()).into()
}

/// The results of a run of a service that is slower by a factor.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive times")]
fn results(calls: &Calls, factor: f64, started_ms: u64) -> Results {
    let mut results = sample::results(&[]);
    for ((name, _), calls) in OPERATIONS.iter().zip(calls) {
        let mut operation = OperationMetrics::default();
        for calls in calls.chunk_by(|one, other| (one.0 * 8.0) as u64 == (other.0 * 8.0) as u64) {
            let block: Histogram = calls.iter().map(|(_, micros)| (micros * factor) as u64).collect();
            operation.blocks.add(started_ms + (calls[0].0 * 1e3) as u64, &block);
            operation.service_time.merge(&block);
        }
        operation.calls = operation.service_time.count();
        results.operations.insert((*name).to_owned(), operation);
    }
    results
}

/// Returns whether a run would fail, pass or be inconclusive: 0, 1 or 2.
fn outcome(comparison: &Comparison) -> usize {
    let is_any = |wanted| comparison.rows.iter().any(|row| row.assessment == wanted);
    match () {
        () if is_any(Assessment::Regressed) => 0,
        () if is_any(Assessment::Inconclusive) || !comparison.is_possible() => 2,
        () => 1,
    }
}

/// The outcomes by the number of calls, then by the factor.
type Outcomes = [[[u64; 3]; FACTORS.len()]; CALLS.len()];

fn count(
    pair: impl Fn(&mut Rng, u64, u32) -> [Calls; 2],
    compare: impl Fn(&Results, &Results) -> Comparison,
) -> Outcomes {
    const STARTED_MS: u64 = 1_764_072_000_000;
    let mut outcomes = Outcomes::default();
    for (count, outcomes) in CALLS.iter().zip(&mut outcomes) {
        for number in 0..PAIRS {
            let mut random = Rng::with_seed(number);
            let [before, now] = pair(&mut random, number, *count);
            let before = results(&before, 1.0, STARTED_MS);
            for (factor, outcomes) in FACTORS.iter().zip(&mut *outcomes) {
                let now = results(&now, *factor, STARTED_MS);
                outcomes[outcome(&compare(&before, &now))] += 1;
            }
        }
    }
    outcomes
}

fn table(outcomes: &Outcomes) -> String {
    let mut table = "calls   slower  regressed  passed  inconclusive\n".to_owned();
    for (calls, outcomes) in CALLS.iter().zip(outcomes) {
        for (factor, [regressed, passed, inconclusive]) in FACTORS.iter().zip(outcomes) {
            let slower =
                if *factor < 2.0 { format!("+{:.0}%", (factor - 1.0) * 100.0) } else { format!("x{factor}") };
            writeln!(table, "{calls:<7} {slower:<6} {regressed:>10} {passed:>7} {inconclusive:>13}").unwrap();
        }
    }
    table
}

/// Checks the errors that the method states.
#[track_caller]
fn assert_errors(outcomes: &Outcomes) {
    for outcomes in outcomes {
        for (factor, [regressed, passed, _]) in FACTORS.iter().zip(outcomes) {
            let is_within = (factor - 1.0) * 100.0 <= LIMIT_PERCENT + 1e-9;
            assert!(
                !is_within || *regressed <= 5,
                "{regressed} alarms:\n{}",
                table(&[*outcomes; CALLS.len()])
            );
            assert!(*factor < 10.0 || *passed == 0, "{passed} passed:\n{}", table(&[*outcomes; CALLS.len()]));
        }
    }
}

#[test]
fn comparisons_with_a_baseline_have_the_stated_error() {
    let pair = |random: &mut Rng, kind, count| {
        let noise = [Noise::of_kind(kind, random), Noise::of_kind(kind, random)];
        noise.map(|noise| calls(random, &noise, count))
    };
    let outcomes = count(pair, |before, now| {
        comparison::compare(vec!["before.json".to_owned()], &[before], now, LIMIT_PERCENT, false)
    });
    insta::assert_snapshot!(table(&outcomes));
    assert_errors(&outcomes);
}

#[test]
fn comparisons_at_the_same_time_have_the_stated_error() {
    let pair = |random: &mut Rng, kind, count| {
        let noise = Noise::of_kind(kind, random);
        [(); 2].map(|()| calls(random, &noise, count))
    };
    let outcomes = count(pair, |before, now| {
        comparison::compare(vec!["a".to_owned()], &[before], now, LIMIT_PERCENT, true)
    });
    insta::assert_snapshot!(table(&outcomes));
    assert_errors(&outcomes);
}
