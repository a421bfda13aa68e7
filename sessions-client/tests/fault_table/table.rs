//! The operations, the outcomes of their calls, and their form in a table.

use crate::support::socket_time::{Limits, Pauses, SocketTime};
use serde_json::json;
use sessions_client::policy::{Deadline, Retry, Timeout};
use sessions_client::{
    ClientConfig, Error, ISessionsV1, Result, SessionV1, SessionsHttpClientV1, Transport, Value, sessions_v1,
};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const MAX_RESPONSE_BYTES: usize = 64 << 10;

pub(crate) const SESSION: &str = r#"{"id":"1","user_id":"user-1","user_name":null,"active":true,"open_time":"2026-11-23T02:10:20.820Z","request_time":"2026-11-23T02:10:20.820Z","address":null,"client":null,"user":null,"data":null}"#;
pub(crate) const PAGE: &str = r#"{"total":null,"data":[]}"#;

pub(crate) const LEGEND: &str = "\
The outcome of every operation when each of its requests (always) or only the first one (once) meets a fault: the
requests that arrived, the attempts reported by the error, the time that passed, and the result of the call. The timeout
of an attempt is 10 s, the deadline of a call 30 s, the size limit 64 KiB, and pauses have their maximum length. A damaged
";

pub(crate) type Stack<T> = Deadline<Retry<Timeout<T, Limits>, Pauses>, Limits>;
pub(crate) type Client<T> = SessionsHttpClientV1<Value, Value, Stack<T>>;

pub(crate) type CallFuture<'a> = Pin<Box<dyn Future<Output = Result<&'static str>> + 'a>>;

/// An operation: the body of its ordinary response (`None` for 204), and a call of it.
pub(crate) struct Row<T> {
    pub(crate) operation: &'static str,
    pub(crate) good: Option<&'static str>,
    pub(crate) call: for<'a> fn(&'a Client<T>) -> CallFuture<'a>,
}

/// The result of a call with the ordinary response.
const OK: &str = "its value";

pub(crate) fn rows<T: Transport>() -> Vec<Row<T>> {
    fn session(session: Option<SessionV1>) -> &'static str {
        session.map_or("None", |session| {
            assert_eq!(session.id, "1");
            OK
        })
    }
    let rows = vec![
        Row {
            operation: "get_sessions",
            good: Some(PAGE),
            call: |client| {
                Box::pin(async {
                    let page = client.get_sessions(None, None, None).await?;
                    assert_eq!(page.data, []);
                    Ok(OK)
                })
            },
        },
        Row {
            operation: "get_session_by_id",
            good: Some(SESSION),
            call: |client| Box::pin(async { client.get_session_by_id(None, "1").await.map(session) }),
        },
        Row {
            operation: "open_session",
            good: Some(SESSION),
            call: |client| {
                Box::pin(async {
                    let opened = client.open_session(None, "user-1", None, None, None, None, None).await?;
                    Ok(session(Some(opened)))
                })
            },
        },
        Row {
            operation: "store_session_data",
            good: Some(SESSION),
            call: |client| {
                Box::pin(async { client.store_session_data(None, "1", &json!(1)).await.map(session) })
            },
        },
        Row {
            operation: "update_session_user",
            good: Some(SESSION),
            call: |client| {
                Box::pin(async { client.update_session_user(None, "1", &json!(1)).await.map(session) })
            },
        },
        Row {
            operation: "close_session",
            good: Some(SESSION),
            call: |client| Box::pin(async { client.close_session(None, "1").await.map(session) }),
        },
        Row {
            operation: "close_expired_sessions",
            good: None,
            call: |client| Box::pin(async { client.close_expired_sessions(None).await.map(|()| OK) }),
        },
        Row {
            operation: "delete_session_by_id",
            good: Some(SESSION),
            call: |client| Box::pin(async { client.delete_session_by_id(None, "1").await.map(session) }),
        },
    ];
    let covered: BTreeSet<_> = rows.iter().map(|row: &Row<T>| row.operation).collect();
    let declared: BTreeSet<_> = sessions_v1::ROUTES.iter().map(|route| route.name).collect();
    assert_eq!(covered, declared, "the table must have all operations of the contract");
    rows
}

/// Creates a client with the policies of `connect` and the clock of a server.
pub(crate) fn client<T: Transport>(transport: T, config: &ClientConfig, time: &Arc<SocketTime>) -> Client<T> {
    let (limits, pauses) = (|| Limits(time.clone()), || Pauses(time.clone()));
    let attempt = Timeout::new(transport, config.timeout(), limits());
    let retry = Retry::with_random(attempt, config.retry_policy().clone(), pauses(), || 1.0);
    SessionsHttpClientV1::new(Deadline::new(retry, config.deadline(), limits()))
}

/// The outcome of a call.
#[derive(PartialEq)]
pub(crate) struct Cell {
    pub(crate) requests: usize,
    pub(crate) time: Duration,
    pub(crate) outcome: Outcome,
}

#[derive(PartialEq)]
pub(crate) enum Outcome {
    Value(&'static str),
    Error { attempts: u32, what: String, message: String },
}

impl Outcome {
    pub(crate) fn of(result: Result<&'static str>, url: &str) -> Self {
        result.map_or_else(|error| Self::of_error(&error, url), Self::Value)
    }

    fn of_error(error: &Error, url: &str) -> Self {
        let mut what = format!("{:?}", error.kind());
        if let Some(status) = error.status() {
            write!(what, " {}", status.as_u16()).unwrap();
        }
        if error.is_retryable() {
            what += ", retryable";
        }
        if let Some(pause) = error.retry_after() {
            write!(what, ", retry_after {pause:?}").unwrap();
        }
        // Only the hyper transport knows that a connection was idle.
        let [stale, closed] =
            ["the idle connection was closed by the peer", "connection closed before message completed"];
        let message = error.to_string().replace(url, "<service>").replace(stale, closed);
        let operation = error.operation().expect("an error of a call has an operation");
        let message = message.strip_prefix(operation).expect("an error message begins with the operation");
        Self::Error { attempts: error.attempts(), what, message: format!("…{message}") }
    }
}

/// Groups rows with equal cells, in the order of the contract.
fn groups(cells: &[Cell]) -> Vec<(Vec<usize>, &Cell)> {
    let mut groups: Vec<(Vec<usize>, &Cell)> = Vec::new();
    for (row, cell) in cells.iter().enumerate() {
        match groups.iter_mut().find(|(_, other)| *other == cell) {
            Some((rows, _)) => rows.push(row),
            None => groups.push((vec![row], cell)),
        }
    }
    groups
}

/// Returns the names of the operations in `group`, or of those not in it, if they are fewer.
fn names<T>(rows: &[Row<T>], group: &[usize]) -> String {
    let named = |inside: bool| {
        let rows = rows.iter().enumerate().filter(|(index, _)| group.contains(index) == inside);
        rows.map(|(_, row)| row.operation).collect::<Vec<_>>().join(", ")
    };
    match rows.len() - group.len() {
        0 => "all operations".to_owned(),
        others if others < group.len() => format!("all except {}", named(false)),
        _ => named(true),
    }
}

pub(crate) fn render<T>(page: &mut String, when: &str, rows: &[Row<T>], cells: &[Cell]) {
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    };
    for (group, Cell { requests, time, outcome }) in groups(cells) {
        let (requests, time) = (counted(*requests, "request"), time.as_millis());
        writeln!(page, "  {when}  {}", names(rows, &group)).unwrap();
        match outcome {
            Outcome::Value(value) => writeln!(page, "    {requests}, {time} ms: {value}").unwrap(),
            Outcome::Error { attempts, what, message } => {
                let attempts = counted(*attempts as usize, "attempt");
                writeln!(page, "    {requests}, {attempts}, {time} ms: {what}\n    {message}").unwrap();
            }
        }
    }
}

/// Checks rules that hold whatever snapshot is accepted. `is_unprocessed` is true if the service says of the fault that it
/// has not processed the request.
pub(crate) fn check<T>(row: &Row<T>, fault: &str, is_unprocessed: bool, cell: &Cell) {
    let context = format!("{} and {fault}", row.operation);
    let route = sessions_v1::ROUTES.iter().find(|route| route.name == row.operation).unwrap();
    assert!(route.idempotent || is_unprocessed || cell.requests <= 1, "{context}: sent twice");
    assert!(cell.time <= Duration::from_secs(30), "{context}: exceeds its deadline");
    match &cell.outcome {
        Outcome::Error { attempts, .. } => {
            assert!(cell.requests <= *attempts as usize, "{context}: more requests than attempts");
        }
        Outcome::Value(_) => assert!(cell.requests >= 1, "{context}: a value without a request"),
    }
}

pub(crate) fn assert_table(name: &str, table: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, table);
    });
}
