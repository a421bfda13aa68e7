//! Virtual users, as scenarios see them.

use super::shared::{SharedState, user_id_prefix};
use super::user_calls::UserCalls;
use crate::data::DataRow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The result of an iteration.
pub type IterationResult = Result<(), IterationError>;

/// The reason why an iteration ends before it completes.
///
/// The operator `?` converts any error into one. It does not implement [`Error`] itself, like other types with
/// such a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IterationError {
    /// A call failed, of the operation with this name. It is already counted. Its effect may have happened.
    Failed(&'static str),
    /// A response was wrong, in the words of the check. It is already counted.
    Violation(&'static str),
    /// The run has ended, or is about to.
    RunEnded,
    /// Any other error. If it is not the one of a failed call, it is counted as a violation.
    Other(String),
}

impl<E: Error> From<E> for IterationError {
    fn from(error: E) -> Self {
        Self::Other(error.to_string())
    }
}

impl fmt::Display for IterationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(operation) => write!(f, "{operation} failed"),
            Self::Violation(kind) => f.write_str(kind),
            Self::RunEnded => f.write_str("the run has ended"),
            Self::Other(message) => f.write_str(message),
        }
    }
}

/// A virtual user, which runs one iteration after the other.
///
/// `C` is what the user has, in most cases a typed client. It is kept from one iteration to the next.
pub struct VirtualUser<C> {
    pub(crate) calls: Arc<UserCalls>,
    pub(crate) client: C,
    scenario: &'static str,
    /// The checks that the results know.
    checks: Vec<&'static str>,
}

impl<C> VirtualUser<C> {
    pub(crate) fn new(calls: Arc<UserCalls>, client: C) -> Self {
        Self { calls, client, scenario: "", checks: Vec::new() }
    }

    pub(crate) fn start_iteration(&mut self, scenario: &'static str) {
        self.scenario = scenario;
    }

    pub(crate) fn shared(&self) -> &Arc<SharedState> {
        &self.calls.shared
    }

    /// The client of this user. Its calls are counted under the names of their operations.
    #[must_use]
    pub fn client(&self) -> &C {
        &self.client
    }

    /// The client of this user, to change what is kept with it.
    #[must_use]
    pub fn client_mut(&mut self) -> &mut C {
        &mut self.client
    }

    /// The number of this user among those of its process, counted from 0.
    #[must_use]
    pub fn number(&self) -> usize {
        self.calls.number
    }

    /// An id that no other user of any run has, such as `loadtest-0123456789ab-0-7-browse`: the id of the test
    /// run, and the numbers of the worker and of this user. Each scenario has its own ids.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}{}-{}", self.worker_prefix(), self.number(), self.scenario)
    }

    /// The beginning of all ids of users of this test run, such as `loadtest-0123456789ab-`.
    #[must_use]
    pub fn test_run_prefix(&self) -> String {
        user_id_prefix(&self.shared().config.test_run_id)
    }

    /// The beginning of the ids of the users of this worker, such as `loadtest-0123456789ab-0-`. A teardown deletes
    /// by it, because other workers of the run may not have ended.
    #[must_use]
    pub fn worker_prefix(&self) -> String {
        format!("{}{}-", self.test_run_prefix(), self.shared().config.id_number)
    }

    /// Takes the next row of `--data-file`, or with `--data-order random` any row; `None` without such a file. The rows of
    /// all users and workers are different, until each was taken.
    #[must_use]
    pub fn next_row(&self) -> Option<Arc<DataRow>> {
        self.shared().data.as_ref().map(|rows| rows.take())
    }

    /// Awaits calls whose responses may have one of these statuses, such as 404 for an order that was cancelled. Such a
    /// response counts as a successful call, which the report lists as expected, and the result is `None`.
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
    /// # use loadtest::{IterationResult, LoadTransport, VirtualUser};
    /// # type User = VirtualUser<ShopClient<LoadTransport>>;
    /// async fn look_for_what_is_not_sold(user: &mut User) -> IterationResult {
    ///     let price = user.expecting(&[404], user.client().price("nothing")).await?;
    ///     user.check("nothing has no price", price.is_none())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the calls with other statuses, or without a response.
    pub async fn expecting<T>(
        &self,
        statuses: &[u16],
        calls: impl Future<Output = Result<T, wiretrait::Error>>,
    ) -> Result<Option<T>, wiretrait::Error> {
        let expecting = self.calls.expect(statuses);
        let result = calls.await;
        drop(expecting);
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.status().is_some_and(|status| statuses.contains(&status.as_u16())) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Checks a condition. If it does not hold, a response was wrong: the report lists the violation by this name,
    /// and the program exits with 2.
    ///
    /// The name is what must be true, such as `the price is positive`, and contains nothing variable.
    ///
    /// # Errors
    ///
    /// [`IterationError::Violation`], with which most scenarios end the iteration. With `--no-checks` it never fails.
    pub fn check(&mut self, name: &'static str, holds: bool) -> IterationResult {
        self.checked(name, holds, || [None, None])
    }

    /// Checks that two values are equal, like [`check`](Self::check). The report shows both.
    ///
    /// # Errors
    ///
    /// [`IterationError::Violation`].
    pub fn check_eq<A, B>(&mut self, name: &'static str, observed: &A, expected: &B) -> IterationResult
    where
        A: PartialEq<B> + fmt::Debug,
        B: fmt::Debug,
    {
        let holds = observed == expected;
        self.checked(name, holds, || [Some(format!("{expected:?}")), Some(format!("{observed:?}"))])
    }

    fn checked(
        &mut self,
        name: &'static str,
        holds: bool,
        values: impl FnOnce() -> [Option<String>; 2],
    ) -> IterationResult {
        if !self.shared().config.checks_enabled {
            return Ok(());
        }
        if self.calls.is_measured && !self.checks.contains(&name) {
            self.checks.push(name);
            self.shared().recorder.checks_for(name);
        }
        if holds {
            return Ok(());
        }
        self.calls.violation(name, values());
        Err(IterationError::Violation(name))
    }

    /// Returns an error if the run has ended.
    ///
    /// # Errors
    ///
    /// [`IterationError::RunEnded`].
    pub fn check_stop(&self) -> IterationResult {
        if self.calls.is_ended() { Err(IterationError::RunEnded) } else { Ok(()) }
    }

    /// Waits for half to one and a half times the think time of the command line. Returns an error if the run
    /// ends meanwhile.
    ///
    /// # Errors
    ///
    /// [`IterationError::RunEnded`].
    pub async fn think(&self) -> IterationResult {
        let think_time = self.shared().config.think_time;
        if !think_time.is_zero() {
            let pause = think_time.mul_f64(0.5 + fastrand::f64());
            tokio::select! {
                () = tokio::time::sleep(pause) => (),
                () = self.shared().stop.ended(), if self.calls.is_measured => (),
            }
        }
        self.check_stop()
    }
}

impl<C> fmt::Debug for VirtualUser<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualUser")
            .field("number", &self.number())
            .field("scenario", &self.scenario)
            .finish_non_exhaustive()
    }
}
