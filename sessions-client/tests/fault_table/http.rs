//! Faults over HTTP/1.1.
//!
//! The table is a snapshot for all transports, except for one difference, which has separate snapshots: reqwest writes to a
//! connection that the server has just closed, hyper checks it first.

use crate::support::faulty::{Fault, Faulty, Plan, Then};
use crate::support::http;
use crate::support::network::Network;
use crate::table::{
    Cell, Client, LEGEND, MAX_RESPONSE_BYTES, Outcome, PAGE, Row, assert_table, check, client, render, rows,
};
use serde_json::json;
use sessions_client::ClientConfig;
use std::fmt::Write as _;

/// The end of the legend.
const DAMAGED: &str =
    "body is the operation's own, and a page for `close_expired_sessions`, whose response has no body.\n";

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

const JSON: &str = "application/json";

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

/// A server and its client.
struct Pair<T> {
    server: Faulty,
    client: Client<T>,
}

impl<T: Network> Pair<T> {
    fn new(plan: Plan) -> Self {
        let server = Faulty::start(plan);
        let config = ClientConfig::from_url(&server.url).unwrap().with_max_response_bytes(MAX_RESPONSE_BYTES);
        let client = client(T::over(&config), &config, &server.time);
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

async fn every_operation_handles_every_fault_as_in_the_table<T: Network>() {
    let rows = rows::<T>();
    let (mut common, mut own) = (format!("{LEGEND}{DAMAGED}"), String::new());
    for column in columns() {
        let once = cells(&rows, &column, 1).await;
        // A connection is stale only once; the next one is new.
        let is_once = matches!((column.fault)(PAGE), Fault::Stale);
        let page = if is_once && !column.noticed { &mut own } else { &mut common };
        write!(page, "\n{}: {}\n", column.name, column.what).unwrap();
        let always = if is_once { None } else { Some(cells(&rows, &column, usize::MAX).await) };
        for cells in always.iter().chain([&once]) {
            // A rate limit rejects a request before it is processed.
            let is_unprocessed = column.name.starts_with("429");
            rows.iter().zip(cells).for_each(|(row, cell)| check(row, column.name, is_unprocessed, cell));
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
    assert_table("http", &common);
    assert_table(&format!("http_over_{}", T::NAME), own.trim_start());
}

over_each_network! { every_operation_handles_every_fault_as_in_the_table }
