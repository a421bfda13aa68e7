//! Sessions are opened over connections that break at every stage: before the request is read, before the
//! service receives it, after the service has processed it, within the response.
//!
//! Afterwards every session at the service belongs to exactly one call: one that succeeded, or one whose
//! error allows that the service processed the request.

use super::proxy::{Fate, Proxy};
use super::{clean_up, sessions_of, unique_user};
use sessions_client::{Error, ISessionsV1, SessionV1, SessionsHttpClientV1};
use sessions_service::{EmbeddedService, SessionStore};
use snapshots::{log, service_url};
use std::collections::BTreeMap;
use tokio::task::JoinSet;

const CALLS: usize = 1000;
const TASKS: usize = 20;

/// The seed that assigns fates to requests.
const SEED: u64 = 20_261_124;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_connections_open_no_session_twice_at_the_embedded_service() {
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    outage("embedded service", &service.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a service at SESSIONS_URL"]
async fn broken_connections_open_no_session_twice_at_sessions_url() {
    outage("real service", &service_url().expect("SESSIONS_URL is the URL of the service")).await;
}

async fn outage(name: &str, url: &str) {
    let user_id = unique_user();
    let service = url.trim_start_matches("http://").parse().expect("an address and a port");
    let proxy = Proxy::start(service, SEED);
    let client = SessionsHttpClientV1::connect(&format!("http://{}", proxy.address)).unwrap();
    let mut running = JoinSet::new();
    for task in 0..TASKS {
        let (client, user_id) = (client.clone(), user_id.clone());
        running.spawn(async move {
            let mut outcomes = Vec::new();
            for call in (task..CALLS).step_by(TASKS) {
                // The name identifies the call of a session.
                let name = format!("call {call}");
                let outcome = client.open_session(None, &user_id, Some(&name), None, None, None, None).await;
                outcomes.push((name, outcome));
            }
            outcomes
        });
    }
    let outcomes: BTreeMap<_, _> = running.join_all().await.into_iter().flatten().collect();
    let opened = sessions_of(url, &user_id).await;
    clean_up(url, &user_id).await;
    log(&format!("broken connections, {name}: {}; {:?}", figures(&outcomes, &opened), proxy.fates()));
    check(&outcomes, &opened);
    let met = proxy.fates();
    assert!(met.len() == 7 && met[&Fate::Downtime] > 0, "some fates did not occur: {met:?}");
}

type Outcomes = BTreeMap<String, Result<SessionV1, Error>>;

fn figures(outcomes: &Outcomes, opened: &[SessionV1]) -> String {
    let count = |what: fn(&Result<SessionV1, Error>) -> bool| outcomes.values().filter(|o| what(o)).count();
    let succeeded = count(Result::is_ok);
    format!(
        "{} calls, {succeeded} succeeded, {} not sent, {} possibly processed, of which {} were; {} sessions",
        outcomes.len(),
        count(|outcome| outcome.as_ref().is_err_and(Error::is_connect)),
        count(|outcome| outcome.as_ref().is_err_and(|error| !error.is_connect())),
        opened.len() - succeeded,
        opened.len(),
    )
}

fn check(outcomes: &Outcomes, opened: &[SessionV1]) {
    let mut sessions = BTreeMap::new();
    for session in opened {
        let name = session.user_name.as_deref().unwrap();
        assert_eq!(sessions.insert(name, &session.id), None, "{name} opened two sessions");
    }
    for (name, id) in &sessions {
        match &outcomes[*name] {
            Ok(session) => assert_eq!(&session.id, *id, "{name} returned another session"),
            Err(error) => assert!(!error.is_connect(), "{name} opened a session, but its error is: {error}"),
        }
    }
    for (name, outcome) in outcomes {
        match outcome {
            Ok(_) => assert!(sessions.contains_key(&**name), "{name} returned a session that does not exist"),
            Err(error) => {
                assert!(error.is_retryable(), "{name} failed with an error that is not retryable: {error}");
            }
        }
    }
    let (there, lost): (Vec<_>, Vec<_>) = outcomes
        .iter()
        .filter(|(_, outcome)| outcome.as_ref().is_err_and(|error| !error.is_connect()))
        .partition(|(name, _)| sessions.contains_key(&***name));
    assert!(!there.is_empty() && !lost.is_empty(), "the connections did not break at every stage");
}
