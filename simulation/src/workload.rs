//! The calls of a simulated user, and the checks of their responses.

use crate::client::Client;
use crate::faults::Schedule;
use crate::log::Log;
use crate::plan::Plan;
use crate::records::{CALL, OPEN, Records};
use crate::tokens::TokenServer;
use fastrand::Rng;
use serde_json::json;
use sessions_client::{CallOptions, Error, FilterParams, ISessionsV1, Result, SessionV1, Value};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The longest time from the rejection of two tokens in a row until the client has a new one: it waits 60 s before it
/// fetches one, and the fetch takes at most 35 s.
const REJECTION_MEMORY: Duration = Duration::from_secs(95);

/// A user who makes one call after another.
pub(crate) struct User {
    pub(crate) client: Client,
    pub(crate) records: Records,
    pub(crate) schedule: Schedule,
    pub(crate) log: Log,
    pub(crate) tokens: Option<TokenServer>,
    pub(crate) deadline: Duration,
    /// The longest string that is stored in a session.
    pub(crate) max_payload: usize,
    pub(crate) random: Rng,
    /// The ids of the sessions that the user has opened.
    pub(crate) ids: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Operation {
    Open,
    Get,
    List,
    Store,
    Update,
    Close,
    Delete,
    CloseExpired,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Open => OPEN,
            Self::Get => "get_session_by_id",
            Self::List => "get_sessions",
            Self::Store => "store_session_data",
            Self::Update => "update_session_user",
            Self::Close => "close_session",
            Self::Delete => "delete_session_by_id",
            Self::CloseExpired => "close_expired_sessions",
        }
    }
}

impl User {
    /// Makes the calls of the plan.
    pub(crate) async fn run(mut self, plan: &Plan) {
        for _ in 0..plan.calls {
            sleep(Duration::from_millis(self.random.u64(0..=plan.think_time))).await;
            let operation = self.draw();
            let mut options = CallOptions::new();
            if self.random.u8(..5) == 0 {
                options = options.deadline(Duration::from_millis(self.random.u64(20..=5_000)));
            }
            if self.random.u8(..10) == 0 {
                options = options.timeout(Duration::from_millis(self.random.u64(20..=5_000)));
            }
            if self.random.u8(..10) == 0 {
                options = options.retries(self.random.u32(0..=2));
            }
            let cancelled = self.random.u8(..100) < plan.cancelled;
            let cancelled = cancelled.then(|| Duration::from_millis(self.random.u64(0..=2_000)));
            // The result is in the records.
            let _ = self.call(operation, options, cancelled).await;
        }
    }

    fn draw(&mut self) -> Operation {
        if self.ids.is_empty() {
            return Operation::Open;
        }
        match self.random.u8(..100) {
            0..35 => Operation::Open,
            35..55 => Operation::Get,
            55..65 => Operation::List,
            65..80 => Operation::Store,
            80..85 => Operation::Update,
            85..90 => Operation::Close,
            90..95 => Operation::Delete,
            _ => Operation::CloseExpired,
        }
    }

    /// Makes one call, which is cancelled after the time `cancelled`. Returns `None` if it was.
    pub(crate) async fn call(
        &mut self,
        operation: Operation,
        options: CallOptions,
        cancelled: Option<Duration>,
    ) -> Option<Result<()>> {
        let limit = options.deadline.unwrap_or(self.deadline);
        let started_at = self.schedule.now();
        let number = self.records.begin(operation.name(), limit, options.retries);
        let id = self.random.choice(&self.ids).cloned().unwrap_or_else(|| "unknown".to_owned());
        let client = self.client.with(options);
        let correlation = format!("call-{number}");
        // Most payloads are short.
        let length = if self.random.u8(..10) == 0 { self.random.usize(0..=self.max_payload) } else { 0 };
        let data = json!({"call": number, "text": "x".repeat(length)});
        let request = Request { operation, number, correlation: &correlation, id: &id, data: &data };
        let call = perform(&client, &self.log, &request);
        let call = Box::pin(CALL.scope(number, call));
        let outcome = match cancelled {
            Some(after) => {
                let Ok(outcome) = timeout(after, call).await else {
                    self.records.cancel(number);
                    return None;
                };
                outcome
            }
            None => call.await,
        };
        self.records.end(number, outcome.as_ref().map(drop));
        Some(match outcome {
            Ok(opened) => {
                self.ids.extend(opened);
                Ok(())
            }
            Err(error) => {
                self.check_rejection(number, started_at, &error);
                Err(error)
            }
        })
    }

    /// Checks that a call fails with a rejected token only if the token that replaced it may have been invalid too.
    fn check_rejection(&self, number: usize, started_at: Duration, error: &Error) {
        let Some(tokens) =
            self.tokens.as_ref().filter(|_| error.status().is_some_and(|status| status == 401))
        else {
            return;
        };
        let from = started_at.saturating_sub(REJECTION_MEMORY);
        self.log.check(tokens.has_two_ends(from, self.schedule.now()), || {
            format!("call {number} fails because of its token, although a new one was valid: {error}")
        });
    }
}

/// A call, with its arguments.
struct Request<'r> {
    operation: Operation,
    number: usize,
    correlation: &'r str,
    id: &'r str,
    /// The payload of a session.
    data: &'r Value,
}

/// Makes a call and checks that the response is the one to its request. Returns the id of a new session.
async fn perform(client: &impl ISessionsV1, log: &Log, request: &Request<'_>) -> Result<Option<String>> {
    let &Request { operation, number, correlation, id, data } = request;
    let user = format!("user-{number}");
    let id_of = |session: &SessionV1| session.id.clone();
    let correlation = Some(correlation);
    let same = |found: Option<&SessionV1>| {
        let found = found.map(id_of);
        log.check(found.as_deref().is_none_or(|found| found == id), || {
            format!("call {number} about session {id} received the response about {found:?}")
        });
    };
    match operation {
        Operation::Open => {
            let opened = client.open_session(correlation, &user, None, None, None, None, Some(data)).await?;
            log.check(opened.user_id.as_ref() == Some(&user) && opened.data.as_ref() == Some(data), || {
                format!("call {number} received the session of {:?}", opened.user_id)
            });
            return Ok(Some(opened.id));
        }
        Operation::Get => same(client.get_session_by_id(correlation, id).await?.as_ref()),
        Operation::List => {
            let page = client.get_sessions(correlation, Some(&FilterParams::new().id(id)), None).await?;
            page.data.iter().for_each(|session| same(Some(session)));
        }
        Operation::Store => {
            let stored = client.store_session_data(correlation, id, data).await?;
            same(stored.as_ref());
            log.check(stored.is_none_or(|stored| stored.data.as_ref() == Some(data)), || {
                format!("call {number} received other data than it has stored")
            });
        }
        Operation::Update => {
            let updated = client.update_session_user(correlation, id, data).await?;
            same(updated.as_ref());
            log.check(updated.is_none_or(|updated| updated.user.as_ref() == Some(data)), || {
                format!("call {number} received another user than it has stored")
            });
        }
        Operation::Close => same(client.close_session(correlation, id).await?.as_ref()),
        Operation::Delete => same(client.delete_session_by_id(correlation, id).await?.as_ref()),
        Operation::CloseExpired => client.close_expired_sessions(correlation).await?,
    }
    Ok(None)
}
