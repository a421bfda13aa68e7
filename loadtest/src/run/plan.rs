//! What a run is going to do, worked out from the options: for the engine, the report, and those who only want to
//! know.

use super::CouldNotRun;
use super::service::Service;
use crate::checks::payload::Shape;
use crate::cli::{Cli, LONGEST, all_at_once};
use crate::distributed::execution_segment::part;
use crate::executors::schedule::Schedule;
use crate::executors::shared::prefix;
use crate::format::{count, counted};
use crate::metrics::{LoadModel, RateStep, Worker};
use crate::scenarios::Options;
use goose::config::GooseConfiguration;
use goose::util::parse_timespan;
use std::time::Duration;
use uuid::Uuid;

/// The rate at which a search for the limit begins, in iterations a second.
const FIRST_RATE: f64 = 50.0;

/// How long each rate is tried in such a search.
const LIMIT_STEP: Duration = Duration::from_secs(5);

/// How long an open load is, if nobody says.
const RUN_TIME: Duration = Duration::from_secs(10);

/// Seconds of the highest rate that find a lane when the service answers nothing.
const LANES_SECONDS: f64 = 4.0;

/// Lanes of a search for the limit, whose highest rate nobody knows.
const LIMIT_LANES: usize = 2_000;

/// The most lanes that are made without being asked for.
const MOST_LANES: usize = 4_000;

/// At which rate iterations begin.
#[derive(Clone, Debug)]
pub(crate) enum Pacing {
    /// Each user begins the next one when the one before is done.
    Closed,
    /// At the rate of a schedule.
    Open(Vec<RateStep>),
    /// At a rate that rises until a threshold breaks.
    FindLimit { from: f64, step: Duration },
}

/// What a run is going to do.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) run: String,
    pub(crate) share: Worker,
    pub(crate) pacing: Pacing,
    /// Users or lanes of this worker; none where goose's test plan has them.
    pub(crate) users: Option<usize>,
    /// What an iteration consists of.
    pub(crate) iteration: String,
    /// The longest that a call takes.
    pub(crate) timeout: Duration,
    /// The users of goose's test plan, as it was typed.
    users_by_step: Option<String>,
}

impl Plan {
    /// Works out what the options mean, and tells goose what it has to know of it.
    pub(crate) fn of(cli: &mut Cli, timeout: Duration) -> Result<Self, CouldNotRun> {
        let Cli { scenarios, pace, conduct, goose, test_plan, .. } = cli;
        let share = conduct.worker.unwrap_or(Worker { index: 0, of: 1 });
        let pacing = if pace.find_limit {
            let from = pace.rate.as_ref().and_then(super::Rates::single).unwrap_or(FIRST_RATE);
            Pacing::FindLimit { from, step: pace.step.unwrap_or(LIMIT_STEP) }
        } else if let Some(rates) = &pace.rate {
            let run_time = run_time(goose)?.unwrap_or(RUN_TIME);
            let step = pace.step.unwrap_or(run_time / rates.len()).as_secs_f64();
            Pacing::Open(rates.steps(step))
        } else {
            Pacing::Closed
        };
        let users = match &pacing {
            Pacing::Closed => goose.users.map(|users| part(users, share)),
            Pacing::Open(steps) => Some(pace.lanes.map_or_else(
                || part(lanes(Schedule::new(steps).highest()), share),
                |lanes| part(lanes, share),
            )),
            Pacing::FindLimit { .. } => Some(pace.lanes.unwrap_or(LIMIT_LANES)),
        };
        if users == Some(0) {
            return Err(CouldNotRun(format!(
                "worker {} of {} has no user: there are more workers than users or lanes",
                share.index, share.of
            )));
        }
        if !matches!(pacing, Pacing::Closed) {
            // The end comes with the last arrival, which goose knows nothing of.
            goose.run_time = None;
        }
        goose.users = users;
        if let (Some(users), false) = (users, matches!(pacing, Pacing::Closed)) {
            goose.increase_rate = Some(all_at_once(users));
        }
        let options =
            Options { stores: scenarios.stores, calls: scenarios.calls, read_ratio: scenarios.read_ratio };
        let is_mix = scenarios.scenario.scenarios().count() > 1;
        let each: Vec<_> = scenarios
            .scenario
            .scenarios()
            .map(|(scenario, weight)| {
                let weight = if is_mix { format!(" (weight {weight})") } else { String::new() };
                format!("{}{weight}: {}", scenario.name(), scenario.describe(&options))
            })
            .collect();
        let pause = match scenarios.think_time {
            0 => String::new(),
            pause => format!("; {pause} ms between calls"),
        };
        let bytes = count(scenarios.payload_bytes as u64);
        let kind = match scenarios.payload_shape {
            Shape::Text => "text",
            Shape::Nested => "nested objects",
            Shape::Wide => "a wide object",
        };
        Ok(Self {
            run: conduct.run.clone().unwrap_or_else(run_id),
            share,
            pacing,
            users,
            iteration: format!("{}; {bytes} bytes of {kind} a store{pause}", each.join("; ")),
            timeout,
            users_by_step: test_plan.clone(),
        })
    }

    /// The most users or lanes at the same time.
    pub(crate) fn most_users(&self) -> usize {
        self.users.unwrap_or_else(|| self.users_by_step.as_deref().map_or(0, most_users))
    }

    /// The load model of the record, as far as it is known before.
    pub(crate) fn model(&self) -> LoadModel {
        let lanes = self.most_users() as u64;
        match &self.pacing {
            Pacing::Closed => LoadModel::Closed { users: lanes, test_plan: self.users_by_step.clone() },
            Pacing::Open(steps) => {
                // Together the workers make the rate, and each has its part of it.
                let part = 1.0 / f64::from(self.share.of);
                let steps = steps.iter().map(|step| RateStep {
                    from: step.from * part,
                    to: step.to * part,
                    seconds: step.seconds,
                });
                LoadModel::Open { steps: steps.collect(), lanes }
            }
            Pacing::FindLimit { step, .. } => {
                LoadModel::FindLimit { steps: Vec::new(), seconds: step.as_secs_f64(), lanes, limit: None }
            }
        }
    }

    /// Who does it for how long, in a sentence.
    pub(crate) fn load(&self, goose: &GooseConfiguration) -> String {
        let users = self.users.unwrap_or_default() as u64;
        match &self.pacing {
            Pacing::Closed => {
                let who = match self.users {
                    Some(_) => counted(users, "user", "users"),
                    None => "the users of the test plan".to_owned(),
                };
                match (&goose.run_time, goose.iterations) {
                    (Some(time), _) if time.bytes().all(|byte| byte.is_ascii_digit()) => {
                        format!("{who} for {time} s")
                    }
                    (Some(time), _) => format!("{who} for {time}"),
                    (None, Some(each)) => {
                        format!("{who}, {} each", counted(each as u64, "iteration", "iterations"))
                    }
                    (None, None) => who,
                }
            }
            Pacing::Open(steps) => {
                let schedule = Schedule::new(steps);
                format!(
                    "iterations at {}, about {} in all, in {}",
                    LoadModel::rates(steps),
                    count(arrivals(&schedule)),
                    counted(users, "lane", "lanes"),
                )
            }
            Pacing::FindLimit { from, step } => format!(
                "iterations at a rate that rises from {from}/s, {} s each, in {}",
                step.as_secs_f64(),
                counted(users, "lane", "lanes")
            ),
        }
    }

    /// Everything that would be done, for people who want to know it before.
    pub(crate) fn dry_run(&self, cli: &Cli, service: &Service, consent: Result<(), CouldNotRun>) -> String {
        let sessions: u64 = cli
            .scenarios
            .scenario
            .scenarios()
            .map(|(scenario, weight)| scenario.sessions() * u64::from(weight))
            .sum();
        let weights: u64 = cli.scenarios.scenario.scenarios().map(|(_, weight)| u64::from(weight)).sum();
        let expected = match &self.pacing {
            Pacing::Open(steps) => {
                let iterations = arrivals(&Schedule::new(steps)) / u64::from(self.share.of);
                format!("about {}", count(iterations * sessions / weights))
            }
            Pacing::Closed => match (goose_iterations(&cli.goose), self.users) {
                (Some(each), Some(users)) => {
                    format!("about {}", count(each.saturating_mul(users as u64 * sessions) / weights))
                }
                _ => "as many as the service manages to answer".to_owned(),
            },
            Pacing::FindLimit { .. } => "as many as it takes to find the limit".to_owned(),
        };
        let refused =
            consent.err().map(|why| format!("\n          refused as it stands: {why}")).unwrap_or_default();
        let worker = match self.share {
            Worker { of: 1, .. } => String::new(),
            Worker { index, of } => format!(", worker {index} of {of}"),
        };
        format!(
            "service:  {service}{refused}\n\
             load:     {}\n\
             does:     {}\n\
             run:      {}{worker}; users {}*\n\
             sessions: {expected}\n\
             cleaning: closes and deletes what is left of these users, and of no others\n\
             Nothing was done.\n",
            self.load(&cli.goose),
            self.iteration,
            self.run,
            prefix(&self.run),
        )
    }
}

fn goose_iterations(goose: &GooseConfiguration) -> Option<u64> {
    goose.iterations.filter(|iterations| *iterations > 0).map(|iterations| iterations as u64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
fn arrivals(schedule: &Schedule) -> u64 {
    schedule.arrivals().round() as u64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate within bounds")]
fn lanes(rate: f64) -> usize {
    ((rate * LANES_SECONDS).ceil() as usize).clamp(16, MOST_LANES)
}

/// goose's own rules for the option.
fn run_time(goose: &GooseConfiguration) -> Result<Option<Duration>, CouldNotRun> {
    let Some(text) = &goose.run_time else { return Ok(None) };
    match parse_timespan(text) {
        Some(seconds) if seconds > 0 && Duration::from_secs(seconds as u64) <= LONGEST => {
            Ok(Some(Duration::from_secs(seconds as u64)))
        }
        _ => {
            let why = "it must be a time such as 30s or 1h30m, and at most 30 days";
            Err(CouldNotRun(format!("--run-time {text}: {why}")))
        }
    }
}

/// The most users of a test plan in goose's words: `10,30s;20,1m`.
fn most_users(plan: &str) -> usize {
    let users = plan.split(';').filter_map(|step| step.split(',').next()?.trim().parse().ok());
    users.max().unwrap_or_default()
}

/// Short enough to be typed into a query for what is left.
fn run_id() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(12);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(args: &[&str]) -> (Plan, Cli) {
        let mut cli = Cli::parse_from(["loadtest"].iter().chain(args).copied()).unwrap();
        (Plan::of(&mut cli, Duration::from_secs(10)).unwrap(), cli)
    }

    #[test]
    fn steps_share_the_run_time_or_have_their_own() {
        let seconds = |args: &[&str]| match plan(args).0.pacing {
            Pacing::Open(steps) => steps.iter().map(|step| step.seconds).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(seconds(&["--rate", "50"]), [10.0]);
        assert_eq!(seconds(&["--rate", "50,100", "-t", "1m"]), [30.0, 30.0]);
        assert_eq!(seconds(&["--rate", "50,100", "--step", "500ms"]), [0.5, 0.5]);
    }

    #[test]
    fn goose_has_the_lanes_as_users_and_no_end_of_its_own() {
        let (plan, cli) = plan(&["--rate", "50,100", "-t", "20s"]);
        assert_eq!((plan.users, cli.goose.users), (Some(400), Some(400)));
        assert_eq!(cli.goose.run_time, None);
        assert_eq!(cli.goose.increase_rate.as_deref(), Some("40000"));
    }

    #[test]
    fn a_worker_has_its_part_of_users_and_of_the_rate() {
        let worker = ["--worker", "1/4", "--run", "x", "--host", "http://127.0.0.1:1"];
        let (closed, _) = plan(&[&worker[..], &["-u", "10"]].concat());
        assert_eq!(closed.users, Some(3));
        let (open, _) = plan(&[&worker[..], &["--rate", "100"]].concat());
        let LoadModel::Open { steps, lanes } = open.model() else { panic!("no open load") };
        assert_eq!((steps[0].from, lanes), (25.0, 100));
    }

    #[test]
    fn an_iteration_is_told_with_all_that_would_make_it_another() {
        let told = |args: &[&str]| plan(&[&["--scenario"], args].concat()).0.iteration;
        let churn = "churn: open, close; deleted after the run; 256 bytes of";
        assert_eq!(told(&["churn"]), format!("{churn} text a store"));
        for (shape, described) in [("nested", "nested objects"), ("wide", "a wide object")] {
            assert_eq!(told(&["churn", "--payload-shape", shape]), format!("{churn} {described} a store"));
        }
        let mix = told(&["churn=2,browse=1", "--think-time", "5"]);
        assert!(mix.contains("churn (weight 2): open") && mix.ends_with("; 5 ms between calls"), "{mix}");
    }

    #[test]
    fn a_worker_without_a_user_is_refused() {
        let args = ["loadtest", "--worker", "3/4", "--run", "x", "--host", "http://127.0.0.1:1", "-u", "2"];
        let mut cli = Cli::parse_from(args).unwrap();
        let error = Plan::of(&mut cli, Duration::from_secs(10)).unwrap_err().to_string();
        assert!(error.contains("worker 3 of 4 has no user"), "{error}");
    }

    #[test]
    fn the_load_is_told_in_a_sentence() {
        let told = |args: &[&str]| {
            let (plan, cli) = plan(args);
            plan.load(&cli.goose)
        };
        assert_eq!(told(&[]), "8 users for 10s");
        assert_eq!(told(&["--iterations", "5", "-u", "1"]), "1 user, 5 iterations each");
        assert_eq!(
            told(&["--rate", "10..200,200", "--step", "10s"]),
            "iterations at 10 to 200/s in 10 s, 200/s for 10 s, about 3,050 in all, in 800 lanes"
        );
    }
}
