//! Responses that are unusual or not valid HTTP, over each network transport of `wiretrait`.

#![cfg(any(feature = "hyper", feature = "reqwest"))]

#[macro_use]
mod support;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use sessions_client::auth::{Token, TokenProvider};
use sessions_client::{ClientConfig, Error, ErrorKind, ISessionsV1, SessionV1};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::faulty::{Fault, Faulty, Plan, Then};
use support::network::Network;
use support::{read_request, responding};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SESSION: &str = r#"{"id":"1","active":true,"open_time":"2026-11-23T02:10:20.820Z","request_time":"2026-11-23T02:10:20.820Z"}"#;

/// Returns a response with additional header lines.
fn session(lines: &str) -> String {
    let length = SESSION.len();
    format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: {length}\r\n\r\n{SESSION}")
}

fn config(url: &str) -> ClientConfig {
    ClientConfig::from_url(url).unwrap().with_timeout(Duration::from_secs(5))
}

async fn call<T: Network>(config: &ClientConfig) -> Result<Option<SessionV1>, Error> {
    T::client(config).get_session_by_id(None, "1").await
}

/// Calls a service whose only response are these bytes, after which it closes the connection.
async fn outcome<T: Network>(response: impl Into<Vec<u8>>) -> Result<Option<SessionV1>, Error> {
    call::<T>(&config(&responding(response).await).with_retries(0)).await
}

/// Checks that the response is read.
async fn assert_read<T: Network>(response: impl Into<Vec<u8>>) {
    let response = response.into();
    let session = outcome::<T>(response.clone()).await;
    let text = String::from_utf8_lossy(&response[..response.len().min(200)]).into_owned();
    assert_eq!(session.unwrap_or_else(|error| panic!("{text:?}: {error}")).unwrap().id, "1", "{text:?}");
}

/// Checks that the response is a protocol error, with one attempt, whether the service closes the connection
/// or not.
async fn assert_invalid<T: Network>(response: impl Into<Vec<u8>>, message: &str) {
    let response = response.into();
    for then in [Then::Close, Then::Keep] {
        let fault = Fault::Respond(response.clone(), then);
        let service = Faulty::start(Plan { fault, times: 10, good: b"".to_vec() });
        let error = call::<T>(&config(&service.url)).await.unwrap_err();
        let text = String::from_utf8_lossy(&response[..response.len().min(200)]).into_owned();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Protocol, 1), "{text:?}: {error}");
        assert!(!error.is_retryable() && !error.is_unprocessed(), "{text:?}");
        let expected = format!("get_session_by_id: the response from {} {message}", service.url);
        assert_eq!(error.to_string(), expected, "{text:?}");
        assert_eq!(service.requests(), 1, "{text:?}");
    }
}

async fn many_headers_are_read<T: Network>() {
    for count in [99, 100, 101, 1000, 1400] {
        let lines = (0..count).fold(String::new(), |mut lines, number| {
            write!(lines, "X-Header-{number}: {number}\r\n").unwrap();
            lines
        });
        for lines in [lines, "Set-Cookie: a=b\r\n".repeat(count)] {
            let good = session(&lines).into_bytes();
            let service = Faulty::start(Plan { fault: Fault::Refused, times: 0, good });
            let client = T::client(&config(&service.url));
            for _ in 0..2 {
                assert_eq!(client.get_session_by_id(None, "1").await.unwrap().unwrap().id, "1");
            }
        }
    }
}

async fn too_many_headers_are_a_protocol_error<T: Network>() {
    let message = "has a header section over the limits of 1500 headers and 400 KiB";
    for lines in [
        "X: y\r\n".repeat(20_000),
        format!("X: {}\r\n", "y".repeat(1_000_000)),
        "X-Large: yyyyyyyyyyyyyyyyyyyy\r\n".repeat(50_000),
    ] {
        let fault = Fault::Respond(session(&lines).into_bytes(), Then::Close);
        let service = Faulty::start(Plan { fault, times: 10, good: b"".to_vec() });
        let error = call::<T>(&config(&service.url)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Protocol, false), "{error}");
        assert!(error.to_string().contains(message), "{error}");
        // Over reqwest, a retry reads more headers.
        assert_eq!(service.requests(), if T::NAME == "reqwest" { 2 } else { 1 });
    }
}

async fn open<T: Network>(client: &impl ISessionsV1) -> Result<SessionV1, Error> {
    client.open_session(None, "user-1", None, None, None, None, None).await
}

/// Over reqwest, only the first call that cannot be retried fails.
async fn many_headers_are_read_by_calls_that_are_not_retried<T: Network>() {
    let good = session(&"X: y\r\n".repeat(1000)).into_bytes();
    let service = Faulty::start(Plan { fault: Fault::Refused, times: 0, good });
    let client = T::client(&config(&service.url));
    if T::NAME == "reqwest" {
        let error = open::<T>(&client).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Protocol, 1), "{error}");
        assert!(error.to_string().contains("from now on, up to 1500 are read"), "{error}");
    }
    for _ in 0..3 {
        assert_eq!(open::<T>(&client).await.unwrap().id, "1");
    }
}

async fn malformed_header_lines_are_skipped<T: Network>() {
    for line in [
        "Set-Cookie: a=b\u{1}c",
        "PHP Warning:  Undefined variable $a in /srv/index.php on line 3",
        "PHP Warning",
        "X-Space : 1",
        "X-Tab\t: 1",
        "X(1): 1",
        "X-Delete: \u{7f}",
        "X-Escape: \u{1b}[31m",
        ": no name",
        "\u{fc}ber: 1",
        "X-Folded: 1\r\n 2\r\n\t3",
        "X-Folded:\r\n 2",
        " X-First: 1",
        "X-Latin-1: \u{fc}",
        "X-Empty:",
    ] {
        assert_read::<T>(session(&format!("{line}\r\n"))).await;
        assert_read::<T>(session(&format!("X: y\r\n{line}\r\nX: y\r\n"))).await;
        assert_read::<T>(session(&format!("{line}\n")).replace("\r\n", "\n")).await;
    }
}

async fn a_malformed_header_line_costs_no_connection_state<T: Network>() {
    let good = session("").into_bytes();
    let fault = Fault::Respond(session("Bad Header\r\n").into_bytes(), Then::Keep);
    let service = Faulty::start(Plan { fault, times: 2, good });
    let client = T::client(&config(&service.url));
    for _ in 0..4 {
        assert_eq!(client.get_session_by_id(None, "1").await.unwrap().unwrap().id, "1");
    }
    assert_eq!(service.requests(), 4);
}

async fn a_malformed_head_in_parts_is_read<T: Network>() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        read_request(&mut stream).await.unwrap();
        for part in session("Bad Header\r\nX: y\r\n").as_bytes().chunks(7) {
            stream.write_all(part).await.unwrap();
            tokio::task::yield_now().await;
        }
        stream.read_u8().await.unwrap_err();
    });
    assert_eq!(call::<T>(&config(&url)).await.unwrap().unwrap().id, "1");
}

async fn valid_framing_is_read<T: Network>() {
    let length = SESSION.len();
    for head in [
        format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: {length}, {length}\r\n"),
        format!("Content-Length:{length}   \r\n"),
        format!("Content-Length: 0{length}\r\n"),
        "Connection: close\r\n".to_owned(),
        "Connection: Keep-Alive, Close\r\n".to_owned(),
    ] {
        assert_read::<T>(format!("HTTP/1.1 200 OK\r\n{head}\r\n{SESSION}")).await;
    }
    for coding in ["chunked", "CHUNKED", " chunked "] {
        assert_read::<T>(format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding:{coding}\r\n\r\n{length:x};a=b\r\n{SESSION}\r\n0\r\nTrailer: 1\r\n\r\n"
        ))
        .await;
    }
    assert_read::<T>(format!("HTTP/1.0 200 OK\r\n\r\n{SESSION}")).await;
    assert_read::<T>(format!(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\r\nLink: </a>\r\n\r\n{}",
        session("")
    ))
    .await;
    assert_eq!(outcome::<T>("HTTP/1.0 200 OK\r\n\r\n").await.unwrap(), None);
    assert_eq!(outcome::<T>("HTTP/1.1 204 No Content\r\n\r\n").await.unwrap(), None);
}

async fn invalid_framing_is_a_protocol_error<T: Network>() {
    for line in [
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 5, 6",
        "Content-Length: 0x5",
        "Content-Length:",
        "Content-Length: 5 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 1.0",
        "Content-Length: five",
        "Content-Length: 5;",
        "Content-Length: 99999999999999999999999",
        "Content-Length: 5\r\n 6",
    ] {
        let response = format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n12345");
        assert_invalid::<T>(response, "has an invalid `Content-Length`, so its end is unknown").await;
    }
    for coding in [
        "gzip",
        "identity",
        "gzip, chunked",
        "chunked, gzip",
        "chunked\r\nTransfer-Encoding: chunked",
        "chunkedd",
        "",
        "\"chunked\"",
    ] {
        let response =
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n4\r\nnull\r\n0\r\n\r\n");
        assert_invalid::<T>(response, "has a `Transfer-Encoding` other than `chunked`").await;
    }
    for head in
        ["Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4"]
    {
        let response = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n4\r\nnull\r\n0\r\n\r\n");
        assert_invalid::<T>(
            response,
            "has both `Content-Length` and `Transfer-Encoding`, so its end is unknown",
        )
        .await;
    }
    let response = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnull\r\n0\r\n\r\n";
    assert_invalid::<T>(response, "has an invalid `Transfer-Encoding`, so its end is unknown").await;
}

/// Only hyper reports which line is malformed.
async fn malformed_framing_is_a_protocol_error<T: Network>() {
    for (line, body) in [
        ("Content-Length : 4", "null"),
        ("Content-Length\t: 4", "null"),
        ("Content-Length: 4\u{1}", "null"),
        ("Content-Length\u{1}: 4", "null"),
        ("Content-Length 4", "null"),
        ("Transfer-Encoding : chunked", "4\r\nnull\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\u{1}", "4\r\nnull\r\n0\r\n\r\n"),
        ("Transfer-Encoding: \u{b}chunked", "4\r\nnull\r\n0\r\n\r\n"),
        ("Content-Length : 0", ""),
    ] {
        for end in ["\r\n", "\n"] {
            let response = format!("HTTP/1.1 200 OK\r\nX: y\r\n{line}\r\n\r\n{body}").replace("\r\n", end);
            let message = match (T::NAME, &line[..2]) {
                ("hyper", "Co") => "has an invalid `Content-Length`, so its end is unknown",
                ("hyper", _) => "has an invalid `Transfer-Encoding`, so its end is unknown",
                _ => "has no valid `Content-Length`, so it may be incomplete",
            };
            assert_invalid::<T>(response, message).await;
        }
    }
    let message = "has a header section that cannot be parsed";
    assert_invalid::<T>("HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 4\r\n\r\nnull", message).await;
    assert_invalid::<T>("HTTP/1.1 200 OK\r\nX: a\rContent-Length: 4\r\n\r\nnull", message).await;
}

async fn malformed_framing_before_a_close_is_a_protocol_error<T: Network>() {
    for (line, body) in [
        ("Content-Length\u{1}: 0", ""),
        ("Content-Length: 4\u{7f}", "12"),
        ("Transfer-Encoding : chunked", "1\r\n"),
    ] {
        let response = format!("HTTP/1.1 200 OK\r\n{line}\r\nConnection: close\r\n\r\n{body}");
        assert_eq!(outcome::<T>(response).await.unwrap_err().kind(), ErrorKind::Protocol, "{line:?}");
    }
}

async fn an_empty_success_that_ends_with_the_connection_is_a_protocol_error<T: Network>() {
    let message = "has no valid `Content-Length`, so it may be incomplete";
    for body in ["", "12", "-1"] {
        let response = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}");
        let error = outcome::<T>(response).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().ends_with(message), "{error}");
    }
    for head in ["", "Connection: close\r\n", "Content-Length : 0\r\nConnection: close\r\n"] {
        let response = format!("HTTP/1.1 503 Service Unavailable\r\n{head}\r\n");
        let error = outcome::<T>(response).await.unwrap_err();
        if T::NAME == "reqwest" || !head.starts_with("Content") {
            assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, 503));
        }
    }
}

async fn an_error_of_unknown_length_does_not_wait_for_the_time_limit<T: Network>() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        let response = "HTTP/1.1 503 Service Unavailable\r\nContent-Length : 5\r\n\r\nlater";
        stream.write_all(response.as_bytes()).await.unwrap();
        // Keeps the connection open until the client closes it.
        read_request(&mut stream).await;
    });
    let config = ClientConfig::from_url(&url).unwrap().with_retries(0).with_timeout(Duration::from_secs(60));
    let config = config.with_deadline(Duration::from_secs(60));
    let call = T::client(&config).get_session_by_id(None, "1").await;
    let error = call.unwrap_err();
    match T::NAME {
        "reqwest" => assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, 503)),
        _ => assert_eq!(error.kind(), ErrorKind::Protocol),
    }
}

async fn a_response_that_is_not_http_is_a_protocol_error<T: Network>() {
    let message = "is not HTTP/1.1: check the address and its port; the service may expect https, or HTTP/2 only (`HttpVersion::Http2`), or gRPC, which needs another client";
    for response in [
        &b"220 mail.example ESMTP ready\r\n"[..],
        b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/3 200\r\n\r\n",
        b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"<html>An error</html>",
        // The alert of a TLS server, and the settings of an HTTP/2 server.
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"\x15\x03\x03\x00\x02\x01\x00",
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\x00\x00\x06\x08\x00\x00\x00\x00\x00",
        b"\xff\xfe\xfd",
        b"\x00",
    ] {
        assert_invalid::<T>(response, message).await;
    }
}

async fn a_service_that_speaks_first_is_a_protocol_error<T: Network>() {
    for greeting in [&b"220 mail.example ESMTP ready\r\n"[..], b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(greeting).await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
        let error = call::<T>(&config(&url).with_retries(0)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error:?}");
        assert!(error.to_string().contains("is not HTTP/1.1"), "{error}");
    }
}

async fn an_invalid_status_line_is_a_protocol_error<T: Network>() {
    for line in [
        "HTTP/1.1 OK",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 20",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 099 Low",
        "HTTP/1.1 -20 OK",
        "HTTP/1.1 200 O\u{1}K",
    ] {
        assert_invalid::<T>(format!("{line}\r\nContent-Length: 0\r\n\r\n"), "has an invalid status line")
            .await;
    }
}

async fn an_invalid_chunk_is_a_protocol_error<T: Network>() {
    for body in [
        "z\r\nnull\r\n0\r\n\r\n",
        "-4\r\nnull\r\n0\r\n\r\n",
        "\r\nnull\r\n",
        "4\r\nnullnull\r\n0\r\n\r\n",
        "4 4\r\nnull\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nnull",
        "4\r\nnull\r\n0\r\nBad Trailer\r\n\r\n",
    ] {
        let response = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
        assert_invalid::<T>(response, "has an invalid chunked body").await;
    }
}

async fn a_connection_that_ends_in_a_response_is_a_transport_error<T: Network>() {
    let lines = "X: y\r\n".repeat(90);
    for response in [
        "",
        "HTTP/1.",
        "HTTP/1.1 200 OK\r\nX: y\r\n",
        "HTTP/1.1 200 OK\r\nBad Header\r\nX: y\r\n",
        &format!("HTTP/1.1 200 OK\r\n{lines}"),
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnul",
        "HTTP/1.1 200 OK\r\nBad Header\r\nContent-Length: 4\r\n\r\nnul",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnul",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnull\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        let fault = Fault::Respond(response.as_bytes().to_vec(), Then::Close);
        let service = Faulty::start(Plan { fault, times: 1, good: session("").into_bytes() });
        let config = config(&service.url).with_retries(0);
        let error = call::<T>(&config).await.unwrap_err();
        // Without a report of the malformed line, an incomplete head has none.
        assert_eq!(error.kind(), ErrorKind::Transport, "{response:?}: {error}");
        assert!(error.to_string().contains("the connection to"), "{response:?}: {error}");
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Encodes a body of at most 65,536 bytes as brotli, without compression.
fn brotli(body: &[u8]) -> Vec<u8> {
    // A window of 16 bits, then one uncompressed block, then an empty last block.
    let header = u32::try_from(body.len() - 1).unwrap() << 4 | 1 << 20;
    [&header.to_le_bytes()[..3], body, &[3]].concat()
}

fn encoded(status: &str, coding: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Encoding: {coding}\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

async fn compressed_responses_are_decoded<T: Network>() {
    let json = SESSION.as_bytes();
    for (coding, body) in [
        ("gzip", gzip(json)),
        ("GZIP", gzip(json)),
        ("x-gzip", gzip(json)),
        ("deflate", zlib(json)),
        ("deflate", raw_deflate(json)),
        ("br", brotli(json)),
        ("deflate, gzip", gzip(&zlib(json))),
        ("gzip, br", brotli(&gzip(json))),
        ("deflate\r\nContent-Encoding: gzip", gzip(&zlib(json))),
        ("identity", json.to_vec()),
        ("utf-8", json.to_vec()),
        ("gzip, identity", gzip(json)),
    ] {
        assert_read::<T>(encoded("200 OK", coding, &body)).await;
    }
    let chunked = gzip(json);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
        chunked.len()
    );
    assert_read::<T>([head.as_bytes(), &chunked, b"\r\n0\r\n\r\n"].concat()).await;
    let closed =
        [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n", &chunked[..]].concat();
    assert_read::<T>(closed).await;
}

async fn a_compressed_error_has_its_code_and_message<T: Network>() {
    let body = br#"{"code":"NO_USER","message":"there is no such user","status":400}"#;
    for (coding, body) in [("gzip", gzip(body)), ("deflate", zlib(body)), ("br", brotli(body))] {
        let error = outcome::<T>(encoded("400 Bad Request", coding, &body)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "get_session_by_id: the service responded with 400 Bad Request: NO_USER: there is no such user"
        );
    }
}

async fn a_compressed_response_over_the_limit_is_rejected<T: Network>() {
    let bomb = gzip(&vec![b' '; 20 << 20]);
    let config = |url: &str| config(url).with_max_response_bytes(1 << 20);
    let url = responding(encoded("200 OK", "gzip", &bomb)).await;
    let error = call::<T>(&config(&url)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.to_string(),
        "get_session_by_id: the response is larger than the limit of 1048576 bytes"
    );
    let url = responding(encoded("400 Bad Request", "gzip", &bomb)).await;
    let error = call::<T>(&config(&url)).await.unwrap_err();
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, 400));
    assert!(error.to_string().contains("a body over the size limit"), "{error}");
}

async fn an_undecodable_body_is_reported_with_its_encoding<T: Network>() {
    let mut truncated = gzip(SESSION.as_bytes());
    truncated.truncate(40);
    let supported = "cannot be decoded; gzip, deflate and br can";
    let damaged = "but the body is damaged or truncated";
    for (coding, body, why) in [
        ("zstd", b"\x28\xb5\x2f\xfd".to_vec(), supported),
        ("compress", b"\x1f\x9d".to_vec(), supported),
        ("zstd, gzip", gzip(b"\x28\xb5\x2f\xfd"), supported),
        ("gzip", truncated, damaged),
        ("deflate", b"\xff".to_vec(), damaged),
        ("br", b"\xff".to_vec(), damaged),
    ] {
        let is = if why == damaged { format!("is `{coding}`,") } else { format!("`{coding}`") };
        let expected = format!("its content encoding {is} {why}");
        let error = outcome::<T>(encoded("200 OK", coding, &body)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.to_string().ends_with(&expected), "{error}");
        let error = outcome::<T>(encoded("503 Service Unavailable", coding, &body)).await.unwrap_err();
        assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Service, 503));
        assert!(error.to_string().contains(&expected), "{error}");
    }
}

async fn a_content_encoding_that_changes_nothing_does_not_hide_an_html_page<T: Network>() {
    let page = "<html><h1>Bad Gateway</h1></html>";
    for coding in ["identity", "Identity, identity", "utf-8", "UTF-8", "none"] {
        for (status, kind, what) in [
            ("502 Bad Gateway", ErrorKind::Service, "502 Bad Gateway with an HTML page (text/html)"),
            ("200 OK", ErrorKind::Decode, "200 OK is not JSON (text/html) (line 1 column 1)"),
        ] {
            let content_type = format!("text/html\r\nContent-Encoding: {coding}");
            let response = support::http(status, &content_type, page);
            let error = outcome::<T>(response).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().ends_with(what), "{coding}: {error}");
        }
    }
}

async fn compression_is_asked_for_by_option<T: Network>() {
    for accepts in [false, true] {
        let (url, request) = support::recording().await;
        let config = config(&url).with_compression(accepts).with_retries(0);
        call::<T>(&config).await.unwrap_err();
        let request = request.await.unwrap().to_lowercase();
        assert_eq!(request.contains("accept-encoding: gzip, deflate, br\r\n"), accepts, "{request}");
        assert_eq!(request.contains("accept-encoding"), accepts, "{request}");
    }
}

async fn a_byte_order_mark_is_skipped<T: Network>() {
    let response = support::http("200 OK", "application/json", &format!("\u{feff}{SESSION}"));
    assert_read::<T>(response).await;
    let response = support::http("200 OK", "application/json", "\u{feff}");
    assert_eq!(outcome::<T>(response).await.unwrap(), None);
    let body = "\u{feff}{\"code\":\"NO_USER\",\"message\":\"m\"}";
    let error = outcome::<T>(support::http("400 Bad Request", "application/json", body)).await.unwrap_err();
    assert_eq!(error.service().unwrap().code, "NO_USER");
}

async fn a_body_in_another_charset_is_reported<T: Network>() {
    let utf16 =
        |mark: &str| format!("{mark}{SESSION}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let latin1 = b"{\"id\":\"1\",\"user_name\":\"J\xfcrgen\"}".to_vec();
    for (charset, body, why) in [
        ("", utf16("\u{feff}"), "it is UTF-16 or UTF-32, but JSON must be UTF-8"),
        ("", utf16(""), "it is UTF-16 or UTF-32, but JSON must be UTF-8"),
        ("; charset=utf-16", utf16(""), "its charset is `utf-16`, but JSON must be UTF-8"),
        ("; charset=\"ISO-8859-1\"", latin1.clone(), "its charset is `ISO-8859-1`, but JSON must be UTF-8"),
        ("; charset=utf-8", latin1.clone(), "it is not UTF-8"),
        ("", latin1, "it is not UTF-8"),
    ] {
        let length = body.len();
        for (status, kind) in
            [("200 OK", ErrorKind::Decode), ("500 Internal Server Error", ErrorKind::Service)]
        {
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json{charset}\r\nContent-Length: {length}\r\n\r\n"
            );
            let error = outcome::<T>([head.as_bytes(), &body].concat()).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains(why), "{why}: {error}");
        }
    }
}

async fn a_304_is_not_reported_as_a_redirect<T: Network>() {
    let error = outcome::<T>("HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Service);
    assert_eq!(
        error.to_string(),
        "get_session_by_id: the response is 304 Not Modified with no body, since the content is unchanged: expect it for a request with `if-none-match` or `if-modified-since`, and otherwise check the caches in front of the service"
    );
}

/// The end of a connection after an early response.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The rest of the request is neither read nor rejected.
    Open,
    /// The service sends nothing more, and reads the rest.
    HalfClosed,
    /// The service closes the connection with unread bytes.
    Reset,
}

/// Calls a service that responds to the first bytes of a large request.
async fn early<T: Network>(response: &'static str, end: End) -> Result<Option<SessionV1>, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = T::client(&config(&url).with_retries(0));
    let data = "x".repeat(12 << 20).into();
    let call = client.store_session_data(None, "1", &data);
    let respond = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut [0; 100]).await.unwrap();
        stream.write_all(response.as_bytes()).await.unwrap();
        match end {
            End::Open => std::future::pending().await,
            End::HalfClosed => {
                stream.shutdown().await.unwrap();
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
            End::Reset => {}
        }
        drop(stream);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        outcome = call => outcome,
        () = respond => unreachable!("it never ends"),
    }
}

async fn a_response_before_the_end_of_the_request_is_read<T: Network>() {
    for (response, status) in [
        ("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n", 413),
        ("HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 4\r\n\r\nslow", 429),
    ] {
        for end in [End::Open, End::HalfClosed, End::Reset] {
            let error = early::<T>(response, end).await.unwrap_err();
            let read = error.status().map(|status| status.as_u16());
            assert_eq!((error.kind(), read), (ErrorKind::Service, Some(status)), "{end:?}: {error}");
            assert_eq!(error.attempts(), 1, "{end:?}: {error}");
        }
    }
}

/// Provides another token with each fetch.
struct Counter(AtomicUsize);

impl TokenProvider for Counter {
    async fn fetch(&self) -> Result<Token, Error> {
        Token::new(format!("token-{}", self.0.fetch_add(1, Ordering::SeqCst)))
    }
}

async fn a_token_that_is_rejected_before_the_end_of_the_request_is_replaced<T: Network>() {
    for is_reset in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = config(&url).with_retries(0).with_token_provider(Counter(AtomicUsize::new(0)));
        let client = T::client(&config);
        let data = "x".repeat(12 << 20).into();
        let respond = async {
            let (mut first, _) = listener.accept().await.unwrap();
            first.read_exact(&mut [0; 100]).await.unwrap();
            first.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            let _open = (!is_reset).then_some(first);
            let (mut second, _) = listener.accept().await.unwrap();
            let request = read_request(&mut second).await.unwrap();
            second.write_all(session("").as_bytes()).await.unwrap();
            request
        };
        let (stored, request) = tokio::join!(client.store_session_data(None, "1", &data), respond);
        assert_eq!(stored.unwrap().unwrap().id, "1");
        assert!(
            request.to_lowercase().contains("\r\nauthorization: bearer token-1\r\n"),
            "{}",
            &request[..500]
        );
    }
}

over_each_network! {
    a_response_before_the_end_of_the_request_is_read
    a_token_that_is_rejected_before_the_end_of_the_request_is_replaced
    an_error_of_unknown_length_does_not_wait_for_the_time_limit
    many_headers_are_read
    too_many_headers_are_a_protocol_error
    many_headers_are_read_by_calls_that_are_not_retried
    malformed_header_lines_are_skipped
    a_malformed_header_line_costs_no_connection_state
    a_malformed_head_in_parts_is_read
    valid_framing_is_read
    invalid_framing_is_a_protocol_error
    malformed_framing_is_a_protocol_error
    malformed_framing_before_a_close_is_a_protocol_error
    an_empty_success_that_ends_with_the_connection_is_a_protocol_error
    a_response_that_is_not_http_is_a_protocol_error
    a_service_that_speaks_first_is_a_protocol_error
    an_invalid_status_line_is_a_protocol_error
    an_invalid_chunk_is_a_protocol_error
    a_connection_that_ends_in_a_response_is_a_transport_error
    compressed_responses_are_decoded
    a_compressed_error_has_its_code_and_message
    a_compressed_response_over_the_limit_is_rejected
    an_undecodable_body_is_reported_with_its_encoding
    a_content_encoding_that_changes_nothing_does_not_hide_an_html_page
    compression_is_asked_for_by_option
    a_byte_order_mark_is_skipped
    a_body_in_another_charset_is_reported
    a_304_is_not_reported_as_a_redirect
}
