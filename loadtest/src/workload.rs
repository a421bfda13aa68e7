//! The part of a run that depends on the contract: its scenarios, its clients, and what comes before and after the
//! load.

use crate::builder::LoadTest;
use crate::checks::ledger::Ledger;
use crate::checks::payload::Filler;
use crate::checks::violation::ViolationKind;
use crate::cleanup::after_run::{clean_up_after_run, time_limit_reached};
use crate::cli::ScenarioOptions;
use crate::client::{LoadPolicies, cleanup_client, load_client, load_policies};
use crate::contract::Contract;
use crate::error::LoadTestError;
use crate::executors::shared::SharedState;
use crate::executors::stop::SECOND_SIGNAL;
use crate::executors::transaction::{Users, goose_scenario, panic_message};
use crate::executors::typed_client::{Caller, caller};
use crate::executors::user::VirtualUser;
use crate::executors::user_calls::UserCalls;
use crate::metrics::SessionSummary;
use crate::scenarios::session_calls::SessionsState;
use crate::scenarios::{RunIteration, Scenario, ScenarioInfo, ScenarioWeights, Sessions};
use futures_util::FutureExt;
use sessions_client::ClientConfig;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

/// A boxed future.
pub(crate) type BoxFuture<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;

/// A load test, whatever its virtual users have.
pub(crate) trait Workload: Send + Sync {
    fn contract(&self) -> &Contract;

    /// All scenarios, in the order of their indices.
    fn scenarios(&self) -> Vec<ScenarioInfo>;

    /// Creates the users of a run.
    fn start(
        &self,
        options: &ScenarioOptions,
        config: &ClientConfig,
        shared: &Arc<SharedState>,
    ) -> Result<Box<dyn ActiveWorkload>, LoadTestError>;

    /// The names of all scenarios.
    fn names(&self) -> Vec<&'static str> {
        self.scenarios().iter().map(|scenario| scenario.name).collect()
    }

    /// The scenarios of a run without `--scenario`: the ones that were added, or `lifecycle`.
    fn default_weights(&self) -> ScenarioWeights {
        let scenarios = self.scenarios();
        let added = scenarios.iter().any(|scenario| scenario.built_in.is_none());
        let is_default = |index: usize| match scenarios[index].built_in {
            Some(_) => !added && index == 0,
            None => true,
        };
        (0..scenarios.len())
            .filter(|index| is_default(*index))
            .map(|index| scenarios[index].weighted(index))
            .collect()
    }
}

/// The users of a run in progress.
pub(crate) trait ActiveWorkload: Send + Sync {
    /// The scenario for goose.
    fn goose_scenario(&self, name: &str) -> goose::goose::Scenario;

    /// Prepares the service.
    fn setup(&self) -> BoxFuture<'_, Result<(), String>>;

    /// The sessions so far.
    fn sessions(&self) -> SessionSummary;

    /// Cleans up after the load.
    fn finish(&self) -> BoxFuture<'_, SessionSummary>;
}

/// The clients of a load test.
pub(crate) trait Backend<C>: Send + Sync {
    /// Creates the clients of a run.
    fn start(
        &self,
        options: &ScenarioOptions,
        config: &ClientConfig,
        shared: &Arc<SharedState>,
    ) -> Result<Arc<dyn Clients<C>>, LoadTestError>;
}

/// The clients of a run.
pub(crate) trait Clients<C>: Send + Sync {
    /// Creates what a virtual user has.
    fn client(&self, calls: &Arc<UserCalls>) -> C;

    /// The sessions so far.
    fn sessions(&self) -> SessionSummary;

    /// Cleans up after the load.
    fn finish(&self) -> BoxFuture<'_, SessionSummary>;
}

impl<C: Send + 'static> Workload for LoadTest<C> {
    fn contract(&self) -> &Contract {
        &self.contract
    }

    fn scenarios(&self) -> Vec<ScenarioInfo> {
        self.scenarios.iter().map(Scenario::info).collect()
    }

    fn start(
        &self,
        options: &ScenarioOptions,
        config: &ClientConfig,
        shared: &Arc<SharedState>,
    ) -> Result<Box<dyn ActiveWorkload>, LoadTestError> {
        let clients = self.backend.start(options, config, shared)?;
        let new_client = Arc::clone(&clients);
        let users = Users {
            scenarios: self.scenarios.clone(),
            client: Box::new(move |calls: &Arc<UserCalls>| new_client.client(calls)),
        };
        Ok(Box::new(Active {
            shared: Arc::clone(shared),
            users: Arc::new(users),
            clients,
            setup: self.setup.clone(),
            teardown: self.teardown.clone(),
        }))
    }
}

struct Active<C> {
    shared: Arc<SharedState>,
    users: Arc<Users<C>>,
    clients: Arc<dyn Clients<C>>,
    setup: Option<Arc<RunIteration<C>>>,
    teardown: Option<Arc<RunIteration<C>>>,
}

impl<C: Send + 'static> Active<C> {
    /// Calls a function with a user whose calls are not measured.
    async fn call_once(
        &self,
        name: &'static str,
        function: Option<&Arc<RunIteration<C>>>,
    ) -> Result<(), String> {
        let Some(function) = function else { return Ok(()) };
        let call = async {
            let calls = Arc::new(UserCalls::unmeasured(&self.shared));
            let client = (self.users.client)(&calls);
            let mut user = VirtualUser::new(calls, client);
            user.start_iteration(name);
            function(&mut user).await
        };
        match AssertUnwindSafe(call).catch_unwind().await {
            Ok(outcome) => outcome.map_err(|error| format!("{name} failed: {error}")),
            Err(panic) => Err(format!("{name} panicked: {}", panic_message(&*panic))),
        }
    }
}

impl<C: Send + 'static> ActiveWorkload for Active<C> {
    fn goose_scenario(&self, name: &str) -> goose::goose::Scenario {
        goose_scenario(name, &self.shared, &self.users)
    }

    fn setup(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.call_once("setup", self.setup.as_ref()))
    }

    fn sessions(&self) -> SessionSummary {
        self.clients.sessions()
    }

    fn finish(&self) -> BoxFuture<'_, SessionSummary> {
        Box::pin(async {
            let limit = self.shared.cleanup_timeout();
            let torn_down = tokio::select! {
                torn_down = self.call_once("teardown", self.teardown.as_ref()) => torn_down,
                () = tokio::time::sleep(limit) => Err(format!("teardown {}", time_limit_reached(limit))),
                () = self.shared.stop.abandoned() => Err(SECOND_SIGNAL.to_owned()),
            };
            let mut summary = self.clients.finish().await;
            if let Err(error) = torn_down {
                summary.check_error.get_or_insert(error);
            }
            summary
        })
    }
}

/// The clients of the sessions service.
pub(crate) struct SessionsBackend;

struct SessionsClients {
    state: Arc<SessionsState>,
    shared: Arc<SharedState>,
    config: ClientConfig,
}

impl SessionsClients {
    /// The sessions without a complete leftover check.
    fn incomplete(&self, reason: impl Into<String>) -> SessionSummary {
        let [opened, closed, deleted] = self.state.ledger.counts();
        SessionSummary {
            opened,
            closed,
            deleted,
            check_error: Some(reason.into()),
            ..SessionSummary::default()
        }
    }
}

impl Backend<Sessions> for SessionsBackend {
    fn start(
        &self,
        options: &ScenarioOptions,
        config: &ClientConfig,
        shared: &Arc<SharedState>,
    ) -> Result<Arc<dyn Clients<Sessions>>, LoadTestError> {
        for kind in ViolationKind::ALL {
            shared.recorder.checks_for(kind.description());
        }
        let state = SessionsState {
            client: load_client(&shared.load_config(config), &shared.sent_again)?,
            ledger: Ledger::default(),
            params: options.params(),
            filler: Filler::new(options.payload_shape, options.payload_bytes),
            hot_session: tokio::sync::OnceCell::new(),
            sessions: 0.into(),
        };
        let (shared, config) = (Arc::clone(shared), config.clone());
        Ok(Arc::new(SessionsClients { state: Arc::new(state), shared, config }))
    }
}

impl Clients<Sessions> for SessionsClients {
    fn client(&self, _: &Arc<UserCalls>) -> Sessions {
        Sessions { state: Arc::clone(&self.state), kept_sessions: Vec::new() }
    }

    fn sessions(&self) -> SessionSummary {
        self.incomplete("not made, because the run has not ended")
    }

    fn finish(&self) -> BoxFuture<'_, SessionSummary> {
        Box::pin(async {
            match cleanup_client(&self.config, &self.shared.cleanup_calls) {
                Ok(client) => clean_up_after_run(&self.shared, &self.state, client).await,
                Err(error) => self.incomplete(error.to_string()),
            }
        })
    }
}

/// The clients of another contract.
pub(crate) struct TypedBackend<C> {
    client: Arc<NewClient<C>>,
}

type NewClient<C> = dyn Fn(Caller) -> C + Send + Sync;

struct TypedClients<C> {
    client: Arc<NewClient<C>>,
    /// One transport for all users: one per user would hold a copy of the system's certificates each.
    transport: LoadPolicies,
}

impl<C> TypedBackend<C> {
    pub(crate) fn new(client: impl Fn(Caller) -> C + Send + Sync + 'static) -> Self {
        Self { client: Arc::new(client) }
    }
}

impl<C: 'static> Backend<C> for TypedBackend<C> {
    fn start(
        &self,
        _: &ScenarioOptions,
        config: &ClientConfig,
        shared: &Arc<SharedState>,
    ) -> Result<Arc<dyn Clients<C>>, LoadTestError> {
        shared.recorder.checks_for(ViolationKind::Undecodable.description());
        let transport = load_policies(&shared.load_config(config), &shared.sent_again)?;
        Ok(Arc::new(TypedClients { client: Arc::clone(&self.client), transport }))
    }
}

impl<C> Clients<C> for TypedClients<C> {
    fn client(&self, calls: &Arc<UserCalls>) -> C {
        (self.client)(caller(&self.transport, calls))
    }

    fn sessions(&self) -> SessionSummary {
        SessionSummary::default()
    }

    fn finish(&self) -> BoxFuture<'_, SessionSummary> {
        Box::pin(async { SessionSummary::default() })
    }
}
