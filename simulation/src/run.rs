//! One run of the simulation: faults and calls, recovery, and the search for leaks.

use crate::client::client;
use crate::clock::date_at;
use crate::faults::Schedule;
use crate::log::{Event, Log};
use crate::network::Network;
use crate::plan::{HOSTS, Plan};
use crate::planted::Bug;
use crate::records::Records;
use crate::service::Service;
use crate::tokens::TokenServer;
use crate::workload::{Operation, User};
use fastrand::Rng;
use sessions_client::CallOptions;
use sessions_service::{SessionStore, router};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{sleep, sleep_until, timeout};

/// The virtual time after which a run is stuck.
const LONGEST_RUN: Duration = Duration::from_secs(24 * 3600);

/// The pauses of the client that are longest after a failure: those between renewals of rejected tokens.
const LONGEST_TOKEN_PAUSE: Duration = Duration::from_secs(65);

/// The time limit of an attempt after the faults.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest time of the calls that follow one another after the faults.
const LONGEST_PROBES: Duration = Duration::from_secs(20);

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed of the run.
    pub seed: u64,
    /// The plan, for people.
    pub plan: String,
    /// Everything that happened.
    pub events: Vec<Event>,
    /// The invariants that did not hold.
    pub violations: Vec<String>,
    /// The number of calls by their outcome.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// The virtual time from the end of the faults to the first successful call.
    pub recovery: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.plan)?;
        for event in &self.events {
            writeln!(f, "{event}")?;
        }
        for (outcome, count) in &self.outcomes {
            writeln!(f, "{count} calls: {outcome}")?;
        }
        writeln!(f, "recovered {:?} after the last fault", self.recovery)?;
        for violation in &self.violations {
            writeln!(f, "VIOLATION: {violation}")?;
        }
        write!(f, "{} violations", self.violations.len())
    }
}

/// Simulates the run of `seed`, with a bug planted around the client if there is one.
///
/// The calling thread must not be in a tokio runtime. Its random numbers of `fastrand` are seeded.
///
/// # Errors
///
/// If no runtime can be created.
pub fn run(seed: u64, bug: Option<Bug>) -> io::Result<Report> {
    fastrand::seed(seed);
    let plan = Plan::of(seed);
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let report = runtime.block_on(Box::pin(simulate(&plan, bug)));
    Ok(report)
}

async fn simulate(plan: &Plan, bug: Option<Bug>) -> Report {
    let schedule = Schedule::start(&plan.faults);
    let log = Log::new(schedule.clone());
    let records = Records::new(log.clone(), schedule.clone(), plan.settings.retry.clone());
    let world = World { plan, bug, schedule, log: log.clone(), records: records.clone() };
    let recovery = timeout(LONGEST_RUN, Box::pin(world.run())).await.unwrap_or_else(|_| {
        log.violation("the run does not end".to_owned());
        Duration::MAX
    });
    let (events, violations) = log.take();
    let (seed, plan) = (plan.seed, plan.to_string());
    Report { seed, plan, events, violations, outcomes: records.outcomes(), recovery }
}

struct World<'p> {
    plan: &'p Plan,
    bug: Option<Bug>,
    schedule: Schedule,
    log: Log,
    records: Records,
}

impl World<'_> {
    /// Returns the time that the client needed to recover.
    async fn run(&self) -> Duration {
        let Self { plan, schedule, log, records, .. } = self;
        let plan: &Plan = plan;
        let network = Network::new(plan.link.clone(), HOSTS, plan.seed ^ 1, schedule.clone(), log.clone());
        let tokens = plan
            .tokens
            .clone()
            .map(|tokens| TokenServer::new(tokens, plan.seed ^ 2, schedule.clone(), log.clone()));
        let clock = schedule.clone();
        let store = SessionStore::new().with_clock(move || date_at(clock.now()).into());
        let service = Arc::new(Service {
            router: router(store),
            plan: plan.service.clone(),
            is_http2: plan.settings.is_http2,
            concurrency_limit: plan.settings.concurrency_limit,
            schedule: schedule.clone(),
            log: log.clone(),
            records: records.clone(),
            tokens: tokens.clone(),
            random: Mutex::new(Rng::with_seed(plan.seed ^ 3)),
            quiet_from: plan.quiet_from,
            is_probed: AtomicBool::new(false),
        });
        let mut hosts = JoinSet::new();
        for host in 0..HOSTS {
            hosts.spawn(service.clone().run(network.clone(), host));
        }
        let client = client(&plan.settings, schedule, &network, records, tokens.as_ref(), self.bug);
        let client = match client {
            Ok(client) => client,
            Err(error) => {
                log.violation(format!("the client cannot be created: {error}"));
                return Duration::MAX;
            }
        };
        let user = |index: u64| User {
            client: client.clone(),
            records: records.clone(),
            schedule: schedule.clone(),
            log: log.clone(),
            tokens: tokens.clone(),
            max_payload: plan.max_payload,
            deadline: plan.settings.deadline,
            random: Rng::with_seed(plan.seed.rotate_left(8) ^ index),
            ids: Vec::new(),
        };
        let mut users = JoinSet::new();
        for index in 0..plan.users {
            let (user, plan) = (user(index as u64), plan.clone());
            users.spawn(async move { user.run(&plan).await });
        }
        while users.join_next().await.is_some() {}
        sleep_until(schedule.instant(plan.quiet_from)).await;
        log.event(|| "no more faults".to_owned());
        let recovery = self.recover(&mut user(1_000)).await;
        // Until no connection of the time before is open.
        sleep(plan.settings.pool_idle_timeout + plan.service.idle_timeout + LONGEST_TOKEN_PAUSE).await;
        self.check_all_succeed(&mut user(2_000), &network).await;
        self.check_permits(&service, &user).await;
        drop(client);
        sleep(LONGEST_TOKEN_PAUSE).await;
        let open = network.open_at_client();
        log.check(open == 0, || format!("{open} connections are open after the client was dropped"));
        records.check_executions();
        drop(hosts);
        drop(service);
        // Aborted tasks end when they are scheduled.
        for _ in 0..100 {
            yield_now().await;
        }
        let tasks = Handle::current().metrics().num_alive_tasks();
        log.check(tasks == 0, || format!("{tasks} tasks are running after the client was dropped"));
        recovery
    }

    /// Makes calls until one succeeds. Returns the time since the end of the faults.
    async fn recover(&self, user: &mut User) -> Duration {
        let plan = self.plan;
        let start = self.schedule.now();
        let tokens = if plan.tokens.is_some() { LONGEST_TOKEN_PAUSE } else { Duration::ZERO };
        let stale = u32::try_from(plan.users).unwrap_or(u32::MAX);
        let bound = (PROBE_TIMEOUT + Duration::from_secs(1)) * (stale + 1) + tokens;
        let options = CallOptions::new().timeout(PROBE_TIMEOUT).deadline(Duration::from_secs(60));
        loop {
            let outcome = user.call(Operation::List, options.clone(), None).await;
            let time = self.schedule.now().saturating_sub(start);
            if matches!(outcome, Some(Ok(()))) {
                return time;
            }
            if time > bound {
                self.log.violation(format!("the client has not recovered {time:?} after the last fault"));
                return time;
            }
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Checks that calls succeed at the first attempt after the faults, over one connection.
    async fn check_all_succeed(&self, user: &mut User, network: &Network) {
        let opened = network.opened();
        let options = CallOptions::new().timeout(PROBE_TIMEOUT).deadline(Duration::from_secs(60)).retries(0);
        for operation in
            [Operation::List, Operation::Open, Operation::Get, Operation::Store, Operation::Delete]
        {
            if let Some(Err(error)) = user.call(operation, options.clone(), None).await {
                self.log.violation(format!("a call fails long after the last fault: {error}"));
            }
        }
        let opened = network.opened() - opened;
        let Plan { service, settings, tokens, .. } = self.plan;
        let is_reused = service.requests_per_connection.is_none()
            && settings.max_connection_age == Duration::MAX
            && tokens.as_ref().is_none_or(|tokens| tokens.is_kept_for(LONGEST_PROBES));
        // A request that follows a rejected token has a new connection.
        let renewals = usize::from(tokens.is_some());
        self.log.check(opened <= 1 + renewals || !is_reused, || {
            format!("5 calls one after another opened {opened} connections")
        });
    }

    /// Checks that as many calls are sent at once as the limit allows.
    async fn check_permits(&self, service: &Service, user: &impl Fn(u64) -> User) {
        let limit = self.plan.settings.concurrency_limit.unwrap_or(4);
        service.is_probed.store(true, Ordering::Relaxed);
        self.records.count_in_flight();
        let mut calls = JoinSet::new();
        for index in 0..limit + 2 {
            let mut user = user(3_000 + index as u64);
            let options =
                CallOptions::new().timeout(Duration::from_secs(60)).deadline(Duration::from_secs(120));
            calls.spawn(async move { user.call(Operation::List, options, None).await });
        }
        let outcomes = calls.join_all().await;
        service.is_probed.store(false, Ordering::Relaxed);
        let failed = outcomes.iter().filter(|outcome| !matches!(outcome, Some(Ok(())))).count();
        self.log.check(failed == 0, || {
            format!("{failed} of {} calls at once fail after the faults", outcomes.len())
        });
        let expected = self.plan.settings.concurrency_limit.unwrap_or(limit + 2);
        let most = self.records.most_in_flight();
        self.log.check(most == expected, || {
            format!(
                "{most} calls were in progress at once, although {expected} are allowed: permits are lost"
            )
        });
    }
}
