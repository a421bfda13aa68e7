//! The constructs of real APIs: each row of `docs/constructs.md` is a contract here that is compiled and called.
//!
//! `APIS_WRITE_TABLE=1 cargo test -p apis --test apis constructs` writes the table.

mod bodies;
mod contracts;
mod errors;
mod requests;
mod responses;
mod values;

use std::fmt::Write as _;
use std::fs;
use std::future::Future;
use std::path::Path;
use wiretrait::http::HeaderMap;
use wiretrait::{Error, Response, Transport, transport_fn};

/// A row of the table.
struct Row {
    construct: &'static str,
    /// The form in `#[http_api]`, or the reason why there is none.
    form: &'static str,
    /// The library that does best, and how.
    peer: &'static str,
}

/// Declares the rows of a topic, each with the test that proves it.
macro_rules! rows {
    ($($check:ident: $construct:literal, form $form:literal, peer $peer:literal;)*) => {
        pub(super) const ROWS: &[super::Row] = &[$(super::Row {
            construct: $construct,
            form: $form,
            peer: $peer,
        }),*];

        $(#[test]
        fn $check() {
            checks::$check();
        })*
    };
}

use rows;

/// Checks that a construct is rejected, by the fixture of its compile error.
fn assert_rejected(fixture: &str, words: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wiretrait/tests/ui").join(fixture);
    let message = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{fixture}: {error}"));
    assert!(message.contains(words), "{message}");
}

/// Returns a transport that responds in the same way to each request.
fn responding(
    status: u16,
    headers: &[(&'static str, &'static str)],
    body: &'static str,
) -> impl Transport + use<> {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    transport_fn(move |_| {
        let mut response = Response::new(body.into());
        *response.status_mut() = status.try_into().unwrap();
        *response.headers_mut() = headers.clone();
        async move { Ok::<_, Error>(response) }
    })
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

const TOPICS: &[(&str, &[Row])] = &[
    ("Requests", requests::ROWS),
    ("Values", values::ROWS),
    ("Bodies", bodies::ROWS),
    ("Responses", responses::ROWS),
    ("Errors", errors::ROWS),
    ("Contracts", contracts::ROWS),
];

fn table() -> String {
    let mut table = "# Constructs of HTTP APIs

The constructs of real APIs, and their form in `#[http_api]`. Each row is a contract in
[`examples/apis/tests/apis/constructs`](../examples/apis/tests/apis/constructs) that is compiled and called, and the tests
there compare this page with them. Peers are other libraries that describe an API by annotated functions or generate its
client; – means that none of those that we know has it.
"
    .to_owned();
    for (topic, rows) in TOPICS {
        write!(table, "\n## {topic}\n\n| construct | form | best peer |\n|---|---|---|\n").unwrap();
        for Row { construct, form, peer } in *rows {
            writeln!(table, "| {construct} | {form} | {peer} |").unwrap();
        }
    }
    table
}

#[test]
fn the_table_in_the_docs_is_that_of_the_tests() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/constructs.md");
    if std::env::var_os("APIS_WRITE_TABLE").is_some() {
        fs::write(&path, table()).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), table(), "write it with APIS_WRITE_TABLE=1");
}
