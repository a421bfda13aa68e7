//! Sessions are opened over connections that break at every moment: before the request is read, before the service
//! sees it, after it has done its work, within its answer.
//!
//! Afterwards every session in the service belongs to one call: one that succeeded, or one whose error admits that
//! the service may have done its work.

use super::proxy::{Fate, Proxy};
use super::{clean_up, own_user, sessions_of};
use sessions_client::server::EmbeddedService;
use sessions_client::{Error, ISessionsV1, SessionV1, SessionsHttpClientV1, SessionsMemoryClientV1};
use snapshots::{service_url, tell};
use std::collections::BTreeMap;
use tokio::task::JoinSet;

const CALLS: usize = 1000;
const TASKS: usize = 20;

/// Changes nothing but which requests meet which fate.
const SEED: u64 = 20_261_124;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_is_opened_twice_or_behind_the_caller_s_back_at_the_embedded_service() {
    let service = EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new()).await.unwrap();
    outage("embedded service", &service.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a service at SESSIONS_URL"]
async fn no_session_is_opened_twice_or_behind_the_caller_s_back_at_sessions_url() {
    outage("real service", &service_url().expect("SESSIONS_URL says where the service is")).await;
}

async fn outage(name: &str, url: &str) {
    let user_id = own_user();
    let service = url.trim_start_matches("http://").parse().expect("an address and a port");
    let proxy = Proxy::start(service, SEED);
    let client = SessionsHttpClientV1::connect(&format!("http://{}", proxy.address)).unwrap();
    let mut running = JoinSet::new();
    for task in 0..TASKS {
        let (client, user_id) = (client.clone(), user_id.clone());
        running.spawn(async move {
            let mut outcomes = Vec::new();
            for call in (task..CALLS).step_by(TASKS) {
                // The name tells afterwards which call a session belongs to.
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
    tell(&format!("broken connections, {name}: {}; {:?}", figures(&outcomes, &opened), proxy.fates()));
    judge(&outcomes, &opened);
    let met = proxy.fates();
    assert!(met.len() == 7 && met[&Fate::Absence] > 0, "a fate was never met: {met:?}");
}

type Outcomes = BTreeMap<String, Result<SessionV1, Error>>;

fn figures(outcomes: &Outcomes, opened: &[SessionV1]) -> String {
    let count = |what: fn(&Result<SessionV1, Error>) -> bool| outcomes.values().filter(|o| what(o)).count();
    let succeeded = count(Result::is_ok);
    format!(
        "{} calls, {succeeded} succeeded, {} never sent, {} may have been done, of which {} were; {} sessions",
        outcomes.len(),
        count(|outcome| outcome.as_ref().is_err_and(Error::is_connect)),
        count(|outcome| outcome.as_ref().is_err_and(|error| !error.is_connect())),
        opened.len() - succeeded,
        opened.len(),
    )
}

fn judge(outcomes: &Outcomes, opened: &[SessionV1]) {
    let mut sessions = BTreeMap::new();
    for session in opened {
        let name = session.user_name.as_deref().unwrap();
        assert_eq!(sessions.insert(name, &session.id), None, "{name} opened two sessions");
    }
    for (name, id) in &sessions {
        match &outcomes[*name] {
            Ok(answered) => assert_eq!(&answered.id, *id, "{name} got another session"),
            Err(error) => assert!(!error.is_connect(), "{name} opened a session and says: {error}"),
        }
    }
    for (name, outcome) in outcomes {
        match outcome {
            Ok(_) => assert!(sessions.contains_key(&**name), "{name} got a session that is not there"),
            Err(error) => assert!(error.is_retryable(), "{name} failed as nothing here does: {error}"),
        }
    }
    let (there, lost): (Vec<_>, Vec<_>) = outcomes
        .iter()
        .filter(|(_, outcome)| outcome.as_ref().is_err_and(|error| !error.is_connect()))
        .partition(|(name, _)| sessions.contains_key(&***name));
    assert!(!there.is_empty() && !lost.is_empty(), "the connections did not break at all moments");
}
