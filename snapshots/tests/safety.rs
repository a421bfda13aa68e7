//! A run leaves nothing behind at a service that fails in the middle of it.

use http::StatusCode;
use serde_json::{Value, json};
use sessions_client::{
    Call, Error, ErrorKind, ISessionsV1, InProcessTransport, Request, Response, SessionsMemoryClientV1,
    Transport, sessions_v1, transport_fn,
};
use snapshots::GivenSession as _;
use snapshots::cases::cases;
use snapshots::suite::{Case, RunOptions, RunReport, run};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A failure of the fake service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// The connection is refused, and nothing is done.
    RefusesConnection,
    /// The request is processed, but the response is lost.
    LosesResponse,
    /// The response is not one of the service.
    InvalidResponse,
    /// Delete succeeds without deleting the session.
    IgnoresDelete,
    /// The test code panics.
    Panics,
}

/// An in-memory service that fails at some calls.
#[derive(Clone)]
struct Fake {
    service: InProcessTransport<sessions_v1::Handler<SessionsMemoryClientV1>>,
    calls: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<(Request, Response)>>>,
    failure: Failure,
    fails_at: fn(usize, usize) -> bool,
    at: usize,
}

impl Fake {
    fn new(
        sessions: &SessionsMemoryClientV1,
        failure: Failure,
        fails_at: fn(usize, usize) -> bool,
        at: usize,
    ) -> Self {
        let service = InProcessTransport::new(sessions_v1::Handler::new(sessions.clone()));
        Self { service, calls: Arc::default(), requests: Arc::default(), failure, fails_at, at }
    }

    fn healthy(sessions: &SessionsMemoryClientV1) -> Self {
        Self::new(sessions, Failure::RefusesConnection, |_, _| false, 0)
    }
}

impl Transport for Fake {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        if call.request.uri().path() == "/heartbeat" {
            // Past any time of a session.
            return Ok(Response::new(r#""2999-01-01T00:00:00.000Z""#.into()));
        }
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        if !(self.fails_at)(number, self.at) {
            let request = call.request.clone();
            let response = self.service.send(call).await?;
            self.requests.lock().unwrap().push((request, response.clone()));
            return Ok(response);
        }
        match self.failure {
            Failure::RefusesConnection => Err(Error::new(ErrorKind::Connect, "connection refused")),
            Failure::LosesResponse => {
                self.service.send(call).await?;
                Err(Error::new(ErrorKind::Transport, "the connection broke"))
            }
            Failure::InvalidResponse => {
                let mut response = Response::new("<html>".into());
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                Ok(response)
            }
            Failure::IgnoresDelete if call.route.name == "delete_session_by_id" => {
                let mut response = Response::default();
                *response.status_mut() = StatusCode::NO_CONTENT;
                Ok(response)
            }
            Failure::IgnoresDelete => self.service.send(call).await,
            Failure::Panics => panic!("a bug in the tests"),
        }
    }
}

/// A service with sessions of another user, and a clock that advances with each reading.
async fn service() -> (SessionsMemoryClientV1, Vec<String>) {
    let ticks = AtomicUsize::new(0);
    let sessions = SessionsMemoryClientV1::new().with_clock(move || {
        let ticks = i64::try_from(ticks.fetch_add(1, Ordering::SeqCst)).unwrap();
        chrono::DateTime::from_timestamp_millis(1_795_399_820_000 + ticks).unwrap()
    });
    let mut others = Vec::new();
    for data in [json!(1), json!({"k": "v"})] {
        let other = sessions.open_session(None, "other", None, None, None, None, Some(&data)).await.unwrap();
        others.push(other.id);
    }
    (sessions, others)
}

async fn all_sessions(sessions: &SessionsMemoryClientV1) -> Value {
    let page = sessions.get_sessions(None, None, None).await.unwrap();
    let mut all = Vec::new();
    for session in page.data {
        all.push(serde_json::to_value(sessions.get_session_by_id(None, &session.id).await.unwrap()).unwrap());
    }
    all.into()
}

fn few_cases() -> Vec<Case> {
    vec![
        Case::new("close_session", "two")
            .given_session(r#","data":1"#)
            .given_session(r#","data":2"#)
            .call("One is closed", r#"{"session_id":"<id:1>"}"#),
        Case::new("get_sessions", "one")
            .given_session("")
            .call("It is listed", r#"{"filter":{"user_id":"<user>"}}"#),
    ]
}

fn options(is_exclusive: bool) -> RunOptions {
    RunOptions { user: "own".to_owned(), is_exclusive, ..RunOptions::default() }
}

#[tokio::test]
async fn a_run_that_fails_at_any_call_leaves_nothing_behind() {
    let (sessions, _) = service().await;
    let before = all_sessions(&sessions).await;
    let fake = Fake::healthy(&sessions);
    let report = run(fake.clone(), &few_cases(), &options(false)).await;
    assert!(report.aborted.is_none() && report.completed.len() == 2, "{report:?}");
    let calls = fake.calls.load(Ordering::SeqCst);
    assert!(calls >= 10, "{calls}");

    let failures =
        [Failure::RefusesConnection, Failure::LosesResponse, Failure::InvalidResponse, Failure::Panics];
    let lengths: [fn(usize, usize) -> bool; 2] =
        [|number, at| number == at, |number, at| (at..at + 4).contains(&number)];
    for (failure, fails_at) in failures.into_iter().flat_map(|failure| lengths.map(|fails| (failure, fails)))
    {
        for at in 0..calls {
            let fake = Fake::new(&sessions, failure, fails_at, at);
            let report = run(fake, &few_cases(), &options(false)).await;
            assert_eq!(all_sessions(&sessions).await, before, "{failure:?} at call {at}");
            assert_eq!(report.left_behind, Vec::<String>::new(), "{failure:?} at call {at}");
        }
    }
}

/// The service with rewritten responses.
fn rewriting_responses(
    fake: Fake,
    rewrite: impl Fn(&str, &mut Response) + Clone + Send + Sync + 'static,
) -> impl Transport + Clone {
    Arc::new(transport_fn(move |call: Call| {
        let (fake, rewrite) = (fake.clone(), rewrite.clone());
        async move {
            let operation = call.route.name;
            let mut response = fake.send(call).await?;
            rewrite(operation, &mut response);
            Ok(response)
        }
    }))
}

#[tokio::test]
async fn a_session_of_another_user_is_never_touched() {
    let (sessions, others) = service().await;
    let before = all_sessions(&sessions).await;
    let other = others[0].clone();
    let body = json!({"id": other, "user_id": "other", "active": true}).to_string();
    let fake = rewriting_responses(Fake::healthy(&sessions), move |operation, response| {
        if operation == "open_session" {
            *response.body_mut() = body.clone().into();
        }
    });
    let report = run(fake, &few_cases(), &options(false)).await;
    assert_eq!(all_sessions(&sessions).await, before);
    assert_eq!(report.left_behind, [format!("{other}, which may belong to another user and is not deleted")]);
    assert!(report.completed.is_empty() && report.aborted.is_some(), "the run continues: {report:?}");
}

#[tokio::test]
async fn a_run_against_a_changed_service_completes_and_cleans_up() {
    let changes: [fn(&str, &mut Response); 3] = [
        |_, response| renamed("user_id", response),
        |_, response| renamed("active", response),
        |_, response| {
            if response.status() == StatusCode::NO_CONTENT {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let (sessions, _) = service().await;
        let before = all_sessions(&sessions).await;
        let report =
            run(rewriting_responses(Fake::healthy(&sessions), change), &few_cases(), &options(false)).await;
        assert_eq!(all_sessions(&sessions).await, before, "change {number}");
        assert!(report.left_behind.is_empty() && report.aborted.is_none(), "change {number}: {report:?}");
    }
}

fn renamed(key: &str, response: &mut Response) {
    let body = String::from_utf8_lossy(response.body());
    let body = body.replace(&format!("\"{key}\":"), &format!("\"the_{key}\":"));
    *response.body_mut() = body.into();
}

#[tokio::test]
async fn sessions_without_an_id_are_reported() {
    let (sessions, others) = service().await;
    let fake = rewriting_responses(Fake::healthy(&sessions), |_, response| {
        let body = String::from_utf8_lossy(response.body()).replace("\"id\":", "\"key\":");
        *response.body_mut() = body.into();
    });
    let report = run(fake, &few_cases()[1..], &options(false)).await;
    assert_eq!(sessions.len(), others.len() + 1);
    assert_eq!(report.left_behind, ["those of the user own-get_sessions__one that have no `id`"]);
}

#[tokio::test]
async fn sessions_whose_id_has_another_name_are_deleted() {
    let (sessions, _) = service().await;
    let before = all_sessions(&sessions).await;
    let fake = rewriting_responses(Fake::healthy(&sessions), |_, response| renamed("id", response));
    let report = run(fake, &few_cases(), &options(false)).await;
    assert_eq!(all_sessions(&sessions).await, before);
    assert!(report.left_behind.is_empty() && report.aborted.is_none(), "{report:?}");
}

#[tokio::test]
async fn a_failed_delete_does_not_stop_the_clean_up() {
    let (sessions, others) = service().await;
    let fake = Fake::healthy(&sessions);
    let resisting = transport_fn(move |call: Call| {
        let fake = fake.clone();
        async move {
            let first = fake.requests.lock().unwrap().first().map(|(_, opened)| opened.body().clone());
            let first = first.and_then(|body| serde_json::from_slice::<Value>(&body).ok());
            let id = first.as_ref().and_then(|session| session["id"].as_str()).unwrap_or("none");
            if call.route.name == "delete_session_by_id"
                && String::from_utf8_lossy(call.request.body()).contains(id)
            {
                return Err(Error::new(ErrorKind::Transport, "the connection broke"));
            }
            fake.send(call).await
        }
    });
    let report = run(Arc::new(resisting), &few_cases()[..1], &options(false)).await;
    assert_eq!(sessions.len(), others.len() + 1);
    assert_eq!(report.left_behind.len(), 1, "{report:?}");
}

#[tokio::test]
async fn a_session_without_a_user_that_is_left_behind_is_named() {
    type Respond = fn() -> Result<Response, Error>;
    let responses: [Respond; 2] = [
        || Err(Error::new(ErrorKind::Transport, "the connection broke")),
        // It does not delete the session, which no list contains.
        || Ok(Response::new("null".into())),
    ];
    for respond in responses {
        let (sessions, others) = service().await;
        let fake = Fake::healthy(&sessions);
        let undeletable = transport_fn(move |call: Call| {
            let fake = fake.clone();
            async move {
                match call.route.name {
                    "delete_session_by_id" => respond(),
                    _ => fake.send(call).await,
                }
            }
        });
        let cases = [Case::new("open_session", "unowned")
            .creates_unowned()
            .raw("Without a user", r#"{"user_id":""}"#)];
        let options = options(true);
        let report = run(Arc::new(undeletable), &cases, &options).await;
        assert_eq!(sessions.len(), others.len() + 1);
        assert_eq!(report.left_behind.len(), 1, "{report:?}");
        assert_eq!(report.left_unowned, report.left_behind);
        assert_eq!(options.stop.unowned(), report.left_unowned);
    }
}

#[tokio::test]
async fn a_failed_case_names_its_cause_and_does_not_end_the_run() {
    let (sessions, _) = service().await;
    let before = all_sessions(&sessions).await;
    for (failure, why) in
        [(Failure::RefusesConnection, "connection refused"), (Failure::Panics, "a bug in the tests")]
    {
        let fake = Fake::new(&sessions, failure, |number, at| number == at, 1);
        let report = run(fake, &few_cases(), &RunOptions { jobs: 1, ..options(false) }).await;
        let [failed] = &report.failed[..] else { panic!("{report:?}") };
        assert_eq!(failed.name, "close_session__two");
        assert!(failed.reason.contains(why), "{failed:?}");
        assert_eq!(
            report.completed.iter().map(|case| &*case.name).collect::<Vec<_>>(),
            ["get_sessions__one"]
        );
        assert!(report.aborted.is_none() && report.left_behind.is_empty(), "{report:?}");
        assert_eq!(all_sessions(&sessions).await, before);
    }
}

#[tokio::test]
async fn clean_up_gives_up_on_a_service_that_stays_down() {
    let (sessions, others) = service().await;
    let fake = Fake::new(&sessions, Failure::RefusesConnection, |number, at| number >= at, 2);
    let report = run(fake.clone(), &few_cases()[..1], &options(false)).await;
    assert!(fake.calls.load(Ordering::SeqCst) < 20);
    assert_eq!(sessions.len(), others.len() + 2);
    assert_eq!(report.left_behind.len(), 2, "both ids are known: {report:?}");
    assert!(report.aborted.is_some(), "{report:?}");
}

#[tokio::test]
async fn a_lost_response_of_a_lost_service_is_reported_as_a_possible_session() {
    let (sessions, _) = service().await;
    let fake = Fake::new(&sessions, Failure::LosesResponse, |number, at| number >= at, 0);
    let unreachable = transport_fn(move |call: Call| {
        let fake = fake.clone();
        async move {
            if call.route.name == "open_session" {
                return fake.send(call).await;
            }
            Err(Error::new(ErrorKind::Connect, "connection refused"))
        }
    });
    let report = run(Arc::new(unreachable), &few_cases()[..1], &options(false)).await;
    let [left] = &report.left_behind[..] else { panic!("{report:?}") };
    assert!(left.starts_with("perhaps sessions of the user own-close_session__two: "), "{left}");
}

#[tokio::test]
async fn no_session_is_reported_at_a_service_that_opened_none() {
    type Respond = fn() -> Result<Response, Error>;
    let services: [(Respond, &str); 2] = [
        (
            || Err(Error::new(ErrorKind::Connect, "connection refused")),
            "the service no longer responds (connection refused)",
        ),
        (
            || Ok(with_status(StatusCode::UNAUTHORIZED)),
            "sessions cannot be listed during clean-up (the response is 401 Unauthorized)",
        ),
    ];
    for (respond, expected) in services {
        let options = options(false);
        let transport = Arc::new(transport_fn(move |_| async move { respond() }));
        let report = run(transport, &cases(), &options).await;
        assert_eq!(report.left_behind, Vec::<String>::new());
        assert_eq!(options.stop.users(), Vec::<String>::new());
        let aborted = report.aborted.unwrap();
        assert!(aborted.starts_with(expected), "{aborted}");
        assert!(!report.not_reached.is_empty());
    }
}

#[tokio::test]
async fn the_reason_why_sessions_are_not_listed_is_named() {
    type Respond = fn() -> Result<Response, Error>;
    let lists: [(Respond, &str); 2] = [
        (|| Ok(with_status(StatusCode::BAD_GATEWAY)), "the service no longer responds (502 Bad Gateway)"),
        (
            || Err(Error::new(ErrorKind::Decode, "the body is too large")),
            "sessions cannot be listed during clean-up (the body is too large)",
        ),
    ];
    for (list, expected) in lists {
        let transport = transport_fn(move |call: Call| async move {
            match call.route.name {
                "get_sessions" => list(),
                _ => Err(Error::new(ErrorKind::Timeout, "no response within 2s")),
            }
        });
        let cases = [Case::new("get_session_by_id", "slow").raw("It is read", r#"{"session_id":"1"}"#)];
        let report = run(Arc::new(transport), &cases, &options(false)).await;
        let expected = format!("{expected}: get_session_by_id__slow: no response within 2s");
        assert_eq!(report.aborted, Some(expected));
    }
}

fn with_status(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

#[tokio::test]
async fn sessions_listed_after_their_deletion_are_reported() {
    let (sessions, others) = service().await;
    let fake = Fake::new(&sessions, Failure::IgnoresDelete, |_, _| true, 0);
    let report = run(fake, &few_cases()[..1], &options(false)).await;
    assert_eq!(sessions.len(), others.len() + 2);
    assert_eq!(report.left_behind.len(), 2, "{report:?}");
}

#[tokio::test]
async fn a_stopped_run_ends_early_and_leaves_nothing_behind() {
    let (sessions, _) = service().await;
    let before = all_sessions(&sessions).await;
    let options = options(false);
    options.stop.request();
    let report = run(Fake::healthy(&sessions), &few_cases(), &options).await;
    assert!(report.aborted.is_some_and(|aborted| aborted.contains("stopped")));
    assert_eq!(report.not_reached.len(), 2);
    assert_eq!(all_sessions(&sessions).await, before);
}

/// Several cases of each kind, which run at the same time.
fn many_cases() -> Vec<Case> {
    let cases = (0..12).flat_map(|number| {
        [
            Case::new("close_session", format!("two_{number}"))
                .given_session(r#","data":1"#)
                .given_session(r#","data":2"#)
                .call("One is closed", r#"{"session_id":"<id:1>"}"#),
            Case::new("get_sessions", format!("one_{number}"))
                .given_session("")
                .call("It is listed", r#"{"filter":{"user_id":"<user>"}}"#),
        ]
    });
    cases.collect()
}

#[tokio::test]
async fn a_stop_in_the_middle_ends_all_running_cases_and_cleans_up_after_each() {
    for at in [1, 5, 20, 60] {
        let (sessions, _) = service().await;
        let before = all_sessions(&sessions).await;
        let options = RunOptions { jobs: 8, ..options(false) };
        let (fake, stop, count) = (Fake::healthy(&sessions), options.stop.clone(), AtomicUsize::new(0));
        let stopping = transport_fn(move |call: Call| {
            let fake = fake.clone();
            if count.fetch_add(1, Ordering::SeqCst) == at {
                stop.request();
            }
            async move {
                // The others get their turn, so that several cases have opened sessions.
                tokio::task::yield_now().await;
                fake.send(call).await
            }
        });
        let report = run(Arc::new(stopping), &many_cases(), &options).await;
        assert_eq!(report.aborted.as_deref(), Some("it was stopped"), "at {at}");
        assert!(!report.not_reached.is_empty() && report.failed.is_empty(), "at {at}: {:?}", report.failed);
        assert_eq!(all_sessions(&sessions).await, before, "at {at}");
        assert_eq!(options.stop.users(), Vec::<String>::new(), "at {at}");
    }
}

#[tokio::test]
async fn users_are_named_while_they_may_have_sessions() {
    let (sessions, _) = service().await;
    let options = RunOptions { jobs: 4, ..options(false) };
    let (fake, stop) = (Fake::healthy(&sessions), options.stop.clone());
    let most = Arc::new(AtomicUsize::new(0));
    let highest = most.clone();
    let watched = transport_fn(move |call: Call| {
        let (fake, stop, most) = (fake.clone(), stop.clone(), most.clone());
        async move {
            tokio::task::yield_now().await;
            let response = fake.send(call).await;
            most.fetch_max(stop.users().len(), Ordering::SeqCst);
            response
        }
    });
    let report = run(Arc::new(watched), &many_cases(), &options).await;
    assert!(report.aborted.is_none() && report.completed.len() == 24, "{report:?}");
    assert_eq!(highest.load(Ordering::SeqCst), 4, "as many users as cases at a time");
    assert_eq!(options.stop.users(), Vec::<String>::new());
}

#[tokio::test]
async fn many_failures_of_parallel_cases_leave_nothing_behind() {
    let (sessions, _) = service().await;
    let before = all_sessions(&sessions).await;
    for failure in [Failure::RefusesConnection, Failure::LosesResponse, Failure::InvalidResponse] {
        // Every tenth call or so, so that no clean-up fails five times in a row.
        let fails_at = |number: usize, at: usize| (number.wrapping_mul(2_654_435_761) >> 7) % 10 == at;
        for at in 0..10 {
            let fake = Fake::new(&sessions, failure, fails_at, at);
            let report = run(fake, &many_cases(), &RunOptions { jobs: 8, ..options(false) }).await;
            assert_eq!(all_sessions(&sessions).await, before, "{failure:?}, {at}");
            assert_eq!((report.aborted, report.left_behind), (None, Vec::new()), "{failure:?}, {at}");
        }
    }
}

#[tokio::test]
async fn a_case_over_a_stale_connection_runs_again_with_another_user() {
    let (sessions, _) = service().await;
    let before = all_sessions(&sessions).await;
    for at in 0..6 {
        let (fake, count) = (Fake::healthy(&sessions), AtomicUsize::new(0));
        let closing = transport_fn(move |call: Call| {
            let (fake, number) = (fake.clone(), count.fetch_add(1, Ordering::SeqCst));
            async move {
                // The service may have processed the request.
                let response = fake.send(call).await;
                if number == at {
                    return Err(Error::new(ErrorKind::Transport, "closed").with_stale_connection());
                }
                response
            }
        });
        let report = run(Arc::new(closing), &few_cases()[..1], &options(false)).await;
        assert_eq!(report.completed.len(), 1, "at {at}: {report:?}");
        assert_eq!(all_sessions(&sessions).await, before, "at {at}");
    }
}

#[tokio::test]
async fn the_number_of_jobs_does_not_change_any_snapshot() {
    let mut runs = Vec::new();
    for jobs in [1, 32] {
        let (sessions, _) = service().await;
        let options = RunOptions { jobs, ..options(true) };
        let report = run(Fake::healthy(&sessions), &cases(), &options).await;
        assert!(report.aborted.is_none() && report.failed.is_empty(), "{report:?}");
        let snapshots = report.completed.into_iter().map(|case| (case.name, case.snapshot));
        runs.push(snapshots.collect::<Vec<_>>());
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn cases_that_need_an_exclusive_service_run_last_and_one_at_a_time() {
    let (sessions, _) = service().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (fake, paths) = (Fake::healthy(&sessions), seen.clone());
    let watched = transport_fn(move |call: Call| {
        paths.lock().unwrap().push(call.request.uri().path().to_owned());
        let fake = fake.clone();
        async move { fake.send(call).await }
    });
    let report = run(Arc::new(watched), &cases(), &options(true)).await;
    assert!(report.aborted.is_none(), "{report:?}");
    let seen = seen.lock().unwrap();
    let first = seen.iter().position(|path| path.contains("close_expired_sessions")).unwrap();
    let after: Vec<_> = seen[first..].iter().filter(|path| path.contains("store_session_data")).collect();
    assert!(after.is_empty(), "{after:?}");
}

/// Runs every case at a service with sessions of other users.
async fn whole_run(
    is_exclusive: bool,
) -> (RunReport, Vec<(Request, Response)>, SessionsMemoryClientV1, Vec<String>) {
    let (sessions, others) = service().await;
    let fake = Fake::healthy(&sessions);
    let report = run(fake.clone(), &cases(), &options(is_exclusive)).await;
    assert!(report.aborted.is_none() && report.left_behind.is_empty(), "{:?}", report.aborted);
    let requests = fake.requests.lock().unwrap().clone();
    (report, requests, sessions, others)
}

#[tokio::test]
async fn sessions_of_other_users_are_neither_changed_nor_read() {
    let (before, _) = service().await;
    let before = all_sessions(&before).await;
    let (_, requests, sessions, others) = whole_run(false).await;
    let mut after = all_sessions(&sessions).await;
    // Each service generates its own ids.
    for (session, was) in after.as_array_mut().unwrap().iter_mut().zip(before.as_array().unwrap()) {
        session["id"] = was["id"].clone();
    }
    assert_eq!(after, before);
    for (request, response) in requests {
        let body = String::from_utf8_lossy(response.body()).into_owned();
        assert!(!others.iter().any(|id| body.contains(id)), "{request:?} returned a session of another user");
    }
}

#[tokio::test]
async fn expired_sessions_are_closed_only_if_allowed() {
    let sweeps = |requests: &[(Request, Response)]| {
        requests.iter().filter(|(request, _)| request.uri().path().contains("close_expired_sessions")).count()
    };
    let (report, requests, ..) = whole_run(false).await;
    assert_eq!(sweeps(&requests), 0);
    let skipped =
        ["open_session__without_user", "close_expired_sessions__young", "close_expired_sessions__unreached"];
    assert_eq!(report.skipped, skipped);
    let (report, requests, ..) = whole_run(true).await;
    assert!(sweeps(&requests) > 0);
    assert!(report.skipped.is_empty());
}

#[tokio::test]
async fn every_opened_session_belongs_to_a_user_of_the_run() {
    let (_, requests, ..) = whole_run(false).await;
    let opened = requests.iter().filter(|(request, _)| request.uri().path().ends_with("/open_session"));
    for (_, response) in opened.filter(|(_, response)| response.status() == 200) {
        let session: Value = serde_json::from_slice(response.body()).unwrap();
        assert!(session["user_id"].as_str().is_some_and(|user| user.starts_with("own-")), "{session}");
    }
}
