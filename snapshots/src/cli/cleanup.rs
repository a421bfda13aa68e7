//! The command `contract cleanup`.

use super::Exit;
use crate::cases::cases;
use crate::check::{stop_on_signals, warn_about_tls};
use crate::environment::{log, service_params};
use clap::Args;
use contract_tests::suite::StopSignal;
use futures_util::{StreamExt as _, stream};
use sessions_client::{
    FilterParams, ISessionsV1, PagingParams, Policies, SessionsHttpClientV1, SessionsNetworkTransportV1,
};
use std::collections::HashSet;
use std::path::PathBuf;

/// Deletes the sessions that a check has left behind, of the users of this check only.
#[derive(Args, Debug)]
pub(super) struct CleanupCommand {
    /// Address of the service, such as `https://sessions.staging.example` [env: `SESSIONS_URL`]
    #[arg(value_name = "URL")]
    url: Option<String>,

    /// File that describes the deployment [env: `SESSIONS_CONFIG`]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Protocol of the service: http, grpc or commandable-grpc [default: that of the description, or http]
    #[arg(long, value_name = "PROTOCOL", value_parser = ["http", "grpc", "commandable-grpc"], hide_possible_values = true)]
    protocol: Option<String>,

    /// Start of the ids of the users, as the check has printed it
    #[arg(long, value_name = "USER")]
    user: String,
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
        let params = service_params(self.config.as_deref(), self.url.as_deref())?;
        let params = params.ok_or("the address is missing: give a URL, --config FILE or SESSIONS_URL")?;
        let protocol = self.protocol.as_deref().map(|protocol| ("--protocol", "kind", protocol));
        let config = params.with_flags(protocol)?.build()?;
        warn_about_tls(&config);
        let client = Client::new(Policies::new(SessionsNetworkTransportV1::new(&config)?, &config));
        let names = cases().into_iter().map(|case| case.name());
        let users: Vec<String> = names
            .flat_map(|name| [format!("{}-{name}", self.user), format!("{}-{name}-again", self.user)])
            .collect();
        let stop = StopSignal::default();
        let _signals = stop_on_signals(stop.clone())?;
        let all = stream::iter(users).map(|user| {
            let client = &client;
            async move { delete_all(client, &user).await }
        });
        let all = all.buffer_unordered(JOBS).collect::<Vec<_>>();
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
                log(&format!("error: no session of {} was found: check --user", self.user));
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
