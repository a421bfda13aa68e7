//! The options of the load test that goose does not have.

use super::Hidden;
use super::rates::Rates;
use super::tags::Tag;
use crate::checks::payload::PayloadShape;
use crate::data::DataOrder;
use crate::distributed::{execution_segment, start_time};
use crate::executors::rate_limit::On429;
use crate::metrics::ExecutionSegment;
use crate::scenarios::{BuiltIn, ScenarioParams, ScenarioWeights};
use chrono::{DateTime, Utc};
use clap::builder::RangedU64ValueParser;
use clap::{Args, value_parser};
use std::path::PathBuf;
use std::time::Duration;

/// The maximum duration of a rate: longer ones exceed the clocks of some machines.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The maximum size of a payload: more than services accept, and a few of them fit in memory.
const MAX_PAYLOAD_BYTES: u64 = 100_000_000;

/// The maximum number of users: more than a process can have connections.
pub(crate) const MAX_USERS: u64 = 1_000_000;

/// The scenarios and their parameters.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Scenarios")]
pub struct ScenarioOptions {
    /// Scenario, or several with weights: lifecycle=3,browse=1 [default: lifecycle]
    ///
    /// lifecycle:   open, store and read (--stores), update the user, close, delete
    /// browse:      list a user's sessions by page and filter
    /// hot-session: all users read and write one session (--calls, --read-ratio)
    /// churn:       open and close; deleted after the run, so that sessions accumulate
    /// read-mostly: open, read and sometimes store (--calls, --read-ratio), close, delete
    #[arg(long, value_name = "WEIGHTS", verbatim_doc_comment, value_parser = scenario_weights)]
    pub scenario: Option<ScenarioWeights>,
    /// Stores in each session of lifecycle, each read back
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub stores: u32,
    /// Calls in each iteration of read-mostly and hot-session
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    pub calls: u32,
    /// Share of reads among those calls, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.9, value_parser = ratio)]
    pub read_ratio: f64,
    /// Size of stored data in bytes, plus a few that identify it
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = at_most(MAX_PAYLOAD_BYTES))]
    pub payload_bytes: usize,
    /// Shape of stored data
    #[arg(long, value_name = "SHAPE", value_enum, default_value_t = PayloadShape::Text)]
    pub payload_shape: PayloadShape,
    /// File with the data to store, in place of --payload-bytes: JSON lines (.jsonl) or CSV with a header row (.csv)
    ///
    /// Each line is a row. The columns `user_name`, `address`, `client` and `user` are those parts of a session. The column
    /// `data`, or all others, are its data, with the key `loadtest` added, by which responses are checked. Up to 100 MB
    /// and 1,000,000 rows.
    #[arg(long, value_name = "FILE")]
    pub data_file: Option<PathBuf>,
    /// Order in which rows are taken
    #[arg(long, value_name = "ORDER", value_enum, default_value_t, requires = "data_file")]
    pub data_order: DataOrder,
    /// Average pause between two calls of a user in milliseconds
    ///
    /// Each pause is half to one and a half times as long. The first call of an iteration has no pause. With
    /// 0 every user sends its next request as soon as it has a response.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub think_time: u64,
}

impl ScenarioOptions {
    /// The parameters of the scenarios of the sessions service.
    pub(crate) fn params(&self) -> ScenarioParams {
        ScenarioParams { stores: self.stores, calls: self.calls, read_ratio: self.read_ratio }
    }
}

/// The executor of the open model.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Arrival rate (open model)")]
pub struct ExecutorOptions {
    /// Start this many iterations per second, whether earlier ones have completed or not
    ///
    /// An iteration is a whole run of a scenario, such as the life of one session, not a single call. Latency
    /// counts from the moment when an iteration was due, so that a slow service cannot hide its queue.
    /// 50,100,200 are steps, 10..200 is a ramp. Without --rate the model is closed: each of --users starts
    /// its next iteration when the last one has ended. Latency then counts from the send, and hides the calls
    /// that a stall prevents (coordinated omission).
    #[arg(long, value_name = "RATES")]
    pub rate: Option<Rates>,
    /// Duration of each rate [default: --run-time in equal parts; with --breakpoint 5s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub step: Option<Duration>,
    /// Maximum number of concurrent iterations [default: four seconds of the highest rate]
    ///
    /// Each is a goose user, started before the run. An iteration that finds no free VU is delayed, and the
    /// report counts it. One that never finds any is dropped.
    #[arg(long, value_name = "N", value_parser = at_most(MAX_USERS))]
    pub pre_allocated_vus: Option<usize>,
    /// Search the highest rate that passes all criteria
    ///
    /// Starts with --rate [default: 50] after a warm-up, doubles it until a criterion fails, and halves the gap
    /// until it is below 5%. A rate that fails is tried once more before that counts. The criteria are --threshold, p99<100ms by default, and --max-error-rate.
    #[arg(long)]
    pub breakpoint: bool,
}

/// The conduct of the run.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub struct RunOptions {
    /// Time of load before the measured part of the run
    ///
    /// The calls of the warm-up have their own row in the report. No criterion judges them, except that wrong
    /// data fails the run. With --rate it has the first rate. A breakpoint search has a warm-up of one step.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub warm_up: Option<Duration>,
    /// Handling of calls that the service rejects with status 429, because it limits their rate
    ///
    /// With wait, a call is sent again after the delay in Retry-After, or without one after a random delay that grows up
    /// to 5 s. Reports show the delayed calls and the sum of the delays. A rejection is not a failure then, and the latency
    /// of a call is that of its last request; with --rate it still counts from the moment when the call was due.
    #[arg(long, value_name = "HANDLING", value_enum, default_value_t)]
    pub on_429: On429,
    /// Do not check responses
    ///
    /// Measures the cost of the checks. A service that loses all data passes without them.
    #[arg(long)]
    pub no_checks: bool,
    /// Allow a host that is not this machine
    ///
    /// Not needed for hosts in the variable `LOADTEST_ALLOWED_HOSTS`, separated by commas; .example.com
    /// allows all its subdomains.
    #[arg(long)]
    pub yes: bool,
    /// Time that calls in flight have to end when the run ends
    ///
    /// No call starts after the end of the run, and pauses are cut short. Calls without a response by then are
    /// given up and counted as interrupted, not as failed. A second signal gives them up at once.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time_limit)]
    pub graceful_stop: Duration,
    /// Time that the clean-up may take [default: 60s, or as long as the load if that is longer]
    ///
    /// The run fails if sessions are left by then, and the report has the command that deletes them.
    #[arg(long, value_name = "TIME", value_parser = time_limit)]
    pub cleanup_timeout: Option<Duration>,
    /// Print the planned run and exit
    #[arg(long)]
    pub dry_run: bool,
    /// Id of the test run, a part of its user ids [default: random]
    ///
    /// Up to 40 letters, digits, `_` and `.`. All workers of a run have the same id.
    #[arg(long, value_name = "ID", value_parser = test_run_id)]
    pub test_run_id: Option<String>,
    /// Tag of the run, such as build=4711, for all its reports and metrics; repeatable
    ///
    /// In metrics it is a resource attribute, which Prometheus shows as a label of `target_info`. All workers of a run
    /// have the same tags. A key that names a secret is rejected.
    #[arg(long, value_name = "KEY=VALUE")]
    pub tag: Vec<Tag>,
    /// Execute one segment of a run with several workers: 0/4 is the first of four
    ///
    /// The worker takes its part of --users or --rate, and has its own user ids. Needs --test-run-id and an
    /// address. `loadtest merge` merges the reports.
    #[arg(long, value_name = "I/N", value_parser = execution_segment::parse)]
    pub execution_segment: Option<ExecutionSegment>,
    /// Send the results to `loadtest merge --listen` at this address
    ///
    /// It must be reachable before the run. Needs --execution-segment.
    #[arg(long, value_name = "URL", requires = "execution_segment")]
    pub collector: Option<Hidden>,
    /// Start time: RFC 3339, or milliseconds since 1970
    ///
    /// All users are started before. It is an error if the time has passed by then, because the other workers
    /// have started.
    #[arg(long, value_name = "TIME", value_parser = start_time::parse)]
    pub start_at: Option<DateTime<Utc>>,
}

/// The output of goose, in addition to the report.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = super::GOOSE_OUTPUT)]
pub struct GooseOutputOptions {
    /// Print goose's tables in addition to the report
    ///
    /// goose divides by the planned duration in whole seconds, so that its rates differ from those of the
    /// report.
    #[arg(long)]
    pub goose_metrics: bool,
    /// Write goose's own report: .html, .md or .json; repeatable
    ///
    /// Its HTML loads its charts from the network.
    #[arg(long, value_name = "FILE")]
    pub goose_report: Vec<String>,
}

/// A parser for numbers up to a maximum.
pub(crate) fn at_most(max: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(..=max)
}

/// Parses weights of the scenarios of this crate. A load test with others has a parser for them.
fn scenario_weights(text: &str) -> Result<ScenarioWeights, String> {
    ScenarioWeights::parse(text, &BuiltIn::ALL.map(BuiltIn::name))
}

pub(crate) fn ratio(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_time(text)
        .filter(|step| (Duration::from_millis(100)..=MAX_DURATION).contains(step))
        .ok_or_else(|| "expected a time from 100 ms to 30 days, such as 30s or 1m".to_owned())
}

/// Parses a time limit.
pub(crate) fn time_limit(text: &str) -> Result<Duration, String> {
    parse_time(text)
        .filter(|limit| *limit <= MAX_DURATION)
        .ok_or_else(|| "expected a time up to 30 days, such as 30s or 2m".to_owned())
}

/// Parses a time: a number of seconds, or numbers with units.
pub(crate) fn parse_time(text: &str) -> Option<Duration> {
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| humantime::parse_duration(text).ok())
}

/// Parses the id of a test run, which contains no character that ends it within a user id.
pub(crate) fn test_run_id(text: &str) -> Result<String, String> {
    let is_valid = (1..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    if is_valid {
        Ok(text.to_owned())
    } else {
        Err("expected up to 40 letters, digits, `_` and `.`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;

    #[test]
    fn a_time_without_a_unit_is_in_seconds() {
        for args in [
            &["--graceful-stop", "30"][..],
            &["--cleanup-timeout", "30"],
            &["--rate", "5", "--step", "30"],
            &["--warm-up", "30"],
            &["--wait", "30"],
            &["--max-outage", "2"],
            &["merge", "--listen", "127.0.0.1:0", "--workers", "2", "--wait", "30"],
        ] {
            let parsed = Cli::parse_from(["loadtest"].iter().chain(args).copied());
            assert!(parsed.is_ok(), "{args:?}: {}", parsed.unwrap_err());
        }
        assert_eq!(duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(time_limit("1m 5s"), Ok(Duration::from_secs(65)));
    }

    #[test]
    fn times_out_of_range_are_rejected() {
        assert!(duration("0").is_err() && duration("99ms").is_err());
        assert!(time_limit("31d").is_err() && time_limit("-1").is_err() && time_limit("soon").is_err());
    }
}
