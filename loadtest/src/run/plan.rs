//! The plan of a run, computed from the options: for the executor, for the report, and for `--dry-run`.

use super::criteria::{check_thresholds, scope_names};
use super::service::Service;
use super::threshold_abort::AbortThresholds;
use crate::checks::payload::PayloadShape;
use crate::cli::{Cli, MAX_DURATION, Rates, ScenarioOptions, all_at_once};
use crate::data::{DataFile, DataOrder};
use crate::error::LoadTestError;
use crate::executors::ExecutorConfig;
use crate::executors::schedule::Schedule;
use crate::executors::shared::user_id_prefix;
use crate::faults::{self, Fault};
use crate::format::{count, counted};
use crate::metrics::{ExecutionSegment, LoadModel, RateStep};
use crate::output::progress::Planned;
use crate::scenarios::{ScenarioWeights, Weighted};
use crate::workload::Workload;
use goose::config::GooseConfiguration;
use goose::util::parse_timespan;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The first rate of a breakpoint search, in iterations per second.
const FIRST_RATE: f64 = 50.0;

/// The duration of each rate in a breakpoint search.
const BREAKPOINT_STEP: Duration = Duration::from_secs(5);

/// The duration of a run in the open model.
const RUN_TIME: Duration = Duration::from_secs(10);

/// The default number of VUs suffices while the service does not respond for this many seconds at the highest
/// rate.
const VU_SECONDS: f64 = 4.0;

/// The default number of VUs of a breakpoint search, whose highest rate is unknown.
const BREAKPOINT_VUS: usize = 2_000;

/// The maximum default number of VUs.
const MAX_DEFAULT_VUS: usize = 4_000;

/// The plan of a run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) test_run_id: String,
    pub(crate) segment: ExecutionSegment,
    /// The number in all user ids: that of the worker, or in a comparison that of the service.
    pub(crate) id_number: u32,
    pub(crate) executor: ExecutorConfig,
    /// The users or pre-allocated VUs of this worker; `None` if goose's test plan sets them.
    pub(crate) users: Option<usize>,
    /// The time before the measured part of the run.
    pub(crate) warm_up: Duration,
    pub(crate) weights: ScenarioWeights,
    /// The planned duration; `None` if iterations end the run.
    pub(crate) planned: Option<Duration>,
    /// The calls of an iteration, in words.
    pub(crate) iteration: String,
    /// goose's test plan as it was typed.
    pub(super) goose_steps: Option<String>,
    /// The thresholds that can abort the run.
    pub(super) abort_thresholds: AbortThresholds,
    /// The faults that are injected.
    pub(super) faults: Vec<Fault>,
    /// The rows of `--data-file`.
    pub(super) data: Option<Arc<DataFile>>,
}

impl Plan {
    /// Computes the plan, and sets the options of goose that follow from it.
    pub(crate) fn new(cli: &mut Cli, workload: &dyn Workload) -> Result<Self, LoadTestError> {
        let segment = cli.run.execution_segment.unwrap_or(ExecutionSegment::WHOLE);
        if cli.goose.users == Some(0) {
            return Err(LoadTestError::Option("--users 0 makes no load: give at least 1".to_owned()));
        }
        let run_time = run_time(&cli.goose)?;
        let executor = executor_config(cli, run_time);
        let users = users(cli, &executor, segment);
        if users == Some(0) {
            let ExecutionSegment { index, of } = segment;
            return Err(LoadTestError::Option(format!(
                "worker {index} of {of} has no user: there are more workers than users or pre-allocated VUs"
            )));
        }
        let planned = planned(&executor, &cli.goose);
        let goose = &mut cli.goose;
        goose.users = users;
        if executor.is_open_model() {
            // The executor ends the run after the last iteration.
            goose.run_time = None;
            goose.increase_rate = users.map(all_at_once);
        }
        let weights = cli.scenarios.scenario.clone().unwrap_or_else(|| workload.default_weights());
        let warm_up = cli.run.warm_up.unwrap_or(match &executor {
            ExecutorConfig::Breakpoint { step, .. } => *step,
            ExecutorConfig::ConstantUsers | ExecutorConfig::ArrivalRate(_) => Duration::ZERO,
        });
        let data = cli.scenarios.data_file.as_deref();
        let data = data.map(|path| DataFile::read(path, workload.contract().is_sessions)).transpose();
        let data = data.map_err(LoadTestError::Option)?.map(Arc::new);
        let mut plan = Self {
            test_run_id: cli.run.test_run_id.clone().unwrap_or_else(random_id),
            segment,
            id_number: segment.index,
            executor,
            users,
            warm_up,
            planned,
            iteration: describe_iteration(&cli.scenarios, &weights, data.as_deref(), workload),
            weights,
            goose_steps: cli.test_plan.clone(),
            abort_thresholds: AbortThresholds::default(),
            faults: cli.faults.all(),
            data,
        };
        faults::check(&plan.faults, plan.planned)?;
        let names = scope_names(&plan, &cli.scenarios, workload);
        let thresholds = check_thresholds(&cli.goose.threshold, &names)?;
        plan.abort_thresholds = AbortThresholds::new(cli, &plan.executor, thresholds)?;
        Ok(plan)
    }

    /// The maximum number of concurrent users or VUs.
    pub(crate) fn max_users(&self) -> usize {
        self.users.unwrap_or_else(|| self.goose_steps.as_deref().map_or(0, max_users_of_test_plan))
    }

    /// The parts of the run whose progress is shown.
    pub(super) fn progress(&self) -> Planned {
        let steps = match &self.executor {
            ExecutorConfig::ArrivalRate(steps) => steps.clone(),
            ExecutorConfig::ConstantUsers | ExecutorConfig::Breakpoint { .. } => Vec::new(),
        };
        Planned { warm_up: self.warm_up, duration: self.planned, steps }
    }

    /// The number of steps of the rate; 0 without one.
    pub(crate) fn steps(&self) -> usize {
        match &self.executor {
            ExecutorConfig::ArrivalRate(steps) => steps.len(),
            ExecutorConfig::ConstantUsers | ExecutorConfig::Breakpoint { .. } => 0,
        }
    }

    /// The load model of the results, without the outcome of a breakpoint search.
    pub(crate) fn load_model(&self) -> LoadModel {
        let users = self.max_users() as u64;
        match &self.executor {
            ExecutorConfig::ConstantUsers => LoadModel::Closed { users, test_plan: self.goose_steps.clone() },
            ExecutorConfig::ArrivalRate(steps) => {
                let part = 1.0 / f64::from(self.segment.of);
                let steps = steps.iter().map(|step| RateStep {
                    from: step.from * part,
                    to: step.to * part,
                    seconds: step.seconds,
                });
                LoadModel::Open { steps: steps.collect(), pre_allocated_vus: users }
            }
            ExecutorConfig::Breakpoint { step, .. } => LoadModel::Breakpoint {
                steps: Vec::new(),
                step_seconds: step.as_secs_f64(),
                pre_allocated_vus: users,
                sustained_rate: None,
            },
        }
    }

    /// The message at the start of the run.
    pub(crate) fn announcement(&self, goose: &GooseConfiguration, service: &Service) -> String {
        format!("test run {}: loading {service} with {}", self.test_run_id, self.describe_load(goose))
    }

    /// The load, in words.
    fn describe_load(&self, goose: &GooseConfiguration) -> String {
        let load = self.describe_measured(goose);
        if self.warm_up.is_zero() { load } else { format!("{load}, after {:?} of warm-up", self.warm_up) }
    }

    fn describe_measured(&self, goose: &GooseConfiguration) -> String {
        let vus = || counted(self.max_users() as u64, "pre-allocated VU", "pre-allocated VUs");
        match &self.executor {
            ExecutorConfig::ConstantUsers => self.describe_users(goose),
            ExecutorConfig::ArrivalRate(steps) => {
                let iterations = count(iterations(&Schedule::new(steps)));
                format!("iterations at {}, about {iterations} in all, {}", LoadModel::rates(steps), vus())
            }
            ExecutorConfig::Breakpoint { from, step } => {
                format!("a rate that rises from {from}/s, {} s per rate, {}", step.as_secs_f64(), vus())
            }
        }
    }

    fn describe_users(&self, goose: &GooseConfiguration) -> String {
        let users = match self.users {
            Some(users) => counted(users as u64, "user", "users"),
            None => "the users of the test plan".to_owned(),
        };
        match (&goose.run_time, goose.iterations) {
            (Some(time), _) if time.bytes().all(|byte| byte.is_ascii_digit()) => {
                format!("{users} for {time} s")
            }
            (Some(time), _) => format!("{users} for {time}"),
            (None, Some(each)) => {
                format!("{users}, {} each", counted(each as u64, "iteration", "iterations"))
            }
            (None, None) => users,
        }
    }

    /// The whole plan, for `--dry-run`.
    pub(crate) fn dry_run(
        &self,
        cli: &Cli,
        service: &Service,
        allowed: Result<(), LoadTestError>,
        workload: &dyn Workload,
    ) -> String {
        let not_allowed =
            allowed.err().map(|reason| format!("\n           not allowed: {reason}")).unwrap_or_default();
        let worker = match self.segment {
            ExecutionSegment::WHOLE => String::new(),
            ExecutionSegment { index, of } => format!(", worker {index} of {of}"),
        };
        format!(
            "service:   {service}{not_allowed}\n\
             load:      {}\n\
             iteration: {}\n\
             test run:  {}{worker}; users {}*\n\
             {}{}\
             Nothing was sent.\n",
            self.describe_load(&cli.goose),
            self.iteration,
            self.test_run_id,
            user_id_prefix(&self.test_run_id),
            self.describe_sessions(cli, workload),
            self.describe_faults(),
        )
    }

    /// The schedule of faults, in words.
    fn describe_faults(&self) -> String {
        let faults = faults::describe(&self.faults, self.planned);
        faults.into_iter().flat_map(|fault| ["fault:     ".to_owned(), fault, "\n".to_owned()]).collect()
    }

    /// The sessions that are opened and cleaned up, in words.
    fn describe_sessions(&self, cli: &Cli, workload: &dyn Workload) -> String {
        if !workload.contract().is_sessions {
            return String::new();
        }
        let scenarios = workload.scenarios();
        let each: Option<Vec<u64>> = self
            .weights
            .iter()
            .map(|Weighted { index, weight, .. }| {
                scenarios[index].built_in.map(|built_in| built_in.sessions() * u64::from(weight))
            })
            .collect();
        let number = match each {
            Some(each) => self.estimate_sessions(cli, each.iter().sum()),
            None => "depends on the scenarios".to_owned(),
        };
        format!(
            "sessions:  {number}\n\
             clean-up:  closes and deletes all remaining sessions of these users, and no others\n"
        )
    }

    /// The number of sessions in words, if each iteration opens this many, times its weight.
    fn estimate_sessions(&self, cli: &Cli, sessions: u64) -> String {
        let weights: u64 = self.weights.iter().map(|scenario| u64::from(scenario.weight)).sum();
        let about =
            |iterations: u64| format!("about {}", count(iterations.saturating_mul(sessions) / weights));
        let each = cli.goose.iterations.filter(|iterations| *iterations > 0);
        match (&self.executor, each, self.users) {
            (ExecutorConfig::ArrivalRate(steps), ..) => {
                about(iterations(&Schedule::new(steps)) / u64::from(self.segment.of))
            }
            (ExecutorConfig::ConstantUsers, Some(each), Some(users)) => {
                about((each as u64).saturating_mul(users as u64))
            }
            (ExecutorConfig::ConstantUsers, ..) => "depends on the speed of the service".to_owned(),
            (ExecutorConfig::Breakpoint { .. }, ..) => "depends on the breakpoint".to_owned(),
        }
    }
}

fn executor_config(cli: &Cli, run_time: Option<Duration>) -> ExecutorConfig {
    let options = &cli.executor;
    if options.breakpoint {
        let from = options.rate.as_ref().and_then(Rates::single).unwrap_or(FIRST_RATE);
        return ExecutorConfig::Breakpoint { from, step: options.step.unwrap_or(BREAKPOINT_STEP) };
    }
    let Some(rates) = &options.rate else { return ExecutorConfig::ConstantUsers };
    let run_time = run_time.unwrap_or(RUN_TIME);
    let step = options.step.unwrap_or(run_time / rates.len());
    ExecutorConfig::ArrivalRate(rates.steps(step.as_secs_f64()))
}

/// The users or pre-allocated VUs of a segment; `None` if goose's test plan sets them.
fn users(cli: &Cli, executor: &ExecutorConfig, segment: ExecutionSegment) -> Option<usize> {
    let given = cli.executor.pre_allocated_vus;
    match executor {
        ExecutorConfig::ConstantUsers => cli.goose.users.map(|users| segment.part_of(users)),
        ExecutorConfig::ArrivalRate(steps) => {
            let vus = given.unwrap_or_else(|| default_vus(Schedule::new(steps).highest_rate()));
            Some(segment.part_of(vus))
        }
        ExecutorConfig::Breakpoint { .. } => Some(given.unwrap_or(BREAKPOINT_VUS)),
    }
}

fn planned(executor: &ExecutorConfig, goose: &GooseConfiguration) -> Option<Duration> {
    match executor {
        ExecutorConfig::ConstantUsers => run_time(goose).ok().flatten(),
        ExecutorConfig::ArrivalRate(steps) => {
            Duration::try_from_secs_f64(steps.iter().map(|step| step.seconds).sum()).ok()
        }
        ExecutorConfig::Breakpoint { .. } => None,
    }
}

fn describe_iteration(
    options: &ScenarioOptions,
    weights: &ScenarioWeights,
    data: Option<&DataFile>,
    workload: &dyn Workload,
) -> String {
    let scenarios = workload.scenarios();
    let is_mix = weights.iter().count() > 1;
    let described = weights.iter().map(|Weighted { index, name, weight }| {
        let weight = if is_mix { format!(" (weight {weight})") } else { String::new() };
        let calls = scenarios[index].built_in.map(|built_in| built_in.describe(&options.params()));
        let calls = calls.map(|calls| format!(": {calls}")).unwrap_or_default();
        format!("{name}{weight}{calls}")
    });
    let described: Vec<_> = described.collect();
    let stores = match data {
        Some(data) => describe_rows(options, data),
        None if workload.contract().is_sessions => describe_stores(options),
        None => String::new(),
    };
    let think_time = match options.think_time {
        0 => String::new(),
        think_time => format!("; {think_time} ms think time"),
    };
    format!("{}{stores}{think_time}", described.join("; "))
}

fn describe_rows(options: &ScenarioOptions, data: &DataFile) -> String {
    let rows = counted(data.count() as u64, "row", "rows");
    let order = match options.data_order {
        DataOrder::Sequential => "in order",
        DataOrder::Random => "at random",
    };
    format!("; {rows} of {}, {order}", data.name)
}

fn describe_stores(options: &ScenarioOptions) -> String {
    let bytes = count(options.payload_bytes as u64);
    let shape = match options.payload_shape {
        PayloadShape::Text => "text",
        PayloadShape::Nested => "nested objects",
        PayloadShape::Wide => "a wide object",
    };
    format!("; stores of {bytes} bytes of {shape}")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
fn iterations(schedule: &Schedule) -> u64 {
    schedule.iterations().round() as u64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate within bounds")]
fn default_vus(rate: f64) -> usize {
    ((rate * VU_SECONDS).ceil() as usize).clamp(16, MAX_DEFAULT_VUS)
}

/// Parses `--run-time` like goose.
fn run_time(goose: &GooseConfiguration) -> Result<Option<Duration>, LoadTestError> {
    let Some(text) = &goose.run_time else { return Ok(None) };
    match parse_timespan(text) {
        Some(seconds) if seconds > 0 && Duration::from_secs(seconds as u64) <= MAX_DURATION => {
            Ok(Some(Duration::from_secs(seconds as u64)))
        }
        _ => Err(LoadTestError::Option(format!(
            "--run-time {text}: expected a time above 0 such as 30s or 1h30m, and at most 30 days"
        ))),
    }
}

/// The maximum number of users of a test plan in goose's syntax: `10,30s;20,1m`.
fn max_users_of_test_plan(plan: &str) -> usize {
    let users = plan.split(';').filter_map(|step| step.split(',').next()?.trim().parse().ok());
    users.max().unwrap_or_default()
}

/// A random id that is short enough to be typed.
fn random_id() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(12);
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::LoadTest;

    fn plan(args: &[&str]) -> (Plan, Cli) {
        let mut cli = Cli::parse_from(["loadtest"].iter().chain(args).copied()).unwrap();
        (Plan::new(&mut cli, &LoadTest::sessions()).unwrap(), cli)
    }

    #[test]
    fn steps_share_the_run_time_or_have_their_own_duration() {
        let seconds = |args: &[&str]| match plan(args).0.executor {
            ExecutorConfig::ArrivalRate(steps) => steps.iter().map(|step| step.seconds).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(seconds(&["--rate", "50"]), [10.0]);
        assert_eq!(seconds(&["--rate", "50,100", "-t", "1m"]), [30.0, 30.0]);
        assert_eq!(seconds(&["--rate", "50,100", "--step", "500ms"]), [0.5, 0.5]);
    }

    #[test]
    fn the_open_model_has_pre_allocated_vus_as_goose_users() {
        let (plan, cli) = plan(&["--rate", "50,100", "-t", "20s"]);
        assert_eq!((plan.users, cli.goose.users), (Some(400), Some(400)));
        assert_eq!(cli.goose.run_time, None);
        assert_eq!(cli.goose.increase_rate.as_deref(), Some("40000"));
    }

    const SECOND_OF_FOUR: [&str; 6] =
        ["--execution-segment", "1/4", "--test-run-id", "x", "--host", "http://127.0.0.1:1"];

    #[test]
    fn a_worker_has_its_part_of_users_and_rate() {
        let (closed, _) = plan(&[&SECOND_OF_FOUR[..], &["-u", "10"]].concat());
        assert_eq!(closed.users, Some(3));
        let (open, _) = plan(&[&SECOND_OF_FOUR[..], &["--rate", "100"]].concat());
        let LoadModel::Open { steps, pre_allocated_vus } = open.load_model() else { panic!("not open") };
        assert_eq!((steps[0].from, pre_allocated_vus), (25.0, 100));
    }

    #[test]
    fn a_worker_without_a_user_is_rejected() {
        let args = [&["loadtest"], &SECOND_OF_FOUR[..], &["-u", "1"]].concat();
        let mut cli = Cli::parse_from(args).unwrap();
        let error = Plan::new(&mut cli, &LoadTest::sessions()).unwrap_err().to_string();
        assert!(error.contains("worker 1 of 4 has no user"), "{error}");
    }

    #[test]
    fn a_threshold_that_no_call_can_match_is_rejected() {
        let error = |args: &[&str]| {
            let mut cli = Cli::parse_from(["loadtest"].iter().chain(args).copied()).unwrap();
            Plan::new(&mut cli, &LoadTest::sessions()).unwrap_err().to_string()
        };
        for (args, why) in [
            (&["--threshold", "p95<1s for get_sessions"][..], "the run has no operation `get_sessions`"),
            (
                &["--threshold", "p95<1s for store_session_data", "--stores", "0"],
                "no operation `store_session_data`",
            ),
            (&["--threshold", "p95<1s for scenario churn"], "no scenario `churn`"),
            (&["--threshold", "p95<1s for step 3", "--rate", "5,6"], "there is no step 3"),
            (&["--threshold", "p95<1s for step 1", "--breakpoint"], "the run has no steps"),
        ] {
            assert!(error(args).contains(why), "{args:?}: {}", error(args));
        }
    }

    #[test]
    fn an_iteration_is_described_with_all_its_parameters() {
        let described = |args: &[&str]| plan(&[&["--scenario"], args].concat()).0.iteration;
        let churn = "churn: open, close; deleted after the run; stores of 256 bytes of";
        assert_eq!(described(&["churn"]), format!("{churn} text"));
        for (shape, name) in [("nested", "nested objects"), ("wide", "a wide object")] {
            assert_eq!(described(&["churn", "--payload-shape", shape]), format!("{churn} {name}"));
        }
        let mix = described(&["churn=2,browse=1", "--think-time", "5"]);
        assert!(mix.contains("churn (weight 2): open") && mix.ends_with("; 5 ms think time"), "{mix}");
    }

    #[test]
    fn the_load_is_described_in_a_sentence() {
        let described = |args: &[&str]| {
            let (plan, cli) = plan(args);
            plan.describe_load(&cli.goose)
        };
        assert_eq!(described(&[]), "8 users for 10s");
        assert_eq!(described(&["--iterations", "5", "-u", "1"]), "1 user, 5 iterations each");
        assert_eq!(described(&["--warm-up", "2s"]), "8 users for 10s, after 2s of warm-up");
        assert_eq!(
            described(&["--rate", "10..200,200", "--step", "10s"]),
            "iterations at 10 to 200/s in 10 s, 200/s for 10 s, about 3,050 in all, 800 pre-allocated VUs"
        );
    }
}
