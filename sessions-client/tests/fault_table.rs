//! Every operation with every fault: the requests that arrive, the outcome of the call, and its duration.
//!
//! The table is a snapshot for all transports, except for one difference, which has separate snapshots:
//! reqwest writes to a connection that the server has just closed, hyper checks it first. A server on real
//! sockets causes the faults, with every request or only with the first one. The client has the policies and
//! values of `connect`, but a test clock, the longest possible pauses, and a smaller size limit.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[macro_use]
mod support;

use serde_json::json;
use sessions_client::policy::{Deadline, Retry, Timeout};
use sessions_client::{
    ClientConfig, Error, ISessionsV1, Result, SessionV1, SessionsHttpClientV1, Value, sessions_v1,
};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::pin::Pin;
use std::time::Duration;
use support::faulty::{Fault, Faulty, Plan, Then};
use support::http;
use support::network::Network;
use support::socket_time::{Limits, Pauses};

const MAX_RESPONSE_BYTES: usize = 64 << 10;

const SESSION: &str = r#"{"id":"1","user_id":"user-1","user_name":null,"active":true,"open_time":"2026-11-23T02:10:20.820Z","request_time":"2026-11-23T02:10:20.820Z","address":null,"client":null,"user":null,"data":null}"#;
const PAGE: &str = r#"{"total":null,"data":[]}"#;
const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

const LEGEND: &str = "\
The outcome of every operation when each of its requests (always) or only the first one (once) meets a fault: the
requests that arrived, the attempts reported by the error, the time that passed, and the result of the call. The timeout
of an attempt is 10 s, the deadline of a call 30 s, the size limit 64 KiB, and pauses have their maximum length. A damaged
body is the operation's own, and a page for `close_expired_sessions`, whose response has no body.
";

const JSON: &str = "application/json";

type Stack<T> = Deadline<Retry<Timeout<T, Limits>, Pauses>, Limits>;
type Client<T> = SessionsHttpClientV1<Value, Value, Stack<T>>;

type CallFuture<'a> = Pin<Box<dyn Future<Output = Result<&'static str>> + 'a>>;

/// An operation: the body of its ordinary response (`None` for 204), and a call of it.
struct Row<T> {
    operation: &'static str,
    good: Option<&'static str>,
    call: for<'a> fn(&'a Client<T>) -> CallFuture<'a>,
}

/// The result of a call with the ordinary response.
const OK: &str = "its value";

fn rows<T: Network>() -> Vec<Row<T>> {
    fn session(session: Option<SessionV1>) -> &'static str {
        session.map_or("None", |session| {
            assert_eq!(session.id, "1");
            OK
        })
    }
    vec![
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
    ]
}

/// A fault, which is a block of the table. It may depend on the body of the ordinary response.
struct Column {
    name: &'static str,
    what: &'static str,
    fault: fn(&str) -> Fault,
    /// Gives the client time to notice that its connection was closed before the call.
    noticed: bool,
}

fn column(name: &'static str, what: &'static str, fault: fn(&str) -> Fault) -> Column {
    Column { name, what, fault, noticed: false }
}

fn respond(bytes: impl Into<Vec<u8>>, then: Then) -> Fault {
    Fault::Respond(bytes.into(), then)
}

/// Returns half of a response, whose head announces the whole.
fn half(good: &str, then: Then) -> Fault {
    let mut whole = http("200 OK", JSON, good);
    whole.truncate(whole.len() - good.len() / 2);
    respond(whole, then)
}

fn status(status: &str, more: &str) -> Fault {
    respond(format!("HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\n\r\n"), Then::Keep)
}

fn columns() -> Vec<Column> {
    vec![
        column("connection refused", "the port is closed", |_| Fault::Refused),
        column("reset before the first byte", "the request is read; then the connection is reset", |_| {
            respond("", Then::Reset)
        }),
        column("closed before the first byte", "the request is read; then the connection is closed", |_| {
            respond("", Then::Close)
        }),
        column("reset in mid-body", "half of the body, then the connection is reset", |good| {
            half(good, Then::Reset)
        }),
        column(
            "stale pooled connection",
            "the server closes an idle connection, and the client has not noticed it before the call",
            |_| Fault::Stale,
        ),
        Column {
            noticed: true,
            ..column(
                "pooled connection closed in time",
                "the server closes an idle connection, and the client has noticed it before the call",
                |_| Fault::Stale,
            )
        },
        column("slow headers", "the request is read, and nothing is sent", |_| respond("", Then::Silence)),
        column("slow body", "half of the body, then nothing", |good| half(good, Then::Silence)),
        column("408", "an empty body, and the connection is closed", |_| {
            respond(
                "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                Then::Close,
            )
        }),
        column("429", "an empty body", |_| status("429 Too Many Requests", "")),
        column("429 with Retry-After", "`Retry-After: 2`", |_| {
            status("429 Too Many Requests", "Retry-After: 2\r\n")
        }),
        column("429 with a long Retry-After", "`Retry-After: 60`", |_| {
            status("429 Too Many Requests", "Retry-After: 60\r\n")
        }),
        column("500", "an error of the service", |_| {
            let error = json!({
                "code": "EXEC_FAILED", "status": 500, "message": "Execution failed: out of memory",
                "category": "FailedInvocation",
            });
            respond(http("500 Internal Server Error", JSON, &error.to_string()), Then::Keep)
        }),
        column("502 HTML", "the error page of a proxy", |_| {
            respond(http("502 Bad Gateway", "text/html", "<html><h1>Bad Gateway</h1></html>"), Then::Keep)
        }),
        column("503 with Retry-After", "`Retry-After: 2`", |_| {
            status("503 Service Unavailable", "Retry-After: 2\r\n")
        }),
        column("503 with a late date in Retry-After", "a minute after its `Date`", |_| {
            let dates =
                "Date: Mon, 23 Nov 2026 08:00:00 GMT\r\nRetry-After: Mon, 23 Nov 2026 08:01:00 GMT\r\n";
            status("503 Service Unavailable", dates)
        }),
        column("204", "no content, for all operations", |_| respond(NO_CONTENT, Then::Keep)),
        column("empty 200", "`Content-Length: 0`, for all operations", |_| status("200 OK", "")),
        column("truncated JSON", "half of the body, with a matching `Content-Length`", |good| {
            respond(http("200 OK", JSON, &good[..good.len() / 2]), Then::Keep)
        }),
        column("truncated body", "half of the body, then the connection is closed", |good| {
            half(good, Then::Close)
        }),
        column("wrong JSON", "JSON of another type", |_| {
            respond(http("200 OK", JSON, r#"{"unexpected":true}"#), Then::Keep)
        }),
        column("wrong content type", "the right body as `text/plain`", |good| {
            respond(http("200 OK", "text/plain", good), Then::Keep)
        }),
        column("HTML with 200", "a login page", |_| {
            respond(http("200 OK", "text/html", "<html>Please log in</html>"), Then::Keep)
        }),
        column("body over the limit, announced", "a `Content-Length` above the limit", |_| {
            let length = MAX_RESPONSE_BYTES + 1;
            respond(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"), Then::Keep)
        }),
        column("body over the limit, chunked", "more bytes than the limit", |_| {
            let (length, chunk) = (MAX_RESPONSE_BYTES + 1, "x".repeat(MAX_RESPONSE_BYTES + 1));
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            respond(format!("{head}{length:x}\r\n{chunk}\r\n"), Then::Keep)
        }),
        column("redirect", "to another path on the same server", |_| {
            status("307 Temporary Redirect", "Location: /elsewhere\r\n")
        }),
    ]
}

/// The outcome of a call.
#[derive(PartialEq)]
struct Cell {
    requests: usize,
    time: Duration,
    outcome: Outcome,
}

#[derive(PartialEq)]
enum Outcome {
    Value(&'static str),
    Error { attempts: u32, what: String, message: String },
}

impl Outcome {
    fn of(result: Result<&'static str>, url: &str) -> Self {
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

/// A server and its client.
struct Pair<T> {
    server: Faulty,
    client: Client<T>,
}

impl<T: Network> Pair<T> {
    fn new(plan: Plan) -> Self {
        let server = Faulty::start(plan);
        let config = ClientConfig::from_url(&server.url).unwrap().with_max_response_bytes(MAX_RESPONSE_BYTES);
        let (limits, pauses) = (|| Limits(server.time.clone()), || Pauses(server.time.clone()));
        let transport = T::over(&config);
        let attempt = Timeout::new(transport, config.timeout(), limits());
        let retry = Retry::with_random(attempt, config.retry_policy().clone(), pauses(), || 1.0);
        let client = SessionsHttpClientV1::new(Deadline::new(retry, config.deadline(), limits()));
        Self { server, client }
    }

    async fn cell(&self, row: &Row<T>, noticed: Option<bool>) -> Cell {
        let Self { server, client } = self;
        if let Some(noticed) = noticed {
            (row.call)(client).await.unwrap();
            assert_eq!(server.requests(), 1);
            server.close_idle();
            if noticed {
                // The runtime polls its sockets every 61 task polls.
                for _ in 0..200 {
                    tokio::task::yield_now().await;
                }
            }
        }
        let begin = server.time.passed();
        let outcome = Outcome::of((row.call)(client).await, &server.url);
        Cell { requests: server.requests(), time: server.time.passed().saturating_sub(begin), outcome }
    }
}

/// Calls every operation, each with `times` faults.
async fn cells<T: Network>(rows: &[Row<T>], column: &Column, times: usize) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut pair = None;
    for row in rows {
        let fault = (column.fault)(row.good.unwrap_or(PAGE));
        let noticed = matches!(fault, Fault::Stale).then_some(column.noticed);
        // A refused connection needs a new server, which does not listen yet.
        let needs_new_server = matches!(fault, Fault::Refused);
        let plan = || Plan {
            fault: fault.clone(),
            times,
            good: row.good.map_or_else(|| NO_CONTENT.into(), |body| http("200 OK", JSON, body)),
        };
        let pair = match &mut pair {
            Some(_) if needs_new_server => pair.insert(Pair::new(plan())),
            Some(pair) => {
                pair.server.set_plan(plan());
                pair
            }
            None => pair.insert(Pair::new(plan())),
        };
        cells.push(pair.cell(row, noticed).await);
    }
    cells
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

fn render<T>(page: &mut String, when: &str, rows: &[Row<T>], cells: &[Cell]) {
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

/// Checks rules that hold whatever snapshot is accepted.
fn check<T>(row: &Row<T>, column: &Column, cell: &Cell) {
    let context = format!("{} and {}", row.operation, column.name);
    let route = sessions_v1::ROUTES.iter().find(|route| route.name == row.operation).unwrap();
    // A rate limit rejects a request before it is processed.
    let is_safe = route.idempotent || column.name.starts_with("429");
    assert!(is_safe || cell.requests <= 1, "{context}: sent twice");
    assert!(cell.time <= Duration::from_secs(30), "{context}: exceeds its deadline");
    match &cell.outcome {
        Outcome::Error { attempts, .. } => {
            assert!(cell.requests <= *attempts as usize, "{context}: more requests than attempts");
        }
        Outcome::Value(_) => assert!(cell.requests >= 1, "{context}: a value without a request"),
    }
}

async fn every_operation_handles_every_fault_as_in_the_table<T: Network>() {
    let rows = rows::<T>();
    let covered: BTreeSet<_> = rows.iter().map(|row| row.operation).collect();
    let declared: BTreeSet<_> = sessions_v1::ROUTES.iter().map(|route| route.name).collect();
    assert_eq!(covered, declared, "the table must have all operations of the contract");

    let (mut common, mut own) = (LEGEND.to_owned(), String::new());
    for column in columns() {
        let once = cells(&rows, &column, 1).await;
        // A connection is stale only once; the next one is new.
        let is_once = matches!((column.fault)(PAGE), Fault::Stale);
        let page = if is_once && !column.noticed { &mut own } else { &mut common };
        write!(page, "\n{}: {}\n", column.name, column.what).unwrap();
        let always = if is_once { None } else { Some(cells(&rows, &column, usize::MAX).await) };
        for cells in always.iter().chain([&once]) {
            rows.iter().zip(cells).for_each(|(row, cell)| check(row, &column, cell));
        }
        match always {
            Some(always) if always == once => render(page, "always or once", &rows, &always),
            Some(always) => {
                render(page, "always", &rows, &always);
                render(page, "once", &rows, &once);
            }
            None => render(page, "once", &rows, &once),
        }
    }
    insta::assert_snapshot!("fault_table", common);
    insta::assert_snapshot!(format!("fault_table_over_{}", T::NAME), own.trim_start());
}

over_each_network! { every_operation_handles_every_fault_as_in_the_table }
