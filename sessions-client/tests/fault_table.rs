//! Every operation against every fault: what arrives at the server, what the caller gets, and after how long.
//!
//! The table is a snapshot, and one for all transports: callers see one difference, which has a snapshot of its own.
//! reqwest writes to a connection that the server has closed a moment before, and hyper looks at it first. Faults come
//! from a server over real sockets, and happen with every request or with the first one alone; the client has the
//! policies and values that one made by `connect` has, in a time of the test's, with pauses as long as they may be. Only
//! the limit of size is a smaller one.

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
What becomes of every operation when something goes wrong with each of its requests (always) or with the first (once):
the requests that arrived, the attempts that the error tells, the time that passed, and what the caller gets. Attempts
are over after 10 s, calls after 30 s, answers are 64 KiB long at most, and pauses as long as they may be. Where a body
is spoilt, it is that of the operation's answer, and a page for `close_expired_sessions`, which is answered without one.
";

const JSON: &str = "application/json";

type Stack<T> = Deadline<Retry<Timeout<T, Limits>, Pauses>, Limits>;
type Client<T> = SessionsHttpClientV1<Value, Value, Stack<T>>;

type Answered<'a> = Pin<Box<dyn Future<Output = Result<&'static str>> + 'a>>;

/// An operation: the body of its ordinary answer, none if that is 204, and a call of it.
struct Row<T> {
    operation: &'static str,
    good: Option<&'static str>,
    call: for<'a> fn(&'a Client<T>) -> Answered<'a>,
}

/// What the ordinary answer of an operation becomes.
const ANSWERED: &str = "its answer";

fn rows<T: Network>() -> Vec<Row<T>> {
    fn session(session: Option<SessionV1>) -> &'static str {
        session.map_or("None", |session| {
            assert_eq!(session.id, "1");
            ANSWERED
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
                    Ok(ANSWERED)
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
            call: |client| Box::pin(async { client.close_expired_sessions(None).await.map(|()| ANSWERED) }),
        },
        Row {
            operation: "delete_session_by_id",
            good: Some(SESSION),
            call: |client| Box::pin(async { client.delete_session_by_id(None, "1").await.map(session) }),
        },
    ]
}

/// A fault as a block of the table, made for the body of an operation's ordinary answer.
struct Column {
    name: &'static str,
    what: &'static str,
    fault: fn(&str) -> Fault,
    /// Whether the client gets to see what happened to its connection before it makes the call.
    noticed: bool,
}

fn column(name: &'static str, what: &'static str, fault: fn(&str) -> Fault) -> Column {
    Column { name, what, fault, noticed: false }
}

fn answer(bytes: impl Into<Vec<u8>>, then: Then) -> Fault {
    Fault::Answer(bytes.into(), then)
}

/// Half of an answer, whose head promises the whole.
fn half(good: &str, then: Then) -> Fault {
    let mut whole = http("200 OK", JSON, good);
    whole.truncate(whole.len() - good.len() / 2);
    answer(whole, then)
}

fn status(status: &str, more: &str) -> Fault {
    answer(format!("HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\n\r\n"), Then::Keep)
}

fn columns() -> Vec<Column> {
    vec![
        column("connection refused", "nobody listens at the port", |_| Fault::Refused),
        column("reset before the first byte", "the request is read; then the connection is reset", |_| {
            answer("", Then::Reset)
        }),
        column("closed before the first byte", "the request is read; then the connection is closed", |_| {
            answer("", Then::Close)
        }),
        column("reset in mid-body", "half of the body, then the connection is reset", |good| {
            half(good, Then::Reset)
        }),
        column(
            "stale pooled connection",
            "the server closes an idle connection; the client is about to use it and has not seen the close",
            |_| Fault::Stale,
        ),
        Column {
            noticed: true,
            ..column(
                "pooled connection closed in time",
                "the server closes an idle connection; the client has seen the close",
                |_| Fault::Stale,
            )
        },
        column("slow headers", "the request is read, and nothing comes", |_| answer("", Then::Silence)),
        column("slow body", "half of the body, and then nothing", |good| half(good, Then::Silence)),
        column("408", "an empty body, and the connection is closed", |_| {
            answer(
                "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                Then::Close,
            )
        }),
        column("429", "an empty body", |_| status("429 Too Many Requests", "")),
        column("429 with Retry-After", "`Retry-After: 2`", |_| {
            status("429 Too Many Requests", "Retry-After: 2\r\n")
        }),
        column("500", "an error of the service's", |_| {
            let error = json!({
                "code": "EXEC_FAILED", "status": 500, "message": "Execution failed: out of memory",
                "category": "FailedInvocation",
            });
            answer(http("500 Internal Server Error", JSON, &error.to_string()), Then::Keep)
        }),
        column("502 HTML", "the page of a proxy", |_| {
            answer(http("502 Bad Gateway", "text/html", "<html><h1>Bad Gateway</h1></html>"), Then::Keep)
        }),
        column("503 with Retry-After", "`Retry-After: 2`", |_| {
            status("503 Service Unavailable", "Retry-After: 2\r\n")
        }),
        column("204", "no content, whatever was promised", |_| answer(NO_CONTENT, Then::Keep)),
        column("empty 200", "`Content-Length: 0`, whatever was promised", |_| status("200 OK", "")),
        column("truncated JSON", "half of the body, whose head promises just that", |good| {
            answer(http("200 OK", JSON, &good[..good.len() / 2]), Then::Keep)
        }),
        column("truncated body", "half of the body, whose head promises the whole; then the end", |good| {
            half(good, Then::Close)
        }),
        column("wrong JSON", "JSON of another form", |_| {
            answer(http("200 OK", JSON, r#"{"unexpected":true}"#), Then::Keep)
        }),
        column("wrong content type", "the right body as `text/plain`", |good| {
            answer(http("200 OK", "text/plain", good), Then::Keep)
        }),
        column("HTML with 200", "a page to log in", |_| {
            answer(http("200 OK", "text/html", "<html>Please log in</html>"), Then::Keep)
        }),
        column("body over the limit, announced", "a `Content-Length` above the limit", |_| {
            let length = MAX_RESPONSE_BYTES + 1;
            answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"), Then::Keep)
        }),
        column("body over the limit, chunked", "more bytes than the limit", |_| {
            let (length, chunk) = (MAX_RESPONSE_BYTES + 1, "x".repeat(MAX_RESPONSE_BYTES + 1));
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            answer(format!("{head}{length:x}\r\n{chunk}\r\n"), Then::Keep)
        }),
        column("redirect", "to another path of the same server", |_| {
            status("307 Temporary Redirect", "Location: /elsewhere\r\n")
        }),
    ]
}

/// What came of one call.
#[derive(PartialEq)]
struct Cell {
    requests: usize,
    time: Duration,
    outcome: Outcome,
}

#[derive(PartialEq)]
enum Outcome {
    Value(&'static str),
    Error { attempts: u32, what: String, text: String },
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
        let text = error.to_string().replace(url, "<service>");
        let operation = error.operation().expect("an error of a call has its operation");
        let text = text.strip_prefix(operation).expect("an error begins with its operation");
        Self::Error { attempts: error.attempts(), what, text: format!("…{text}") }
    }
}

/// A server and a client of it.
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
                // A runtime looks at its sockets every 61 turns.
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

/// Every operation against one fault that happens `times` times to each.
async fn cells<T: Network>(rows: &[Row<T>], column: &Column, times: usize) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut pair = None;
    for row in rows {
        let fault = (column.fault)(row.good.unwrap_or(PAGE));
        let noticed = matches!(fault, Fault::Stale).then_some(column.noticed);
        // A server that was refused is one that was not there before.
        let is_alone = matches!(fault, Fault::Refused);
        let plan = || Plan {
            fault: fault.clone(),
            times,
            good: row.good.map_or_else(|| NO_CONTENT.into(), |body| http("200 OK", JSON, body)),
        };
        let pair = match &mut pair {
            Some(_) if is_alone => pair.insert(Pair::new(plan())),
            Some(pair) => {
                pair.server.go_on(plan());
                pair
            }
            None => pair.insert(Pair::new(plan())),
        };
        cells.push(pair.cell(row, noticed).await);
    }
    cells
}

/// The rows with equal cells, each group in the order of the contract.
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

/// The names of the operations in `group`, or of those that are not, if these are fewer.
fn names<T>(rows: &[Row<T>], group: &[usize]) -> String {
    let named = |inside: bool| {
        let rows = rows.iter().enumerate().filter(|(index, _)| group.contains(index) == inside);
        rows.map(|(_, row)| row.operation).collect::<Vec<_>>().join(", ")
    };
    match rows.len() - group.len() {
        0 => "all operations".to_owned(),
        others if others < group.len() => format!("all but {}", named(false)),
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
            Outcome::Error { attempts, what, text } => {
                let attempts = counted(*attempts as usize, "attempt");
                writeln!(page, "    {requests}, {attempts}, {time} ms: {what}\n    {text}").unwrap();
            }
        }
    }
}

/// What no table may say, whoever accepts it.
fn check<T>(row: &Row<T>, column: &Column, cell: &Cell) {
    let context = format!("{} and {}", row.operation, column.name);
    let route = sessions_v1::ROUTES.iter().find(|route| route.name == row.operation).unwrap();
    assert!(route.idempotent || cell.requests <= 1, "{context}: sent twice");
    assert!(cell.time <= Duration::from_secs(30), "{context}: later than its deadline");
    match &cell.outcome {
        Outcome::Error { attempts, .. } => {
            assert!(cell.requests <= *attempts as usize, "{context}: more arrived than was sent");
        }
        Outcome::Value(_) => assert!(cell.requests >= 1, "{context}: an answer to no request"),
    }
}

async fn every_operation_meets_every_fault_as_the_table_says<T: Network>() {
    let rows = rows::<T>();
    let covered: BTreeSet<_> = rows.iter().map(|row| row.operation).collect();
    let declared: BTreeSet<_> = sessions_v1::ROUTES.iter().map(|route| route.name).collect();
    assert_eq!(covered, declared, "the rows of the table are not the operations of the contract");

    let (mut common, mut own) = (LEGEND.to_owned(), String::new());
    for column in columns() {
        let once = cells(&rows, &column, 1).await;
        // A connection is stale once: the next one is new.
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

over_each_network! { every_operation_meets_every_fault_as_the_table_says }
