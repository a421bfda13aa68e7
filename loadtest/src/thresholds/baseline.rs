//! Whether a run is slower than an earlier one.
//!
//! Percentiles of two runs differ by chance, those of few calls by a lot. So a percentile is compared only where
//! enough calls lie beyond it, and it has regressed only if it is too much slower and the ranks between which
//! chance would put it do not meet: those are known from the number of calls alone, whatever the times are like.

use super::held;
use crate::metrics::{Histogram, HttpClient, LoadModel, Record};
use serde::Serialize;

/// The percentiles that are compared. Beyond p99 only very long runs have anything to say.
const PERCENTILES: [f64; 3] = [50.0, 95.0, 99.0];

/// Calls beyond a percentile without which it says nothing.
const BEYOND: f64 = 10.0;

/// How many standard deviations a rank may be off by chance. Two runs that are further from each other than
/// this to either side differ by 3.3 of their difference, which is chance one time in a thousand.
const DEVIATIONS: f64 = 2.33;

/// An earlier run to compare with.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// Where it was read from.
    pub file: String,
    /// What it observed.
    pub record: Record,
}

/// What has become of each operation's percentiles.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The file of the earlier run.
    pub file: String,
    /// By operation, then by percentile.
    pub rows: Vec<Compared>,
}

/// A percentile then and now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The name of the route.
    pub operation: String,
    /// Such as 99.0.
    pub percentile: f64,
    /// In the earlier run, in microseconds.
    pub before_us: u64,
    /// In this run, in microseconds.
    pub now_us: u64,
    /// How much slower it is now, in percent of the time before.
    pub change: f64,
    /// What that means.
    pub meaning: Meaning,
}

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// No more than was allowed, or no more than by chance.
    Within,
    /// Too much slower.
    Regressed,
    /// There are too few calls to say.
    TooFewCalls,
}

impl Baseline {
    /// Whether a comparison with `record` says anything about the service.
    ///
    /// # Errors
    ///
    /// With the name of what differs, when the load was another one.
    pub fn is_comparable(&self, record: &Record) -> Result<(), String> {
        let Self { file, record: before } = self;
        let differs = |what: &str, before: String, now: String| {
            Err(format!("the baseline {file} was made with another load: {what} was {before} and is {now}"))
        };
        let mix = |record: &Record| {
            let scenarios = record.scenarios.iter();
            let scenarios: Vec<_> =
                scenarios.map(|scenario| format!("{}={}", scenario.name, scenario.weight)).collect();
            scenarios.join(",")
        };
        if mix(before) != mix(record) {
            return differs("the mix of scenarios", mix(before), mix(record));
        }
        if before.plan != record.plan {
            return differs("an iteration", format!("“{}”", before.plan), format!("“{}”", record.plan));
        }
        let client = |record: &Record| match record.client {
            HttpClient::Own => "the typed client's",
            HttpClient::Goose => "goose's",
        };
        if before.client != record.client {
            return differs("the HTTP client", client(before).to_owned(), client(record).to_owned());
        }
        let verified = |record: &Record| if record.verified { "on" } else { "off" };
        if before.verified != record.verified {
            let [before, now] = [before, record].map(|record| verified(record).to_owned());
            return differs("the check of what is read", before, now);
        }
        match (&before.load, &record.load) {
            (LoadModel::Closed { test_plan, .. }, LoadModel::Closed { test_plan: now, .. })
                if test_plan != now =>
            {
                let shown = |plan: &Option<String>| plan.clone().unwrap_or_else(|| "none".to_owned());
                differs("the test plan", shown(test_plan), shown(now))
            }
            (LoadModel::Closed { users, .. }, LoadModel::Closed { users: now, .. }) if users != now => {
                differs("the number of users", users.to_string(), now.to_string())
            }
            (LoadModel::Open { steps, .. }, LoadModel::Open { steps: now, .. })
                if steps.len() != now.len()
                    || !steps.iter().zip(now).all(|(step, now)| step.is_like(now)) =>
            {
                differs("the rate", LoadModel::rates(steps), LoadModel::rates(now))
            }
            (LoadModel::FindLimit { seconds, .. }, LoadModel::FindLimit { seconds: now, .. })
                if seconds.total_cmp(now).is_ne() =>
            {
                differs("the time of each rate", format!("{seconds} s"), format!("{now} s"))
            }
            (LoadModel::FindLimit { .. }, LoadModel::FindLimit { .. })
                if held(&before.rules) != held(&record.rules) =>
            {
                differs("what a rate has to hold", held(&before.rules), held(&record.rules))
            }
            (LoadModel::Closed { .. }, LoadModel::Closed { .. })
            | (LoadModel::Open { .. }, LoadModel::Open { .. })
            | (LoadModel::FindLimit { .. }, LoadModel::FindLimit { .. }) => Ok(()),
            (then, now) => differs("the load model", then.name().to_owned(), now.name().to_owned()),
        }
    }

    /// Compares the percentiles of the operations that both runs called.
    pub(super) fn compare(&self, record: &Record, max_regression: f64) -> Comparison {
        let operations = record.operations.iter().filter_map(|(name, operation)| {
            let before = self.record.operations.get(name)?;
            Some((name, before.latency(), operation.latency()))
        });
        let rows = operations
            .flat_map(|(name, before, now)| {
                PERCENTILES
                    .iter()
                    .filter_map(|percentile| compared(name, *percentile, before, now, max_regression))
            })
            .collect();
        Comparison { file: self.file.clone(), rows }
    }
}

fn compared(
    operation: &str,
    percentile: f64,
    before: &Histogram,
    now: &Histogram,
    max_regression: f64,
) -> Option<Compared> {
    let (before_us, now_us) = (before.percentile(percentile)?, now.percentile(percentile)?);
    #[expect(clippy::cast_precision_loss, reason = "a change is shown in percent")]
    let change = (now_us as f64 / before_us.max(1) as f64 - 1.0) * 100.0;
    let meaning = match (range(before, percentile), range(now, percentile)) {
        (Some((_, slowest_before)), Some((fastest_now, _))) => {
            if change > max_regression && fastest_now > slowest_before {
                Meaning::Regressed
            } else {
                Meaning::Within
            }
        }
        _ => Meaning::TooFewCalls,
    };
    Some(Compared { operation: operation.to_owned(), percentile, before_us, now_us, change, meaning })
}

/// The times between which chance would put a percentile; none where too few calls lie beyond it.
#[expect(clippy::cast_precision_loss, reason = "a number of calls")]
fn range(times: &Histogram, percentile: f64) -> Option<(u64, u64)> {
    let calls = times.count() as f64;
    let part = percentile / 100.0;
    if calls * (1.0 - part) < BEYOND {
        return None;
    }
    let off = DEVIATIONS * (part * (1.0 - part) / calls).sqrt() * 100.0;
    let (from, to) = ((percentile - off).max(0.0), (percentile + off).min(100.0));
    Some((times.percentile(from)?, times.percentile(to)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::sample::{self, Call};
    use crate::metrics::{RateStep, Scenario};

    fn baseline(record: Record) -> Baseline {
        Baseline { file: "before.json".to_owned(), record }
    }

    /// The same calls, `percent` of the time of each.
    fn scaled(calls: &[Call], percent: u64) -> Record {
        let mut calls = calls.to_vec();
        for call in &mut calls {
            call.micros = call.micros * percent / 100;
        }
        sample::record(&calls)
    }

    fn meanings(before: Record, now: &Record) -> Vec<Meaning> {
        baseline(before).compare(now, 20.0).rows.iter().map(|row| row.meaning).collect()
    }

    #[test]
    fn what_is_half_as_slow_again_has_regressed() {
        let calls = sample::calls(1, 60_000, 10);
        let comparison = baseline(scaled(&calls, 100)).compare(&scaled(&calls, 150), 20.0);
        assert_eq!(comparison.rows.len(), 18);
        for row in comparison.rows {
            assert_eq!(row.meaning, Meaning::Regressed, "{row:?}");
            assert!((row.change - 50.0).abs() < 2.0, "{row:?}");
        }
    }

    #[test]
    fn what_is_faster_or_hardly_slower_has_not() {
        let calls = sample::calls(1, 12_000, 10);
        for percent in [50, 100, 115] {
            let meanings = meanings(scaled(&calls, 100), &scaled(&calls, percent));
            assert!(meanings.iter().all(|meaning| *meaning == Meaning::Within), "{percent}: {meanings:?}");
        }
    }

    #[test]
    fn runs_that_differ_by_chance_alone_have_not_regressed() {
        let before = sample::record(&sample::calls(1, 12_000, 10));
        for seed in 2..20 {
            let meanings = meanings(before.clone(), &sample::record(&sample::calls(seed, 12_000, 10)));
            assert!(!meanings.contains(&Meaning::Regressed), "seed {seed}: {meanings:?}");
        }
    }

    #[test]
    fn few_calls_say_nothing_of_a_high_percentile() {
        // Of each operation about a hundred: ten and more beyond p50, five beyond p95.
        let calls = sample::calls(1, 600, 10);
        let comparison = baseline(scaled(&calls, 100)).compare(&scaled(&calls, 300), 20.0);
        for row in comparison.rows {
            let meaning = if row.percentile > 50.0 { Meaning::TooFewCalls } else { Meaning::Regressed };
            assert_eq!(row.meaning, meaning, "{row:?}");
        }
    }

    #[test]
    fn an_operation_that_only_one_run_called_is_not_compared() {
        let mut before = sample::record(&sample::calls(1, 600, 10));
        before.operations.remove("open_session");
        let mut now = sample::record(&sample::calls(2, 600, 10));
        now.operations.remove("get_session_by_id");
        assert_eq!(baseline(before).compare(&now, 20.0).rows.len(), 12);
    }

    #[test]
    fn a_baseline_of_another_load_is_refused_by_what_differs() {
        type Change = fn(&mut Record);
        let open = |rate| LoadModel::Open {
            steps: vec![RateStep { from: rate, to: rate, seconds: 10.0 }],
            lanes: 9,
        };
        let record = sample::record(&sample::calls(1, 60, 1));
        let changes: [(Change, &str); 7] = [
            (
                |record| record.load = LoadModel::Closed { users: 16, test_plan: None },
                "the number of users was 8 and is 16",
            ),
            (
                |record| record.load = LoadModel::Closed { users: 8, test_plan: Some("8,1s".to_owned()) },
                "the test plan was none and is 8,1s",
            ),
            (
                |record| record.load = LoadModel::Open { steps: Vec::new(), lanes: 9 },
                "the load model was closed and is open",
            ),
            (
                |record| {
                    record.scenarios.push(Scenario {
                        name: "browse".to_owned(),
                        weight: 2,
                        begun: 0,
                        iterations: 0,
                    });
                },
                "the mix of scenarios was lifecycle=1 and is lifecycle=1,browse=2",
            ),
            (
                |record| record.plan = "none".to_owned(),
                "an iteration was “lifecycle: open, 3 × store and read, \
             close, delete; 256 bytes a store” and is “none”",
            ),
            (
                |record| record.client = HttpClient::Goose,
                "the HTTP client was the typed client's and is goose's",
            ),
            (|record| record.verified = false, "the check of what is read was on and is off"),
        ];
        for (change, what) in changes {
            let mut now = record.clone();
            change(&mut now);
            let error = baseline(record.clone()).is_comparable(&now).unwrap_err();
            assert_eq!(error, format!("the baseline before.json was made with another load: {what}"));
        }
        let (mut before, mut now) = (record.clone(), record.clone());
        (before.load, now.load) = (open(10.0), open(20.0));
        let error = baseline(before).is_comparable(&now).unwrap_err();
        assert!(error.ends_with("the rate was 10/s for 10 s and is 20/s for 10 s"), "{error}");
        let (mut before, mut now) = (record.clone(), record.clone());
        (before.load, now.load) = (open(0.3), open(0.1 + 0.2));
        assert_ne!(before.load, now.load);
        assert_eq!(baseline(before).is_comparable(&now), Ok(()));
        assert_eq!(baseline(record.clone()).is_comparable(&record), Ok(()));
    }

    #[test]
    fn limits_compare_where_they_were_sought_by_the_same_rules() {
        type Change = fn(&mut Record);
        let mut record = sample::record(&sample::calls(1, 60, 1));
        record.load = LoadModel::FindLimit { steps: Vec::new(), seconds: 5.0, lanes: 9, limit: None };
        record.rules.thresholds = vec!["p99<100ms".to_owned()];
        let changes: [(Change, &str); 3] = [
            (
                |record| {
                    record.load =
                        LoadModel::FindLimit { steps: Vec::new(), seconds: 2.5, lanes: 9, limit: None }
                },
                "the time of each rate was 5 s and is 2.5 s",
            ),
            (
                |record| record.rules.thresholds = vec!["p99<20ms".to_owned()],
                "what a rate has to hold was p99<100ms and at most 0% of its calls fail and is p99<20ms and at \
                 most 0% of its calls fail",
            ),
            (
                |record| record.rules.max_error_rate = 1.0,
                "what a rate has to hold was p99<100ms and at most 0% of its calls fail and is p99<100ms and at \
                 most 1% of its calls fail",
            ),
        ];
        for (change, what) in changes {
            let mut now = record.clone();
            change(&mut now);
            let error = baseline(record.clone()).is_comparable(&now).unwrap_err();
            assert!(error.ends_with(what), "{error}");
        }
        assert_eq!(baseline(record.clone()).is_comparable(&record), Ok(()));
    }
}
