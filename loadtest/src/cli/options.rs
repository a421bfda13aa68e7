//! The options that are not goose's.

use super::rates::Rates;
use crate::checks::payload::Shape;
use crate::client::HttpClient;
use crate::distributed::execution_segment as share;
use crate::distributed::start_time;
use crate::metrics::Worker;
use crate::scenarios::Mix;
use chrono::{DateTime, Utc};
use clap::builder::RangedU64ValueParser;
use clap::{Args, value_parser};
use std::time::Duration;

/// The longest that a rate is kept: beyond it, the clocks of some machines end.
pub(crate) const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// More than a service takes, and little enough for a few to be in memory.
const MOST_BYTES: u64 = 100_000_000;

/// More users than a process has connections for.
pub(crate) const MOST_USERS: u64 = 1_000_000;

/// What a user does.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Scenarios")]
pub struct Scenarios {
    /// What users do: lifecycle, browse, hot-session, churn, read-mostly, or a mix
    ///
    /// A name, or several with weights: lifecycle=3,browse=1.
    /// lifecycle:   open, store and read (--stores), update the user, close, delete
    /// browse:      list a user's sessions by page and by filter, while sessions come and go
    /// hot-session: all users read and write one session (--calls, --read-ratio)
    /// churn:       open and close; deleted after the run, so that they pile up
    /// read-mostly: open, read and sometimes store (--calls, --read-ratio), close, delete
    #[arg(long, value_name = "MIX", default_value = "lifecycle", verbatim_doc_comment)]
    pub scenario: Mix,
    /// Stores in each session of lifecycle, each read back
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub stores: u32,
    /// Calls in each iteration of read-mostly and hot-session
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    pub calls: u32,
    /// Which part of those calls are reads, from 0 to 1
    #[arg(long, value_name = "PART", default_value_t = 0.9, value_parser = ratio)]
    pub read_ratio: f64,
    /// Size of what is stored, in bytes
    ///
    /// How many bytes each store holds, beside the few that say whose they are.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = up_to(MOST_BYTES))]
    pub payload_bytes: usize,
    /// How what is stored is built
    #[arg(long, value_name = "SHAPE", value_enum, default_value_t = Shape::Text)]
    pub payload_shape: Shape,
    /// Average pause between two calls of a user, in milliseconds
    ///
    /// How long a user thinks before each call but the first of an iteration: half to one and a half times this. With 0 every
    /// user calls as fast as the service answers.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub think_time: u64,
}

/// At which rate, in open load.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Open load")]
pub struct Pace {
    /// Begin this many iterations a second, whether those before are done or not
    ///
    /// An iteration is what --scenario says, such as the life of one session, not a single call. Latency counts from the
    /// moment when an iteration was due, so that a slow service cannot hide its queue. 50,100,200 are
    /// steps, 10..200 is a ramp. Without --rate the load is closed: each of --users begins the next iteration when the one before is done.
    #[arg(long, value_name = "RATES")]
    pub rate: Option<Rates>,
    /// How long each of the rates is kept [default: --run-time in equal parts, with --find-limit 5s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub step: Option<Duration>,
    /// Iterations that can be under way at the same time [default: four seconds of the highest rate]
    ///
    /// Each lane is a user of goose. An arrival that finds none waits for one; how often that was is part of the report.
    #[arg(long, value_name = "N", value_parser = up_to(MOST_USERS))]
    pub lanes: Option<usize>,
    /// Raise the rate until a threshold breaks, and tell the highest that is held
    ///
    /// Begins with --rate [default: 50], doubles until a threshold breaks, and halves the gap until it is below 5%.
    /// Judged by --threshold; without one, by a p99 below 100 ms and no failure.
    #[arg(long)]
    pub find_limit: bool,
}

/// How, where and by whom.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Run")]
pub struct Conduct {
    /// Whose HTTP client makes the calls
    #[arg(long, value_name = "CLIENT", value_enum, default_value_t = HttpClient::Own)]
    pub client: HttpClient,
    /// Do not compare what is read with what was written
    ///
    /// To learn what the comparison costs: without it, a service passes that loses everything.
    #[arg(long)]
    pub no_verify: bool,
    /// Load a host that is not this machine
    ///
    /// Not needed for hosts in the variable `LOADTEST_ALLOWED_HOSTS`, separated by commas; .example.com allows all
    /// hosts below it.
    #[arg(long)]
    pub yes: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write goose's own report as well: .html, .md or .json
    ///
    /// Its HTML loads its charts from the network. With --client goose its times end with the headers.
    #[arg(long, value_name = "FILE")]
    pub goose_report: Vec<String>,
    /// Name of the run, which is part of the user ids [default: at random]
    ///
    /// Up to 40 letters, digits, `_` and `.`. Workers of one run have the same.
    #[arg(long, value_name = "ID", value_parser = run_id)]
    pub run: Option<String>,
    /// Be one of several workers: 0/4 is the first of four
    ///
    /// It takes its share of --users or --rate and has user ids of its own. Needs --run and --host. The workers'
    /// reports are put together by loadtest merge.
    #[arg(long, value_name = "I/N", value_parser = share::parse)]
    pub worker: Option<Worker>,
    /// Begin at this time: RFC 3339, or milliseconds since 1970
    ///
    /// Users are made before. A time that has passed by then is refused, since the other workers have begun.
    #[arg(long, value_name = "TIME", value_parser = start_time::parse)]
    pub start_at: Option<DateTime<Utc>>,
}

/// A number that is no mistake in typing.
pub(crate) fn up_to(most: u64) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(..=most)
}

fn ratio(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or_else(|| "it must be a number from 0 to 1".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .ok()
        .filter(|step| (Duration::from_millis(100)..=LONGEST).contains(step))
        .ok_or_else(|| "it must be a time from 100 ms to 30 days, such as 30s or 1m".to_owned())
}

/// What belongs into a user id, and ends where the run's name ends.
pub(crate) fn run_id(text: &str) -> Result<String, String> {
    let is_fit = (1..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    if is_fit {
        Ok(text.to_owned())
    } else {
        Err("it must be up to 40 letters, digits, `_` and `.`".to_owned())
    }
}
