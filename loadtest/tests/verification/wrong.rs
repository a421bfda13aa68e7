//! Ways in which a service, a proxy or a network is wrong, and how the load test reports them.

use crate::proxy::{Behaviour, Reply, Response};
use crate::table::{LONGEST_TIMEOUT, Outcome, Row, markdown, run_rows};
use crate::wrong_effects::effects;
use crate::wrong_values::{SECOND, list, lists, moved, payloads, values};
use crate::{ALL, CLOSE, DELETE, OPEN, READ, SESSION, STORE, UPDATE, WRITES, changed, error, every};
use sessions_client::Value;
use std::time::Duration;

/// Each of two users opens sessions, stores, reads, updates, closes and deletes.
const LIFECYCLE: &str = "--users 2 --iterations 2 --stores 2";

/// The same for one user, where the order of calls matters.
const ONE_USER: &str = "--users 1 --iterations 2 --stores 2";

/// Each of two users lists its sessions.
pub(crate) const BROWSE: &str = "--users 2 --iterations 2 --scenario browse";

/// The sessions of two users are deleted after the run.
pub(crate) const CHURN: &str = "--users 2 --iterations 2 --scenario churn";

pub(crate) fn row(name: &'static str, options: &'static str, behaviour: Behaviour) -> Row {
    Row { name, options, timeout: LONGEST_TIMEOUT, behaviour }
}

pub(crate) fn lifecycle(name: &'static str, behaviour: Behaviour) -> Row {
    row(name, LIFECYCLE, behaviour)
}

pub(crate) fn browse(name: &'static str, behaviour: Behaviour) -> Row {
    row(name, BROWSE, behaviour)
}

/// Calls that are not executed, or on the wrong session.
fn calls() -> Vec<Row> {
    /// A response as if the call had been executed.
    fn pretended(
        name: &'static str,
        operation: &'static [&'static str],
        change: fn(&mut Value, &Value),
    ) -> Row {
        lifecycle(
            name,
            every(1, operation, move |upstream, request| async move {
                let session = upstream.call(READ, request.arguments.clone()).await;
                Reply::Respond(Response::json(&session).change(|session| change(session, &request.arguments)))
            }),
        )
    }
    vec![
        pretended("a store is acknowledged and lost", &[STORE], |session, arguments| {
            session["data"] = arguments["data"].clone();
        }),
        pretended("an update is acknowledged and lost", &[UPDATE], |session, arguments| {
            session["user"] = arguments["user"].clone();
        }),
        pretended("a close is acknowledged and lost", &[CLOSE], |session, _| {
            session["active"] = false.into();
            session["close_time"] = session["request_time"].clone();
            (session["user"], session["data"]) = (Value::Null, Value::Null);
        }),
        pretended("a close has no effect", &[CLOSE], |_, _| ()),
        pretended("a delete is acknowledged and lost", &[DELETE], |_, _| ()),
        lifecycle(
            "a delete has status 204 and no effect",
            every(1, &[DELETE], |_, _| async { Reply::Respond(Response::new(204, "")) }),
        ),
        lifecycle(
            "a delete returns null",
            every(1, &[DELETE], |upstream, request| async move {
                upstream.send(&request).await;
                Reply::Respond(Response::new(200, "null"))
            }),
        ),
        lifecycle(
            "a store has status 204",
            every(1, &[STORE], |_, _| async { Reply::Respond(Response::new(204, "")) }),
        ),
        lifecycle(
            "a close keeps data",
            every(1, &[STORE, CLOSE], |upstream, request| async move {
                let response = upstream.send(&request).await;
                if request.operation == STORE {
                    upstream.remember(request.session(), &response);
                    return Reply::Respond(response);
                }
                let stored = upstream.remembered(&request.session()).unwrap().value();
                Reply::Respond(response.change(|session| session["data"] = stored["data"].clone()))
            }),
        ),
        lifecycle(
            "close_time precedes open_time in the response to close",
            changed(&[CLOSE], |session| session["close_time"] = "2001-01-01T00:00:00.000Z".into()),
        ),
        lifecycle(
            "a store goes to another session",
            every(2, &[STORE], |upstream, mut request| async move {
                let opened = Value::from_iter([("user_id", "ann")]);
                request.arguments["session_id"] = upstream.call(OPEN, opened).await["id"].clone();
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
        lifecycle(
            "a store is refused with 429 and executed",
            every(1, &[STORE], |upstream, request| async move {
                upstream.send(&request).await;
                error(429)
            }),
        ),
    ]
}

/// Wrong open calls.
fn opens() -> Vec<Row> {
    vec![
        row(
            "a session is opened twice",
            BROWSE,
            every(1, &[OPEN], |upstream, request| async move {
                upstream.send(&request).await;
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
        row(
            "an id is assigned again",
            "--users 1 --iterations 2 --scenario churn",
            every(1, &[OPEN], |upstream, request| async move {
                let response = upstream.send(&request).await;
                let id = upstream.remembered(OPEN).unwrap_or_else(|| response.clone()).value()["id"].clone();
                upstream.remember(OPEN, &response);
                Reply::Respond(response.change(|session| session["id"] = id))
            }),
        ),
        row("an opened session has no id", CHURN, changed(&[OPEN], |session| session["id"] = "".into())),
        lifecycle(
            "a session is opened for another user",
            every(1, &[OPEN], |upstream, mut request| async move {
                request.arguments["user_id"] = "ann".into();
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
        lifecycle(
            "open_time of a new session is in 2001",
            changed(&[OPEN], |session| session["open_time"] = "2001-01-01T00:00:00.000Z".into()),
        ),
    ]
}

/// Responses of other calls.
fn order() -> Vec<Row> {
    vec![
        lifecycle(
            "a read returns no session",
            every(1, &[READ], |_, _| async { Reply::Respond(Response::new(204, "")) }),
        ),
        lifecycle(
            "a read comes from a cache",
            every(1, &[READ], |upstream, request| async move {
                let cached = upstream.remembered(&request.session());
                let response = match cached {
                    Some(cached) => cached,
                    None => upstream.send(&request).await,
                };
                upstream.remember(request.session(), &response);
                Reply::Respond(response)
            }),
        ),
        lifecycle(
            "a read returns the state before the last write",
            every(1, SESSION, |upstream, request| async move {
                let before = upstream.call(READ, request.arguments.clone()).await;
                let response = upstream.send(&request).await;
                let key = request.session();
                if request.operation == READ {
                    return Reply::Respond(upstream.remembered(&key).unwrap_or(response));
                }
                upstream.remember(key, &Response::json(&before));
                Reply::Respond(response)
            }),
        ),
        lifecycle(
            "a store is acknowledged, and executed after the next",
            every(1, &[STORE], |upstream, request| async move {
                let session = upstream.call(READ, request.arguments.clone()).await;
                upstream.send_later(&request, Duration::from_millis(500));
                Reply::Respond(Response::json(&session).change(|session| {
                    session["data"] = request.arguments["data"].clone();
                }))
            }),
        ),
        row(
            "a read returns the previous response",
            ONE_USER,
            every(1, &[READ], |upstream, request| async move {
                let response = upstream.send(&request).await;
                if response.status != 200 {
                    return Reply::Respond(response);
                }
                Reply::Respond(upstream.remember(READ, &response).unwrap_or(response))
            }),
        ),
        browse(
            "a deleted session stays in lists",
            every(1, &[DELETE], |upstream, request| async move {
                Reply::Respond(Response::json(&upstream.call(READ, request.arguments.clone()).await))
            }),
        ),
    ]
}

/// Broken HTTP.
fn http() -> Vec<Row> {
    /// A row in which reads of open sessions have another response.
    fn reads(name: &'static str, reply: fn(Response) -> Reply) -> Row {
        lifecycle(
            name,
            every(1, &[READ], move |upstream, request| async move {
                let response = upstream.send(&request).await;
                // The probe before the run finds no session.
                if response.status == 204 { Reply::Respond(response) } else { reply(response) }
            }),
        )
    }
    vec![
        reads("a response is truncated JSON", |response| {
            Reply::Respond(Response::new(200, &response.body[..response.body.len() - 20]))
        }),
        reads("a response is a page of HTML with status 200", |_| {
            Reply::Respond(Response::new(200, "<html>Log in</html>"))
        }),
        reads("a response is empty with status 200", |_| Reply::Respond(Response::new(200, ""))),
        reads("a response is null", |_| Reply::Respond(Response::new(200, "null"))),
        reads("a response is an array", |response| {
            Reply::Respond(Response::new(200, [b"[", &*response.body, b"]"].concat()))
        }),
        reads("a response is an error with status 200", |_| {
            Reply::Respond(Response::new(200, r#"{"code":"FAILED","message":"no database"}"#))
        }),
        reads("a response ends early", |response| {
            let half = &response.body[..response.body.len() / 2];
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", response.body.len());
            Reply::Send([head.as_bytes(), half].concat())
        }),
        reads("a response is not HTTP", |_| Reply::Send(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())),
        reads("the connection is closed without a response", |_| Reply::Close),
        reads("a response is a redirect", |_| error(301)),
        reads("a response has status 500", |_| error(500)),
        lifecycle(
            "all writes have status 503",
            every(1, WRITES, |upstream, request| async move {
                upstream.send(&request).await;
                error(503)
            }),
        ),
        Row {
            timeout: Duration::from_millis(500),
            ..lifecycle(
                "reads take longer than the timeout",
                every(1, &[READ], |upstream, request| async move {
                    let response = upstream.send(&request).await;
                    if response.status == 200 {
                        tokio::time::sleep(Duration::from_secs(2)).await;
                    }
                    Reply::Respond(response)
                }),
            )
        },
    ]
}

/// Deviations that the contract allows. The load test must not report them.
fn allowed() -> Vec<Row> {
    vec![
        lifecycle(
            "allowed: a session has another key",
            changed(SESSION, |session| session["_id"] = 1.into()),
        ),
        list("allowed: a list is in another order", |sessions| sessions.reverse()),
        lifecycle(
            "allowed: the clock is an hour ahead",
            changed(SESSION, |session| {
                for key in ["open_time", "request_time", "close_time"] {
                    if session[key].is_string() {
                        moved(&mut session[key], SECOND * 3_600, false);
                    } else {
                        session.as_object_mut().unwrap().remove(key);
                    }
                }
            }),
        ),
    ]
}

fn reported(outcome: &Outcome) -> String {
    let mut reported = outcome.violations();
    reported.extend(outcome.failures());
    // The same closing breaks a call on a new connection. Whether a user needs one depends on the other users.
    if reported.contains(&"idle connection closed by the peer") {
        reported.retain(|failure| *failure != "connection broke");
    }
    if reported.is_empty() { "nothing".to_owned() } else { reported.join("; ") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn wrong_services_proxies_and_networks_are_reported() {
    let _ = ALL;
    let rows =
        [values(), payloads(), calls(), effects(), opens(), order(), lists(), http(), allowed()].concat();
    let outcomes = run_rows(rows).await;
    let rows: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            [outcome.name.to_owned(), reported(outcome), (outcome.report.exit_code() as u8).to_string()]
        })
        .collect();
    insta::assert_snapshot!("wrong", markdown(["what is wrong", "reported", "exit code"], &rows));
    for outcome in &outcomes {
        assert!(outcome.events > 0, "{} has not happened", outcome.name);
        let is_allowed = outcome.name.starts_with("allowed: ");
        assert_eq!(reported(outcome) == "nothing", is_allowed, "{}: {}", outcome.name, outcome.report);
    }
}
