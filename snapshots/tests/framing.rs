//! The embedded service responds to raw bytes like the real service: heads, chunks and connections, well formed
//! or not.
//!
//! `fixtures/framing.json` contains the bytes of connections and the responses of the real service, reduced to
//! what matters below the contract: status, length, encoding, body, and whether the connection stays open.
//! Cases whose responses differ are in [`EXPLAINED`]. Two differences are in nearly all cases, so they are not
//! compared at all: the version in the status line and `Content-Length: 0` after malformed HTTP.
//!
//! ```sh
//! snapshots/providers/with-service.sh cargo test -p snapshots --test framing
//! ```
//!
//! compares the recorded responses with those of the real service; with `INSTA_UPDATE=always`, it replaces them.

use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use sessions_service::{EmbeddedService, SessionStore};
use snapshots::exceptions::{DEPTH, EARLY, EXPECT, Exception, PARSER, PIPELINED, SPELLING, UPGRADE};
use snapshots::{exclusive_service_url, log};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// The cases with another response of the embedded service, and the reasons.
const EXPLAINED: &[(&str, Exception)] = &[
    ("body.deep", DEPTH),
    ("chunk.1.0", PARSER),
    ("chunk.bad size pipelined", PIPELINED),
    ("chunk.big trailer", PARSER),
    ("chunk.extension control", PARSER),
    ("chunk.extension empty", PARSER),
    ("chunk.extension space", PARSER),
    ("chunk.long extension", PARSER),
    ("chunk.tab", PARSER),
    ("chunk.trailer lf", PARSER),
    ("chunk.trailer of encoding", PARSER),
    ("chunk.trailer of length", PARSER),
    ("chunk.trailing space", PARSER),
    ("connection.http-1.0 both 200", SPELLING),
    ("connection.tab 204", PARSER),
    ("encoding.chunked twice", PARSER),
    ("encoding.twice", PARSER),
    ("encoding.with length empty", PARSER),
    ("expect.list", EXPECT),
    ("expect.no body continue", EXPECT),
    ("expect.parameter", EXPECT),
    ("header.100 headers", PARSER),
    ("header.2100 headers", PARSER),
    ("header.bare lf end", PARSER),
    ("header.lf in value", PARSER),
    ("length.long body", PIPELINED),
    ("length.none", PIPELINED),
    ("length.short body expired", EARLY),
    ("length.short body not acceptable", EARLY),
    ("length.short body of get", EARLY),
    ("length.short body of preflight", EARLY),
    ("length.short body of unknown path", EARLY),
    ("length.short body unsupported expect", EARLY),
    ("length.short body without type", EARLY),
    ("length.twice same", PARSER),
    ("length.with chunked", PARSER),
    ("length.zero", PIPELINED),
    ("line.authority", PARSER),
    ("line.connect", UPGRADE),
    ("line.http 0.9", PARSER),
    ("line.http 2.0", PARSER),
    ("line.ice", PARSER),
    ("line.leading cr", PARSER),
    ("line.lf after line", PARSER),
    ("line.lf only", PARSER),
    ("line.no version", PARSER),
    ("line.quote", PARSER),
    ("line.quote query", PARSER),
    ("line.raw utf8", PARSER),
    ("line.raw utf8 query", PARSER),
    ("line.rtsp", PARSER),
    ("line.two spaces", PARSER),
    ("line.two spaces before version", PARSER),
    ("pipeline.1.0 in the middle", PIPELINED),
    ("pipeline.bad length", PIPELINED),
    ("pipeline.close in the middle", PIPELINED),
    ("pipeline.garbage after", PIPELINED),
];

/// The request after which both services close the connection.
const LAST_REQUEST: &[u8] = b"GET /next HTTP/1.1\r\nHost: sessions.test\r\nConnection: close\r\n\r\n";

/// The time in which a service closes a connection. Much longer than needed, except for a case that is
/// explained: there an open connection is an expected difference.
const TIMEOUT: [Duration; 2] = [Duration::from_secs(5), Duration::from_millis(200)];

#[derive(Deserialize)]
struct Recorded {
    service: String,
    about: String,
    probes: Vec<Probe>,
}

#[derive(Deserialize, Serialize)]
struct Probe {
    case: String,
    /// One character for each byte; `⟦3×a⟧` stands for `aaa`.
    sent: String,
    end: End,
    received: Vec<String>,
}

/// The end of a connection.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum End {
    /// [`LAST_REQUEST`] follows in the same write.
    Next,
    /// The client shuts down its write side.
    Fin,
    /// The service closes the connection.
    Close,
}

impl Probe {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut rest = &*self.sent;
        while let Some((before, after)) = rest.split_once('⟦') {
            let (expression, after) = after.split_once('⟧').expect("⟧");
            let (count, unit) = expression.split_once('×').expect("×");
            bytes.extend(latin1(before));
            bytes.extend(latin1(&unit.repeat(count.parse().expect("a number"))));
            rest = after;
        }
        bytes.extend(latin1(rest));
        if self.end == End::Next {
            bytes.extend(LAST_REQUEST);
        }
        bytes
    }

    /// Sends the bytes and returns the responses.
    async fn send(&self, address: SocketAddr, timeout: Duration) -> Vec<String> {
        let mut stream = TcpStream::connect(address).await.expect("the service listens");
        let deadline = Instant::now() + timeout;
        let (mut received, mut buffer, mut is_open) = (Vec::new(), [0; 8 << 10], false);
        // The service may close the connection before it has received everything.
        let _ = stream.write_all(&self.bytes()).await;
        if self.end == End::Fin {
            let _ = stream.shutdown().await;
        }
        loop {
            match timeout_at(deadline, stream.read(&mut buffer)).await {
                // A reset is an end like any other: it depends on bytes that the service has not read.
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(length)) => received.extend_from_slice(&buffer[..length]),
                Err(_) => {
                    is_open = true;
                    break;
                }
            }
        }
        let mut responses = responses(&received, self.sent.starts_with("HEAD "));
        responses.extend(is_open.then(|| "still open".to_owned()));
        responses
    }
}

fn latin1(string: &str) -> impl Iterator<Item = u8> {
    string.chars().map(|c| u8::try_from(c).expect("a byte"))
}

/// Returns a line for each response in `received`.
fn responses(mut received: &[u8], mut is_head: bool) -> Vec<String> {
    let mut responses = Vec::new();
    while !received.is_empty() {
        let Some((response, rest)) = response(received, is_head) else {
            responses.push(format!("malformed: {}", received.escape_ascii()));
            break;
        };
        responses.push(response);
        (received, is_head) = (rest, false);
    }
    responses
}

/// Returns the line for the first response, and the bytes after it.
fn response(received: &[u8], is_head: bool) -> Option<(String, &[u8])> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, mut rest) = (str::from_utf8(&received[..end]).ok()?, &received[end + 4..]);
    let (first, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = first.split(' ').nth(1)?;
    let headers: BTreeMap<String, &str> = headers
        .split("\r\n")
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    let header = |name: &str| headers.get(name).copied();
    let mut line = status.to_owned();
    if let Some(connection) = header("connection") {
        let _ = write!(line, " {connection}");
    }
    let mut body = Vec::new();
    if header("transfer-encoding") == Some("chunked") {
        line.push_str(" chunked");
        if !is_head {
            (body, rest) = dechunked(rest)?;
        }
    } else if let Some(length) = header("content-length") {
        let length = length.parse().ok()?;
        // hyper adds a length of zero to the response to malformed HTTP, which is listed.
        if length > 0 || headers.contains_key("date") {
            line.push_str(" length");
        }
        if !is_head {
            body = rest.get(..length)?.to_vec();
            rest = &rest[length..];
        }
    } else if !is_head && !matches!(status, "100" | "204") {
        // The end of the connection is the end of the body.
        body = std::mem::take(&mut rest).to_vec();
    }
    if header("content-encoding") == Some("gzip") {
        line.push_str(" gzip");
        let mut plain = Vec::new();
        GzDecoder::new(&body[..]).read_to_end(&mut plain).ok()?;
        body = plain;
    }
    if !body.is_empty() {
        let _ = write!(line, " {}", stable(&String::from_utf8_lossy(&body)));
    }
    Some((line, rest))
}

fn dechunked(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(str::from_utf8(&rest[..end]).ok()?, 16).ok()?;
        let data = rest.get(end + 2..end + 2 + size)?;
        body.extend_from_slice(data);
        rest = rest.get(end + 2 + size + 2..)?;
        if size == 0 {
            return Some((body, rest));
        }
    }
}

/// Returns a body without the parts that change: the reason of a JSON error, a stack trace, a time.
fn stable(body: &str) -> String {
    if let Some((before, _)) = body.split_once("Invalid JSON: ") {
        return format!("{before}Invalid JSON: …");
    }
    if let Some((before, after)) = body.split_once(",\"stack\":") {
        let (_, after) = after.split_once("\",\"").unwrap_or_default();
        return format!("{before},\"stack\":…,\"{after}");
    }
    let is_time = body.len() == 26 && body.ends_with("Z\"");
    if is_time { "a time".to_owned() } else { body.to_owned() }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/framing.json")
}

fn recorded() -> Recorded {
    serde_json::from_str(&fs::read_to_string(path()).unwrap()).unwrap()
}

#[tokio::test]
async fn the_embedded_service_responds_to_raw_bytes_as_recorded() {
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let mut differences = String::new();
    let mut explained: BTreeMap<&str, Exception> = EXPLAINED.iter().copied().collect();
    let Recorded { probes, .. } = recorded();
    for probe in &probes {
        let Probe { case, received: recorded, .. } = probe;
        let timeout = TIMEOUT[usize::from(explained.contains_key(&**case))];
        let received = probe.send(service.address(), timeout).await;
        if received != *recorded && explained.remove(&**case).is_none() {
            let _ = writeln!(differences, "{case}\n  recorded: {recorded:?}\n  embedded: {received:?}");
        }
    }
    assert!(differences.is_empty(), "{differences}");
    assert!(
        explained.is_empty(),
        "without a difference, and so without need for a reason: {:?}",
        explained.keys()
    );
    assert!(probes.len() > 500, "only {} cases were found", probes.len());
}

#[tokio::test]
async fn the_real_service_responds_to_raw_bytes_as_recorded() {
    let Some(url) = exclusive_service_url().unwrap() else { return };
    if std::env::var("SESSIONS_DEVIATIONS").is_ok_and(|names| !names.is_empty()) {
        log(
            "skipped: the responses to raw bytes are those of the maintained service with sessions in memory",
        );
        return;
    }
    let address = url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    let Recorded { service, about, mut probes } = recorded();
    let mut differences = String::new();
    for probe in &mut probes {
        let received = probe.send(address, TIMEOUT[0]).await;
        if received != probe.received {
            let Probe { case, received: recorded, .. } = probe;
            let _ = writeln!(differences, "{case}\n  recorded: {recorded:?}\n  received: {received:?}");
            probe.received = received;
        }
    }
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        let string = |string: &str| serde_json::to_string(string).unwrap();
        let lines: Vec<_> = probes.iter().map(|probe| serde_json::to_string(probe).unwrap()).collect();
        let json = format!(
            "{{\n\"service\":{},\n\"about\":{},\n\"probes\":[\n{}\n]}}\n",
            string(&service),
            string(&about),
            lines.join(",\n")
        );
        fs::write(path(), json).unwrap();
        return;
    }
    assert!(differences.is_empty(), "{differences}");
}
