//! The bytes that a service sends over HTTP/2: settings, and then frames for a request.
//!
//! The client returns a result, which is the same however the bytes are split into segments, over HTTP and over gRPC.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sessions_client::{
    ClientConfig, HttpVersion, HyperTransport, ISessionsV1, SessionsGrpcTransportV1, SessionsHttpClientV1,
};
use sessions_fuzz::{Connection, block_on, config, connector, outcome};
use std::sync::Arc;
use wiretrait::{GrpcChannel, Transport};

/// The size of the head of a frame in bytes.
const HEAD: usize = 9;

/// The bytes that a client sends before its first frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The type of the frame with which a request begins.
const HEADERS: u8 = 1;

fuzz_target!(|received: &[u8]| {
    let received: Arc<[u8]> = received.into();
    let config = config().with_http_version(HttpVersion::Http2);
    // A service sends its settings at once, and the rest after the request.
    let settings = frame_size(&received).unwrap_or(received.len());
    let transport = |segment| {
        let connection = Connection::new(Arc::clone(&received), segment).with_greeting(settings, is_request);
        HyperTransport::with_connector(connector(connection), &config).expect("the configuration is valid")
    };
    let find = |segment| block_on(get(transport(segment)));
    let find_over_grpc = |segment| block_on(get(grpc(transport(segment), &config)));
    let (found, found_over_grpc) = (find(usize::MAX), find_over_grpc(usize::MAX));
    for segment in [1, 13] {
        assert_eq!(find(segment), found, "in segments of {segment} bytes");
        assert_eq!(find_over_grpc(segment), found_over_grpc, "in segments of {segment} bytes");
    }
});

async fn get(transport: impl Transport) -> String {
    let client: SessionsHttpClientV1<Value, Value, _> = SessionsHttpClientV1::new(transport);
    outcome(client.get_session_by_id(None, "1").await)
}

fn grpc(transport: HyperTransport, config: &ClientConfig) -> SessionsGrpcTransportV1 {
    SessionsGrpcTransportV1::over(GrpcChannel::over(transport, config).expect("the configuration is valid"))
}

/// Returns whether a client that has written these bytes has sent a request.
fn is_request(written: &[u8]) -> bool {
    let mut frames = written.get(PREFACE.len()..).unwrap_or_default();
    while let Some(size) = frame_size(frames) {
        if frames[3] == HEADERS {
            return true;
        }
        frames = &frames[size.min(frames.len())..];
    }
    false
}

/// Returns the size of the first frame, with its head; `None` if the head is incomplete.
fn frame_size(bytes: &[u8]) -> Option<usize> {
    let head: &[u8; HEAD] = bytes.first_chunk()?;
    Some(u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize + HEAD)
}
