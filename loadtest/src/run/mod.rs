//! One run, from the options to the report.
//!
//! The service is asked once before any user starts: goose would load an address where nothing listens for
//! the whole run time.

pub(crate) mod criteria;
mod open_files;
pub(crate) mod plan;
mod results;
mod service;

use crate::Exit;
use crate::checks::ledger::Ledger;
use crate::checks::payload::Filler;
use crate::cleanup::leftover_check::audit;
use crate::cleanup::orphans::{self, Cleaned};
use crate::cli::{Cli, Command, Rates};
use crate::client::{Client, EitherTransport, HttpClient, RetryingClient, client};
use crate::distributed::command::merge;
use crate::executors::arrival_rate::{ArrivalRateExecutor, SearchResult};
use crate::executors::arrivals::{Arrivals, arrivals};
use crate::executors::goose_attack::{TestStart, attack, explain, own_run_time, panicked};
use crate::executors::shared::{GooseClientConfig, IterationCounts, Load};
use crate::executors::stop::Stop;
use crate::format as text;
use crate::metrics::recorder::Recorder;
use crate::metrics::resource_usage::Usage;
use crate::metrics::{self, Ending, Record};
use crate::output::progress::ProgressLine;
use crate::output::{CannotWrite, DEFAULT_FILE, Format, Report};
use crate::scenarios::{Options, Scenario};
use criteria::{judge_of_steps, rules};
use goose::GooseError;
use goose::config::{GooseConfiguration, RUN_FOLDER};
use goose::metrics::GooseMetrics;
use plan::{Pacing, Plan};
use results::{Run, RunDetails, record};
use service::Service;
use sessions_client::{ClientConfig, HyperTransport, Policies};
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::task::JoinError;

/// The longest that a call takes, if nobody says.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often a call that cleans up is repeated.
const RETRIES: u32 = 3;

/// Why there was no load at all.
#[derive(Debug)]
pub struct CouldNotRun(pub(crate) String);

impl fmt::Display for CouldNotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CouldNotRun {}

/// What was asked for, and done.
#[derive(Debug)]
pub enum Outcome {
    /// A load, which is judged; and why its report could not be written, where that is so.
    Loaded(Box<Report>, Vec<CannotWrite>),
    /// The records of several workers were put together.
    Merged(Box<Report>),
    /// The sessions of a run were removed, or as many of them as could be.
    Cleaned(Cleaned),
    /// What a dry run says.
    Told(String),
    /// goose was asked to print or convert something.
    Printed,
}

impl Outcome {
    /// How the program is to end.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Loaded(report, unwritten) => match report.exit() {
                Exit::Passed if !unwritten.is_empty() => Exit::Failed,
                exit => exit,
            },
            Self::Merged(report) => report.exit(),
            Self::Cleaned(cleaned) if !cleaned.complete => Exit::Failed,
            Self::Cleaned(_) | Self::Told(_) | Self::Printed => Exit::Passed,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loaded(report, _) | Self::Merged(report) => report.fmt(f),
            Self::Cleaned(cleaned) => writeln!(f, "{cleaned}"),
            Self::Told(text) => f.write_str(text),
            Self::Printed => Ok(()),
        }
    }
}

/// Does what `cli` says.
///
/// # Errors
///
/// When no load could be made: the options contradict each other, or the service cannot be reached.
pub async fn run(cli: Cli) -> Result<Outcome, CouldNotRun> {
    match &cli.command {
        Some(Command::Clean(options)) => {
            let service = Service::at(Some(&options.host), None).await?;
            service.consent(options.yes)?;
            let client = retrying_client(&service)?;
            service.must_answer(&client).await?;
            let told = |cleaned: &Cleaned| text::tell(cleaned);
            orphans::clean(&client, &options.run, options.most, told)
                .await
                .map(Outcome::Cleaned)
                .map_err(|error| CouldNotRun(format!("cleaning broke off: {error}")))
        }
        Some(Command::Merge(options)) => merge(options)
            .map(|report| Outcome::Merged(Box::new(report)))
            .map_err(|error| CouldNotRun(error.to_string())),
        None if cli.makes_no_load() => print(cli.goose).await,
        None => load(cli).await,
    }
}

/// Lets goose print or convert what it was asked for, for which it wants an address all the same.
async fn print(mut goose: GooseConfiguration) -> Result<Outcome, CouldNotRun> {
    goose.host.get_or_insert_with(|| "http://127.0.0.1".to_owned());
    goose.users.get_or_insert(1);
    let attack = goose::GooseAttack::initialize_with_config(goose);
    let attack = attack.map_err(|error| CouldNotRun(explain(&error)))?;
    let scenarios = Scenario::ALL.into_iter();
    let attack = scenarios.fold(attack, |attack, scenario| {
        attack.register_scenario(goose::goose::Scenario::new(scenario.name()))
    });
    let printed = Box::pin(attack.execute()).await;
    printed.map(|_| Outcome::Printed).map_err(|error| CouldNotRun(explain(&error)))
}

async fn load(mut cli: Cli) -> Result<Outcome, CouldNotRun> {
    let timeout = cli.goose.timeout.as_deref().map(timeout).transpose()?;
    let service = Service::at(cli.goose.host.as_deref(), timeout).await?;
    let plan = Plan::of(&mut cli, timeout.unwrap_or(TIMEOUT))?;
    let files = report_files(&cli.goose)?;
    let consent = service.consent(cli.conduct.yes);
    if cli.conduct.dry_run {
        return Ok(Outcome::Told(plan.dry_run(&cli, &service, consent)));
    }
    consent?;
    open_files::raise(plan.most_users(), service.is_embedded()).map_err(CouldNotRun)?;
    let stop = Stop::default();
    stop.on_signals().map_err(|error| CouldNotRun(format!("signals cannot be caught: {error}")))?;
    let client = own_client(&service)?;
    service.must_answer(&client).await?;
    service.identify().await;

    let (arrival_sender, arrivals) = arrivals(plan.share, stop.clone());
    let is_open = !matches!(plan.pacing, Pacing::Closed);
    let mut model = plan.model();
    let load = Arc::new(shared(&cli, &plan, &service, client, stop.clone(), is_open.then_some(arrivals)));
    let search_result = Arc::<Mutex<SearchResult>>::default();
    let rules = rules(&cli, &plan, &service);
    let baseline = cli.judge.read_baseline().map_err(|error| CouldNotRun(format!("--baseline {error}")))?;
    let before = Usage::now();
    let template = record(
        &Run { load: &load, plan: &plan, service: &service, before, used: before },
        RunDetails {
            model: model.clone(),
            audit: metrics::Audit::default(),
            ending: Ending::InProgress,
            rules: rules.clone(),
        },
    );
    if let Some(baseline) = &baseline {
        baseline.is_comparable(&template).map_err(|why| CouldNotRun(format!("--baseline: {why}")))?;
    }
    let executor = is_open.then(|| ArrivalRateExecutor {
        arrivals: arrival_sender,
        pacing: plan.pacing.clone(),
        load: Arc::clone(&load),
        judge: judge_of_steps(template.clone()),
        search_result: Arc::clone(&search_result),
        lanes: plan.users.unwrap_or_default(),
        graceful_stop: plan.timeout,
    });
    let announced = announce(&files, &template)?;
    let mut goose = cli.goose.clone();
    goose.report_file.clone_from(&cli.conduct.goose_report);
    // For goose the address is a name in its tables, where credentials do not belong.
    goose.host = Some(service.shown.clone());
    if matches!(plan.pacing, Pacing::FindLimit { .. }) || cli.conduct.worker.is_some() {
        // Thresholds end a step of the search, not the run; and those of several workers are for all of them together.
        goose.threshold.clear();
    }
    let test_start = Arc::new(TestStart {
        load: Arc::clone(&load),
        start_at: cli.conduct.start_at,
        executor: Mutex::new(executor),
        run_time: own_run_time(&mut goose),
        refused: OnceLock::new(),
    });
    let progress = ProgressLine::show(&load);
    // goose panics when it prints and nobody reads any more; what its users have opened is there all the same.
    let ended = tokio::spawn(attack(goose, Arc::clone(&test_start))).await;
    drop(progress);
    let used = Usage::now();
    let ended = match test_start.refused.get() {
        Some(why) => Err(CouldNotRun(why.clone())),
        None => ending(ended, &load),
    };
    // A record of a run that never was would hold up the merge of the others.
    let ending = ended.inspect_err(|_| announced.iter().for_each(|file| drop(fs::remove_file(file))))?;
    stop.end();
    load.drain(plan.timeout).await;
    let audit = audit(&load, retrying_client(&service)?).await;
    search_result.lock().unwrap_or_else(PoisonError::into_inner).clone().complete(&mut model);
    let run = Run { load: &load, plan: &plan, service: &service, before, used };
    let record = record(&run, RunDetails { model, audit, ending, rules });
    let mut report = Report::new(record, baseline.as_ref());
    let unwritten: Vec<_> = files.iter().filter_map(|file| report.write(file).err()).collect();
    for error in &unwritten {
        text::tell(error);
    }
    Ok(Outcome::Loaded(Box::new(report), unwritten))
}

/// What all users of the run share.
fn shared(
    cli: &Cli,
    plan: &Plan,
    service: &Service,
    client: Client,
    stop: Stop,
    arrivals: Option<Arrivals>,
) -> Load {
    Load {
        client: Arc::new(client),
        goose_client: (cli.conduct.client == HttpClient::Goose).then(|| GooseClientConfig {
            config: service.config.clone(),
            base: service.url.trim_end_matches('/').to_owned(),
            peer: service.shown.clone(),
        }),
        options: Options {
            stores: cli.scenarios.stores,
            calls: cli.scenarios.calls,
            read_ratio: cli.scenarios.read_ratio,
        },
        think_time: Duration::from_millis(cli.scenarios.think_time),
        filler: Filler::new(cli.scenarios.payload_shape, cli.scenarios.payload_bytes),
        verify: !cli.conduct.no_verify,
        announcement: format!("run {}: loading {service} with {}", plan.run, plan.load(&cli.goose)),
        run: plan.run.clone(),
        share: plan.share,
        recorder: Recorder::new(arrivals.is_some()),
        ledger: Ledger::default(),
        stop,
        arrivals,
        hot_session: tokio::sync::OnceCell::new(),
        iteration_counts: cli
            .scenarios
            .scenario
            .scenarios()
            .map(|(scenario, _)| (scenario, IterationCounts::default()))
            .collect(),
        iterations: 0.into(),
        users: 0.into(),
        sessions: 0.into(),
        in_flight: 0.into(),
        mix: cli.scenarios.scenario.clone(),
    }
}

/// How goose has ended, and why.
fn ending(
    ended: Result<Result<GooseMetrics, GooseError>, JoinError>,
    load: &Load,
) -> Result<Ending, CouldNotRun> {
    let mut ending = match ended {
        Ok(Err(GooseError::ThresholdsFailed { failed, .. })) => {
            failed.iter().find(|result| result.aborted).map_or(Ending::Planned, |result| Ending::Threshold {
                rule: format!("{}, observed {}", result.rule, result.observed),
            })
        }
        Ok(Ok(_)) => Ending::Planned,
        Ok(Err(error)) if load.recorder.calls() == 0 => return Err(CouldNotRun(explain(&error))),
        Ok(Err(error)) => Ending::Broken { why: explain(&error) },
        Err(error) => Ending::Broken { why: panicked(&error) },
    };
    // A missed threshold stops goose by its switch, and so does the end of an open load; what else does is a Ctrl-C that
    // went to goose, because its handler was there first.
    let by_switch = goose::is_killswitch_triggered()
        && !load.stop.is_planned()
        && !matches!(ending, Ending::Threshold { .. });
    if let Some(why) = load.stop.broken() {
        ending = Ending::Broken { why: why.to_owned() };
    } else if let Some(signal) = load.stop.signal() {
        ending = Ending::Signal { signal: signal.to_owned() };
    } else if by_switch {
        ending = Ending::Signal { signal: "SIGINT".to_owned() };
    }
    Ok(ending)
}

/// Where the report is written.
fn report_files(goose: &GooseConfiguration) -> Result<Vec<PathBuf>, CouldNotRun> {
    let named = goose.report_file.iter().map(|file| if file == RUN_FOLDER { DEFAULT_FILE } else { file });
    let mut files: Vec<_> = named.map(PathBuf::from).collect();
    if files.is_empty() {
        files.push(PathBuf::from(DEFAULT_FILE));
    }
    for file in &files {
        Format::of(file).map_err(|error| CouldNotRun(format!("--report-file {error}")))?;
    }
    Ok(files)
}

/// Makes sure that all reports can be written, before anything is sent, and writes those that programs read.
///
/// Who finds such a file later knows that the run was killed, and its name. The others stay as they are until there is
/// something to show.
fn announce<'f>(files: &'f [PathBuf], template: &Record) -> Result<Vec<&'f PathBuf>, CouldNotRun> {
    let (records, pages): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| Format::of(file) == Ok(Format::Json));
    for page in pages {
        let is_new = !page.exists();
        page.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::OpenOptions::new().create(true).append(true).open(page))
            .map_err(|error| CouldNotRun(format!("{}: cannot be written: {error}", page.display())))?;
        if is_new {
            let _ = fs::remove_file(page);
        }
    }
    let mut report = Report::new(template.clone(), None);
    for file in &records {
        report.write(file).map_err(|error| CouldNotRun(error.to_string()))?;
    }
    Ok(records)
}

fn own_client(service: &Service) -> Result<Client, CouldNotRun> {
    Ok(client(EitherTransport::Own(own_transport(&service.config)?), &service.config))
}

fn retrying_client(service: &Service) -> Result<RetryingClient, CouldNotRun> {
    let config = service.config.clone().with_retries(RETRIES);
    Ok(client(Policies::new(own_transport(&config)?, &config), &config))
}

fn own_transport(config: &ClientConfig) -> Result<HyperTransport, CouldNotRun> {
    HyperTransport::new(config).map_err(|error| CouldNotRun(format!("--host: {error}")))
}

/// goose's own rules for the same option: a positive number, decimals allowed.
fn timeout(seconds: &str) -> Result<Duration, CouldNotRun> {
    seconds
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|timeout| *timeout >= Duration::from_millis(1))
        .ok_or_else(|| CouldNotRun(format!("--timeout {seconds}: it must be a number of seconds above 0")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_a_number_of_seconds() {
        assert_eq!(timeout("0.5").unwrap(), Duration::from_millis(500));
        for wrong in ["0", "-1", "soon", "NaN", "1e300"] {
            let error = timeout(wrong).unwrap_err().to_string();
            assert_eq!(error, format!("--timeout {wrong}: it must be a number of seconds above 0"));
        }
    }
}
