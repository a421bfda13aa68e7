//! The bytes that a client sends to the embedded service over one connection.
//!
//! The service ends the connection, and everything that it sends is HTTP.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sessions_fuzz::{block_on, store};
use sessions_service::fuzzing;
use std::time::Duration;
use tokio::time::timeout;

/// Longer than all timeouts of the service.
const PATIENCE: Duration = Duration::from_secs(600);

fuzz_target!(|received: &[u8]| {
    let mut connection = tokio::io::join(received, Vec::new());
    block_on(async {
        let served = fuzzing::serve(&mut connection, store());
        timeout(PATIENCE, served).await.expect("the service ends the connection");
    });
    let (_, sent) = connection.into_inner();
    let mut rest = &*sent;
    while !rest.is_empty() {
        rest = after_response(rest);
    }
});

/// Returns what follows the first response.
fn after_response(sent: &[u8]) -> &[u8] {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(sent).expect("the head is HTTP");
    let httparse::Status::Complete(head) = parsed else { panic!("the head is incomplete") };
    let rest = &sent[head..];
    let header = |name: &str| {
        let mut headers = response.headers.iter();
        headers.find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    };
    if header("transfer-encoding").is_some() {
        return after_chunks(rest);
    }
    let Some(length) = header("content-length") else {
        // Without a length, the body ends with the connection.
        return if is_next(rest) { rest } else { &[] };
    };
    let length = str::from_utf8(length).ok().and_then(|length| length.parse().ok());
    let length: usize = length.expect("Content-Length is a number");
    match rest.split_at_checked(length) {
        Some((_, after)) if is_next(after) => after,
        // A response to HEAD has no body.
        _ if is_next(rest) => rest,
        _ => panic!("the body does not have {length} bytes"),
    }
}

/// Returns what follows a chunked body.
fn after_chunks(mut rest: &[u8]) -> &[u8] {
    // A response to HEAD has no body.
    if is_next(rest) {
        return rest;
    }
    loop {
        let parsed = httparse::parse_chunk_size(rest).expect("a chunk has a size");
        let httparse::Status::Complete((start, size)) = parsed else { panic!("the chunk is incomplete") };
        let end = start + usize::try_from(size).expect("the size of a chunk is small");
        rest = rest[end..].strip_prefix(b"\r\n").expect("a chunk ends with a line end");
        if size == 0 {
            return rest;
        }
    }
}

/// Returns whether nothing follows, or another response.
fn is_next(rest: &[u8]) -> bool {
    rest.is_empty() || rest.starts_with(b"HTTP/1.")
}
