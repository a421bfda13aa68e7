//! Calls of a service that have other effects than those that were asked for.

use crate::proxy::{Reply, Request, Response, Upstream};
use crate::table::Row;
use crate::wrong::{BROWSE, CHURN, browse, lifecycle, row};
use crate::{CLOSE, DELETE, LIST, OPEN, READ, STORE, UPDATE, changed, every};
use sessions_client::Value;

/// A row in which something happens after each call of an operation.
fn after<F>(
    name: &'static str,
    operation: &'static [&'static str],
    then: fn(Upstream, Request, Value) -> F,
) -> Row
where
    F: Future<Output = ()> + Send + 'static,
{
    lifecycle(
        name,
        every(1, operation, move |upstream, request| async move {
            let response = upstream.send(&request).await;
            then(upstream, request, response.value()).await;
            Reply::Respond(response)
        }),
    )
}

fn arguments(session: &Value) -> Value {
    Value::from_iter([("session_id", session["id"].clone())])
}

fn with(session: &Value, key: &str, value: Value) -> Value {
    let mut arguments = arguments(session);
    arguments[key] = value;
    arguments
}

/// Calls all sessions of the user of `session`.
async fn of_user(upstream: &Upstream, session: &Value, operation: &str, key: &str, value: &Value) {
    let filter = Value::from_iter([("user_id", session["user_id"].clone())]);
    let page = upstream.call(LIST, Value::from_iter([("filter", filter)])).await;
    for other in page["data"].as_array().into_iter().flatten().filter(|other| other["id"] != session["id"]) {
        upstream.call(operation, with(other, key, value.clone())).await;
    }
}

/// Effects on other values of the same session.
fn side_effects() -> Vec<Row> {
    vec![
        after("a read replaces the data", &[READ], |upstream, _, session| async move {
            if session["active"] == true {
                upstream.call(STORE, with(&session, "data", "read".into())).await;
            }
        }),
        after("a store empties the user", &[STORE], |upstream, _, session| async move {
            upstream.call(UPDATE, with(&session, "user", false.into())).await;
        }),
        after("an update of the user empties the data", &[UPDATE], |upstream, _, session| async move {
            upstream.call(STORE, with(&session, "data", false.into())).await;
        }),
        after("an opened session is lost", &[OPEN], |upstream, _, session| async move {
            upstream.call(DELETE, arguments(&session)).await;
        }),
        after("an opened session is closed at once", &[OPEN], |upstream, _, session| async move {
            upstream.call(CLOSE, arguments(&session)).await;
        }),
        after("a closed session is changed by itself", &[CLOSE], |upstream, _, session| async move {
            upstream.call(STORE, with(&session, "data", "later".into())).await;
        }),
        after("a closed session is deleted", &[CLOSE], |upstream, _, session| async move {
            upstream.call(DELETE, arguments(&session)).await;
        }),
        after("allowed: a close is executed again later", &[CLOSE], |upstream, _, session| async move {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            upstream.call(CLOSE, arguments(&session)).await;
        }),
    ]
}

/// Effects on other sessions.
fn on_others() -> Vec<Row> {
    vec![
        browse(
            "a close closes all sessions of the user",
            every(1, &[CLOSE], |upstream, request| async move {
                let response = upstream.send(&request).await;
                of_user(&upstream, &response.value(), CLOSE, "unused", &Value::Null).await;
                Reply::Respond(response)
            }),
        ),
        row(
            "opening a session closes the others of the user",
            BROWSE,
            every(1, &[OPEN], |upstream, request| async move {
                let response = upstream.send(&request).await;
                of_user(&upstream, &response.value(), CLOSE, "unused", &Value::Null).await;
                Reply::Respond(response)
            }),
        ),
        row(
            "opening a session deletes the others of the user",
            BROWSE,
            every(1, &[OPEN], |upstream, request| async move {
                let response = upstream.send(&request).await;
                of_user(&upstream, &response.value(), DELETE, "unused", &Value::Null).await;
                Reply::Respond(response)
            }),
        ),
        row(
            "opening a session returns the one that the user has",
            CHURN,
            every(1, &[OPEN], |upstream, request| async move {
                let key = request.arguments["user_id"].to_string();
                if let Some(before) = upstream.remembered(&key) {
                    return Reply::Respond(before);
                }
                let response = upstream.send(&request).await;
                upstream.remember(key, &response);
                Reply::Respond(response)
            }),
        ),
    ]
}

/// Responses that do not agree with what the call has done.
fn responses() -> Vec<Row> {
    vec![
        lifecycle(
            "a store returns the session before it",
            every(1, &[STORE], |upstream, request| async move {
                let before = upstream.call(READ, request.arguments.clone()).await;
                upstream.send(&request).await;
                Reply::Respond(Response::json(&before))
            }),
        ),
        lifecycle(
            "a close returns an active session",
            changed(&[CLOSE], |session| session["active"] = true.into()),
        ),
        lifecycle(
            "an opened session is inactive",
            changed(&[OPEN], |session| session["active"] = false.into()),
        ),
        lifecycle("an opened session has no data", changed(&[OPEN], |session| session["data"] = Value::Null)),
        lifecycle(
            "a delete returns another session",
            changed(&[DELETE], |session| session["id"] = "0".repeat(32).into()),
        ),
        lifecycle(
            "user and data are swapped",
            changed(&[READ], |session| {
                let user = session["user"].take();
                let data = session["data"].take();
                (session["user"], session["data"]) = (data, user);
            }),
        ),
        lifecycle(
            "one read in five is an HTML page",
            every(5, &[READ], |_, _| async { Reply::Respond(Response::new(200, "<html>Busy</html>")) }),
        ),
        lifecycle(
            "a store is 202 and not executed",
            every(1, &[STORE], |_, _| async { Reply::Respond(Response::new(202, "{}")) }),
        ),
        lifecycle(
            "allowed: a response has bytes after its end",
            every(1, &[READ], |upstream, request| async move {
                let response = upstream.send(&request).await;
                let length = response.body.len();
                let head = format!(
                    "HTTP/1.1 {} \r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n",
                    response.status
                );
                match response.status {
                    200 => Reply::Send([head.as_bytes(), &response.body, b"</html>"].concat()),
                    _ => Reply::Respond(response),
                }
            }),
        ),
        lifecycle(
            "a key is duplicated with another value",
            every(1, &[READ], |upstream, request| async move {
                let response = upstream.send(&request).await;
                let text = String::from_utf8_lossy(&response.body).into_owned();
                let text = text.replacen(r#""user_name":"#, r#""user_name":"Ann","user_name":"#, 1);
                Reply::Respond(Response::new(response.status, text))
            }),
        ),
        browse(
            "a page begins one session too late",
            every(1, &[LIST], |upstream, mut request| async move {
                if let Some(skip) = request.arguments["paging"]["skip"].as_u64().filter(|skip| *skip > 0) {
                    request.arguments["paging"]["skip"] = (skip + 1).into();
                }
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
        browse(
            "a page begins one session too early",
            every(1, &[LIST], |upstream, mut request| async move {
                if let Some(skip) = request.arguments["paging"]["skip"].as_u64().filter(|skip| *skip > 0) {
                    request.arguments["paging"]["skip"] = (skip - 1).into();
                }
                Reply::Respond(upstream.send(&request).await)
            }),
        ),
        browse(
            "a total is negative",
            changed(&[LIST], |page| {
                if !page["total"].is_null() {
                    page["total"] = (-1).into();
                }
            }),
        ),
        browse(
            "every second list is null",
            every(2, &[LIST], |upstream, request| async move {
                let response = upstream.send(&request).await;
                Reply::Respond(response.change(|page| page["data"] = Value::Null))
            }),
        ),
    ]
}

pub(crate) fn effects() -> Vec<Row> {
    [side_effects(), on_others(), responses()].concat()
}
