//! The description of a load test, and the program that runs it.

use crate::cli::Cli;
use crate::contract::Contract;
use crate::error::LoadTestError;
use crate::executors::typed_client::Caller;
use crate::executors::user::{IterationResult, VirtualUser};
use crate::goose_stdout::GooseStdout;
use crate::run::{CommandOutput, run_workload};
use crate::scenarios::{BuiltIn, RunIteration, Scenario, Sessions};
use crate::status;
use crate::thresholds::ExitCode;
use crate::workload::{Backend, SessionsBackend, TypedBackend};
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write, stderr, stdout};
use std::process;
use std::sync::Arc;
use wiretrait::Route;

/// A load test: the scenarios of a contract, with the command line, the load models, the thresholds and the reports of
/// this crate.
///
/// ```
/// # mod shop {
/// #     use wiretrait::{Result, http_api};
/// #     #[http_api(prefix = "/v1", client = ShopClient, module = shop_v1)]
/// #     pub trait Shop {
/// #         /// Returns the price of an item in cents.
/// #         #[get("/items/{id}/price")]
/// #         async fn price(&self, id: &str) -> Result<u32>;
/// #     }
/// # }
/// # use shop::{Shop, ShopClient, shop_v1};
/// use loadtest::{IterationResult, LoadTest, LoadTransport, VirtualUser};
///
/// type User = VirtualUser<ShopClient<LoadTransport>>;
///
/// async fn browse(user: &mut User) -> IterationResult {
///     let price = user.client().price("42").await?;
///     user.check("the price is positive", price > 0)?;
///     user.think().await
/// }
///
/// let shop = LoadTest::new("shop", shop_v1::ROUTES, ShopClient::from_caller).scenario("browse", browse);
/// # let _ = || {
/// shop.main()
/// # };
/// ```
#[must_use = "`main` runs the load test"]
pub struct LoadTest<C> {
    pub(crate) contract: Contract,
    pub(crate) scenarios: Vec<Scenario<C>>,
    pub(crate) setup: Option<Arc<RunIteration<C>>>,
    pub(crate) teardown: Option<Arc<RunIteration<C>>>,
    pub(crate) backend: Box<dyn Backend<C>>,
}

/// An async function with the calls of one iteration, such as
/// `async fn browse(user: &mut VirtualUser<C>) -> IterationResult`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scenario for virtual users with `{C}`",
    note = "a scenario is an `async fn(user: &mut VirtualUser<{C}>) -> IterationResult`, whose future is `Send`"
)]
pub trait ScenarioFn<'u, C: 'u>: Fn(&'u mut VirtualUser<C>) -> Self::Future {
    /// The iteration in progress.
    type Future: Future<Output = IterationResult> + Send + 'u;
}

impl<'u, C, F, R> ScenarioFn<'u, C> for F
where
    C: 'u,
    F: Fn(&'u mut VirtualUser<C>) -> R,
    R: Future<Output = IterationResult> + Send + 'u,
{
    type Future = R;
}

impl<C: Send + 'static> LoadTest<C> {
    /// Creates a load test of a contract that is written with [`http_api`](wiretrait::http_api).
    ///
    /// `name` is the name in reports, and the prefix of variables: the address of `shop` is `SHOP_URL`. `routes` are
    /// the `ROUTES` of the contract, in the order of reports, or those of all contracts whose clients a user has:
    /// a threshold for another operation is rejected. `client` creates what each virtual user has: a client
    /// over the given caller, or a type of yours with several clients and whatever a user keeps between iterations.
    pub fn new(
        name: &'static str,
        routes: &'static [&'static Route],
        client: impl Fn(Caller) -> C + Send + Sync + 'static,
    ) -> Self {
        Self {
            contract: Contract { name, routes, is_sessions: false },
            scenarios: Vec::new(),
            setup: None,
            teardown: None,
            backend: Box::new(TypedBackend::new(client)),
        }
    }

    /// Adds a scenario. Several ones are run in equal parts.
    ///
    /// The name is the one on the command line and in reports. No other scenario has it.
    pub fn scenario(
        self,
        name: &'static str,
        scenario: impl for<'u> ScenarioFn<'u, C> + Send + Sync + 'static,
    ) -> Self {
        self.weighted_scenario(name, 1, scenario)
    }

    /// Adds a scenario with a weight: of two scenarios with the weights 3 and 1, the first has three of four
    /// iterations. A weight is at least 1 and at most 1000000. The option `--scenario` replaces the weights.
    pub fn weighted_scenario(
        mut self,
        name: &'static str,
        weight: u32,
        scenario: impl for<'u> ScenarioFn<'u, C> + Send + Sync + 'static,
    ) -> Self {
        self.scenarios.push(Scenario::new(name, weight, scenario));
        self
    }

    /// Sets a function that is called once before the load, for example to create what all users need. Its calls are
    /// not measured. If it returns an error or panics, the run does not start, and the exit code is 3.
    ///
    /// Of a run with several workers, each calls it.
    pub fn setup(mut self, setup: impl for<'u> ScenarioFn<'u, C> + Send + Sync + 'static) -> Self {
        self.setup = Some(Arc::new(move |user| Box::pin(setup(user))));
        self
    }

    /// Sets a function that is called once after the load, however it ended, for example to delete what users have
    /// left behind. Its calls are not measured. If it returns an error, panics, or takes longer than
    /// `--cleanup-timeout`, the run fails. It is also called after a setup that failed.
    ///
    /// Of a run with several workers, each calls it.
    pub fn teardown(mut self, teardown: impl for<'u> ScenarioFn<'u, C> + Send + Sync + 'static) -> Self {
        self.teardown = Some(Arc::new(move |user| Box::pin(teardown(user))));
        self
    }

    /// Runs the program with the command line of this process: prints the report, and returns the exit code.
    ///
    /// It creates a tokio runtime, so that it must not be called in one.
    #[must_use = "it is the exit code of the program"]
    pub fn main(self) -> process::ExitCode {
        let exit = match Cli::parse_for(&self, std::env::args_os()) {
            Ok(cli) => run_to_end(&self, cli).unwrap_or_else(|error| {
                let _ = writeln!(stderr(), "{}: {error}", status::program());
                error.exit_code()
            }),
            Err(error) => error.report(),
        };
        process::ExitCode::from(exit.code())
    }

    /// Executes a command line that begins with the name of the program, and returns its output instead of printing
    /// it, for tests.
    ///
    /// # Errors
    ///
    /// When no load could be made: an option is invalid, or the service cannot be reached.
    pub async fn run_from<T: Into<OsString> + Clone>(
        &self,
        args: impl IntoIterator<Item = T>,
    ) -> Result<CommandOutput, LoadTestError> {
        let cli = Cli::parse_for(self, args).map_err(|error| LoadTestError::Option(error.to_string()))?;
        run_workload(cli, self).await
    }
}

impl LoadTest<Sessions> {
    /// Creates the load test of the sessions service: with the scenarios of this crate, the check of each response
    /// against everything that was written before, and the deletion of all sessions after the run.
    ///
    /// A scenario that is added to it is run in place of `lifecycle`, unless `--scenario` says otherwise.
    ///
    /// ```
    /// use loadtest::{IterationResult, LoadTest, Sessions, VirtualUser};
    ///
    /// async fn log_in_and_out(user: &mut VirtualUser<Sessions>) -> IterationResult {
    ///     let session = user.open().await?;
    ///     user.think().await?;
    ///     user.read(&session).await?;
    ///     user.close(&session).await?;
    ///     user.delete(&session).await
    /// }
    ///
    /// let sessions = LoadTest::sessions().scenario("log-in-and-out", log_in_and_out);
    /// # let _ = || {
    /// sessions.main()
    /// # };
    /// ```
    pub fn sessions() -> Self {
        Self {
            contract: Contract::SESSIONS,
            scenarios: BuiltIn::ALL.map(BuiltIn::scenario).into(),
            setup: None,
            teardown: None,
            backend: Box::new(SessionsBackend),
        }
    }
}

impl<C> fmt::Debug for LoadTest<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.scenarios.iter().map(|scenario| scenario.name).collect();
        f.debug_struct("LoadTest")
            .field("name", &self.contract.name)
            .field("scenarios", &names)
            .finish_non_exhaustive()
    }
}

fn run_to_end<C: Send + 'static>(test: &LoadTest<C>, cli: Cli) -> Result<ExitCode, LoadTestError> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| LoadTestError::LoadGenerator(format!("the runtime cannot start: {error}")))?;
    let exit = runtime.block_on(run_and_print(test, cli));
    // Dropping the runtime would wait for a name lookup that hangs.
    runtime.shutdown_background();
    exit
}

async fn run_and_print<C: Send + 'static>(test: &LoadTest<C>, cli: Cli) -> Result<ExitCode, LoadTestError> {
    // goose exits after it has only printed something, before its output could be forwarded.
    let redirected = (!cli.makes_no_load()).then(|| GooseStdout::redirect(cli.prints_goose_output()));
    let output = run_workload(cli, test).await;
    drop(redirected);
    let output = output?;
    // A standard output that is closed or full changes nothing about the verdict, which then is on standard error.
    if let Err(error) = print(&output) {
        let report = output.to_string();
        let verdict = report.trim_end().lines().next_back().unwrap_or_default();
        let _ = writeln!(
            stderr(),
            "{}: standard output cannot be written: {error}\n{verdict}",
            status::program()
        );
    }
    Ok(output.exit_code())
}

fn print(output: &CommandOutput) -> io::Result<()> {
    let mut stdout = stdout().lock();
    write!(stdout, "{output}")?;
    stdout.flush()
}
