//! Tables of the connections to the service and of their uses, with each result.

use crate::fronts::Front;
use crate::requirements::{Programs, programs};
use crate::uses::{Outcome, Use, assert_without_secrets};
use crate::{grpc, right, wrong};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use staging::{Arrivals, Haproxy, Nginx, Squid, TokenServer};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A connection to the service.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) start: fn() -> BoxFuture<'static, io::Result<Front>>,
    /// Returns the keys and values that describe the connection, without the address if it is that of the front.
    pub(crate) describe: fn(&Front) -> Vec<(&'static str, String)>,
}

/// The number of rows that are tried at the same time.
const PARALLEL_ROWS: usize = 3;

struct Cell {
    of: Use,
    outcome: Outcome,
    arrivals: Arrivals,
    /// Requests for a token, if the connection needs one.
    token_requests: Option<u64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_use_works_behind_each_gateway_and_proxy() {
    let Some(programs) = programs() else { return };
    let table = right_table(&results(&programs, right::ROWS, Use::HTTP).await);
    assert_table("matrix", &table);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_use_names_what_is_wrong_and_does_not_retry_it() {
    let Some(programs) = programs() else { return };
    let table = wrong_table(&results(&programs, wrong::ROWS, Use::HTTP).await);
    assert_table("wrong", &table);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_use_over_grpc_works_behind_each_gateway_and_proxy() {
    let Some(programs) = programs() else { return };
    let table = right_table(&results(&programs, grpc::RIGHT, Use::GRPC).await);
    assert_table("grpc", &table);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_use_over_grpc_names_what_is_wrong() {
    let Some(programs) = programs() else { return };
    let table = wrong_table(&results(&programs, grpc::WRONG, Use::GRPC).await);
    assert_table("grpc_wrong", &table);
}

pub(crate) fn assert_table(name: &str, table: &str) {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, table);
    });
}

async fn results(programs: &Programs, rows: &'static [Row], uses: &[Use]) -> Vec<(&'static str, Vec<Cell>)> {
    // To run only the rows whose names contain it.
    let only = std::env::var("STAGING_ROWS").unwrap_or_default();
    let rows = rows.iter().filter(|row| row.name.contains(&only));
    let results = rows.map(|row| result(programs, row, uses));
    futures_util::stream::iter(results).buffered(PARALLEL_ROWS).collect().await
}

async fn result(programs: &Programs, row: &'static Row, uses: &[Use]) -> (&'static str, Vec<Cell>) {
    let mut front = (row.start)().await.unwrap_or_else(|error| panic!("{}: {error}", row.name));
    let folder = tempfile::tempdir().unwrap();
    let mut keys = (row.describe)(&front);
    if !keys.iter().any(|(key, _)| *key == "connection.uri") {
        keys.insert(0, ("connection.uri", front.url.clone()));
    }
    let file = describe(folder.path(), keys);
    let mut cells = Vec::new();
    for &of in uses {
        if let Some(limiter) = &front.limiter {
            limiter.reject(front.rejected);
        }
        let start = Instant::now();
        let tokens = || front.tokens.as_ref().map_or(0, TokenServer::requests);
        let earlier = tokens();
        let outcome = normalized(of.run(programs, &file, &front).await, &front, folder.path());
        // Not part of the table, since it differs between runs.
        eprintln!("{:5.1} s: {}, {}", start.elapsed().as_secs_f32(), row.name, of.name());
        let token_requests = front.tokens.is_some().then(|| tokens() - earlier);
        let arrivals = front.arrivals().await.unwrap();
        cells.push(Cell { of, outcome, arrivals, token_requests });
    }
    (row.name, cells)
}

/// Writes the keys of a description to a file in `folder`.
pub(crate) fn describe(folder: &Path, keys: Vec<(&'static str, String)>) -> PathBuf {
    let file = folder.join("staging.yaml");
    let mut yaml = String::new();
    for (key, value) in keys {
        // A JSON string is a YAML string.
        writeln!(yaml, "{key}: {value:?}").unwrap();
    }
    fs::write(&file, yaml).unwrap();
    file
}

/// Replaces what differs between runs: ports, folders and ids.
fn normalized(outcome: Outcome, front: &Front, folder: &Path) -> Outcome {
    let Outcome::Fails(how, why) = outcome else { return outcome };
    assert_without_secrets(&why);
    let mut why = why.trim().replace(&folder.display().to_string(), "FOLDER");
    let certificates = front.certificates.as_ref().map(|trust| trust.root.certificate.as_path());
    if let Some(folder) = certificates.and_then(Path::parent) {
        why = why.replace(&folder.display().to_string(), "CERTIFICATES");
    }
    let ports = [
        (front.nginx.as_ref().map(Nginx::address), "NGINX"),
        (front.haproxy.as_ref().map(Haproxy::address), "HAPROXY"),
        (front.squid.as_ref().map(Squid::address), "SQUID"),
        (front.tokens.as_ref().map(TokenServer::address), "TOKENS"),
        (Some(front.service.address()), "SERVICE"),
        (Some(front.closed), "CLOSED"),
    ];
    for (address, name) in ports {
        if let Some(address) = address {
            why = why.replace(&format!(":{}", address.port()), &format!(":{name}"));
        }
    }
    Outcome::Fails(how, without_ids(&why))
}

/// Replaces words of 12 hexadecimal digits or more.
fn without_ids(message: &str) -> String {
    let mut normalized = String::new();
    let mut rest = message;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_hexdigit()) {
        let word = &rest[start..];
        let end = word.find(|letter: char| !letter.is_ascii_hexdigit()).unwrap_or(word.len());
        normalized.push_str(&rest[..start]);
        normalized.push_str(if end >= 12 { "ID" } else { &word[..end] });
        rest = &word[end..];
    }
    normalized + rest
}

fn right_table(rows: &[(&str, Vec<Cell>)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut table = format!("{:width$}", "in front of the service");
    for Cell { of, .. } in rows.first().iter().flat_map(|(_, cells)| cells) {
        write!(table, " | {}", of.name()).unwrap();
    }
    table.push('\n');
    let mut notes = Vec::new();
    for (name, cells) in rows {
        write!(table, "{name:width$}").unwrap();
        for Cell { of, outcome, .. } in cells {
            let cell = match outcome {
                Outcome::Works => "works".to_owned(),
                Outcome::Fails(how, why) => {
                    notes.push(format!("{how}: {why}"));
                    format!("({})", notes.len())
                }
            };
            write!(table, " | {cell:0$}", of.name().len()).unwrap();
        }
        while table.ends_with(' ') {
            table.pop();
        }
        table.push('\n');
    }
    for (number, note) in (1..).zip(notes) {
        write!(table, "\n({number}) {}", note.replace('\n', "\n    ")).unwrap();
    }
    table
}

fn wrong_table(rows: &[(&str, Vec<Cell>)]) -> String {
    let mut table = String::new();
    for (name, cells) in rows {
        writeln!(table, "# {name}\n").unwrap();
        for Cell { of, outcome, arrivals, token_requests } in cells {
            let (how, why) = match outcome {
                Outcome::Works => ("works", ""),
                Outcome::Fails(how, why) => (&**how, &**why),
            };
            write!(table, "{}: {how} after {arrivals}", of.name()).unwrap();
            if let Some(requests) = token_requests.filter(|requests| *requests > 0) {
                write!(table, ", {requests} at the token server").unwrap();
            }
            table.push('\n');
            for line in why.lines() {
                writeln!(table, "    {line}").unwrap();
            }
        }
        table.push('\n');
    }
    table
}
