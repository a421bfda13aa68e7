//! The replies of a gRPC service: metadata, trailers, framing and messages, typed and commandable.
//!
//! The input has a status and headers, a blank line, trailers, a blank line, and the body. The clients return a result,
//! and a message that was read is written as the same message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pip_services::CommandableGrpcTransport;
use pip_services::grpc::{InvokeReply, InvokeRequest};
use prost::Message;
use serde_json::Value;
use sessions_client::grpc::messages::{SessionObjectReply, SessionOpenRequest, SessionPageReply};
use sessions_client::{
    Error, ISessionsV1, PagingParams, Response, SessionsGrpcTransportV1, SessionsHttpClientV1,
};
use sessions_fuzz::{block_on, config, headers, outcome, response, split_at_blank_line};
use std::fmt::Debug;
use std::future::ready;
use wiretrait::{GrpcChannel, Trailers, Transport, transport_fn};

/// The size of the prefix of a message: a flag for compression, and the length.
const PREFIX: usize = 5;

fuzz_target!(|input: &[u8]| {
    let (head, rest) = split_at_blank_line(input);
    let (trailers, body) = split_at_blank_line(rest);
    let mut response = response(head, body);
    if !trailers.is_empty() {
        response.extensions_mut().insert(Trailers(headers(trailers)));
    }
    call(CommandableGrpcTransport::over(channel(&response)));
    call(SessionsGrpcTransportV1::over(channel(&response)));
    if let Some(message) = body.get(PREFIX..) {
        assert_stable::<InvokeRequest>(message);
        assert_stable::<InvokeReply>(message);
        assert_stable::<SessionOpenRequest>(message);
        assert_stable::<SessionObjectReply>(message);
        assert_stable::<SessionPageReply>(message);
    }
});

/// Returns a channel over which each call has the same response.
fn channel(response: &Response) -> GrpcChannel<impl Transport> {
    let response = response.clone();
    let transport = transport_fn(move |_| ready(Ok::<_, Error>(response.clone())));
    GrpcChannel::over(transport, &config()).expect("the configuration is valid")
}

fn call(transport: impl Transport) {
    let client: SessionsHttpClientV1<Value, Value, _> = SessionsHttpClientV1::new(transport);
    let paging = PagingParams::new().total(true);
    block_on(async {
        outcome(client.get_session_by_id(None, "1").await);
        outcome(client.get_sessions(None, None, Some(&paging)).await);
        outcome(client.open_session(None, "1", None, None, None, None, None).await);
        outcome(client.close_expired_sessions(None).await);
    });
}

/// Asserts that a message that can be read is written as the same message.
fn assert_stable<M: Message + Default + PartialEq + Debug>(message: &[u8]) {
    if let Ok(message) = M::decode(message) {
        assert!(M::decode(&*message.encode_to_vec()) == Ok(message), "the message has changed");
    }
}
