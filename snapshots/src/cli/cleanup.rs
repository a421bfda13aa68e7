//! The command `contract cleanup`.

use super::Exit;
use super::service::ServiceArgs;
use crate::cases::cases;
use crate::check::warn_about_tls;
use crate::contract::SessionsContract;
use crate::environment::log;
use clap::Args;
use contract_tests::suite::{StopSignal, stop_on_signals};
use futures_util::{StreamExt as _, stream};
use sessions_client::{
    FilterParams, ISessionsV1, PagingParams, Policies, SessionsHttpClientV1, SessionsNetworkTransportV1,
};
use std::collections::HashSet;

/// Delete the sessions that a check has left behind: those of its users, and those that are named
#[derive(Args, Debug)]
pub(super) struct CleanupCommand {
    #[command(flatten)]
    service: ServiceArgs,

    /// Start of the ids of the users, as the check has printed it
    #[arg(long, value_name = "USER")]
    user: String,

    /// Id of a session without a user, as the check has printed it; can be given several times
    #[arg(long, value_name = "ID")]
    session: Vec<String>,
}

/// The number of calls at a time.
const JOBS: usize = 16;

/// The largest page that a service returns.
const PAGE: u32 = 100;

type Client =
    SessionsHttpClientV1<serde_json::Value, serde_json::Value, Policies<SessionsNetworkTransportV1>>;

impl CleanupCommand {
    pub(super) async fn run(self) -> Exit {
        match self.try_run().await {
            Ok(exit) => exit,
            Err(error) => {
                log(&format!("error: {error}"));
                Exit::CouldNotRun
            }
        }
    }

    async fn try_run(self) -> Result<Exit, Box<dyn std::error::Error>> {
        let config = self.service.params()?.build()?;
        warn_about_tls(&config);
        let client = Client::new(Policies::new(SessionsNetworkTransportV1::new(&config)?, &config));
        let names = cases().into_iter().map(|case| case.name());
        let users: Vec<String> = names
            .flat_map(|name| [format!("{}-{name}", self.user), format!("{}-{name}-again", self.user)])
            .collect();
        let stop = StopSignal::default();
        let _signals = stop_on_signals(&SessionsContract, stop.clone(), log)?;
        let all = stream::iter(users).map(|user| {
            let client = &client;
            async move { delete_all(client, &user).await }
        });
        let unowned = stream::iter(&self.session).map(|id| {
            let client = &client;
            async move { delete_unowned(client, id).await }
        });
        let all = async {
            let mut outcomes: Vec<_> = all.buffer_unordered(JOBS).collect().await;
            outcomes.extend(unowned.buffer_unordered(JOBS).collect::<Vec<_>>().await);
            outcomes
        };
        let outcomes = tokio::select! {
            outcomes = all => outcomes,
            () = stop.requested() => return Ok(Exit::Stopped),
        };
        let deleted: usize = outcomes.iter().map(|(deleted, _)| deleted).sum();
        log(&format!("{deleted} session{} deleted", if deleted == 1 { "" } else { "s" }));
        match outcomes.into_iter().find_map(|(_, error)| error) {
            Some(error) => {
                log(&format!("error: not all sessions could be deleted: {error}"));
                Ok(Exit::Failed)
            }
            None if deleted == 0 => {
                log(&format!("error: no session of {} was found: check --user and --session", self.user));
                Ok(Exit::CouldNotRun)
            }
            None => Ok(Exit::Passed),
        }
    }
}

/// Deletes the sessions of a user. Returns their number, and the first problem.
async fn delete_all(client: &impl ISessionsV1, user: &str) -> (usize, Option<String>) {
    let filter = FilterParams::new().user_id(user);
    let first = PagingParams::new().skip(0).take(PAGE);
    let mut deleted = HashSet::new();
    loop {
        let page = match client.get_sessions(None, Some(&filter), Some(&first)).await {
            Ok(page) => page,
            Err(error) => return (deleted.len(), Some(error.to_string())),
        };
        // A service that ignores the filter must not lose the sessions of others.
        let own = page.data.into_iter().filter(|session| session.user_id.as_deref() == Some(user));
        let before = deleted.len();
        for session in own {
            if deleted.contains(&session.id) {
                let problem = "the service still lists sessions whose deletion it has confirmed";
                return (deleted.len(), Some(problem.to_owned()));
            }
            match client.delete_session_by_id(None, &session.id).await {
                Ok(Some(_)) => _ = deleted.insert(session.id),
                Ok(None) => {}
                Err(error) => return (deleted.len(), Some(error.to_string())),
            }
        }
        if deleted.len() == before {
            return (before, None);
        }
    }
}

/// Deletes a session unless it has a user. Returns the number of deleted sessions, and the first problem.
async fn delete_unowned(client: &impl ISessionsV1, id: &str) -> (usize, Option<String>) {
    let session = match client.get_session_by_id(None, id).await {
        Ok(session) => session,
        Err(error) => return (0, Some(error.to_string())),
    };
    let Some(session) = session else { return (0, None) };
    if session.user_id.is_some_and(|user| !user.is_empty()) {
        return (0, Some(format!("the session {id} has a user, so it is not one of a check")));
    }
    match client.delete_session_by_id(None, id).await {
        Ok(deleted) => (usize::from(deleted.is_some()), None),
        Err(error) => (0, Some(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sessions_client::SessionsMemoryClientV1;
    use sessions_client::sessions_v1::{DELETE_SESSION_BY_ID, GET_SESSIONS};
    use wiretrait::test_kit::{Reply, ScriptedTransport};

    #[tokio::test]
    async fn all_sessions_of_the_user_are_deleted() {
        let service: SessionsMemoryClientV1 = SessionsMemoryClientV1::new();
        for number in 0..=PAGE + 1 {
            let user = if number == 0 { "other" } else { "user" };
            service.open_session(None, user, None, None, None, None, None).await.unwrap();
        }
        assert_eq!(delete_all(&service, "user").await, (101, None));
        assert_eq!(service.get_sessions(None, None, None).await.unwrap().data.len(), 1);
    }

    #[tokio::test]
    async fn a_service_that_does_not_delete_is_reported() {
        let service: SessionsMemoryClientV1 = SessionsMemoryClientV1::new();
        let session = service.open_session(None, "user", None, None, None, None, None).await.unwrap();
        let script = ScriptedTransport::new();
        for _ in 0..2 {
            script.on(GET_SESSIONS, Reply::json(&json!({"data": [session]})));
        }
        script.on(DELETE_SESSION_BY_ID, Reply::json(&session));

        let client: SessionsHttpClientV1<serde_json::Value, serde_json::Value, _> =
            SessionsHttpClientV1::new(script.clone());
        let (deleted, problem) = delete_all(&client, "user").await;
        assert_eq!(deleted, 1);
        let problem = problem.unwrap();
        assert!(problem.contains("still lists"), "{problem}");
        script.assert_done();
    }
}
