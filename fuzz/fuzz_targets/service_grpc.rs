//! The messages of gRPC calls to the embedded service, typed and commandable.
//!
//! The first byte selects the method, and whether the rest is a message or also has the prefix of one. Every response has
//! a status, and the reply of a successful one can be read.
#![no_main]

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use libfuzzer_sys::fuzz_target;
use pip_services::grpc::InvokeReply;
use prost::Message;
use sessions_client::grpc::messages::{
    Session, SessionObjectReply, SessionOpenRequest, SessionPageReply, SessionPayloadRequest,
};
use sessions_fuzz::{block_on, store};
use sessions_service::{SessionStore, fuzzing};

const PAGE: &str = "/sessions_v1.Sessions/get_sessions";
const OPEN: &str = "/sessions_v1.Sessions/open_session";
const STORE: &str = "/sessions_v1.Sessions/store_session_data";
const INVOKE: &str = "/commandable.Commandable/invoke";

const METHODS: [&str; 10] = [
    INVOKE,
    OPEN,
    PAGE,
    STORE,
    "/sessions_v1.Sessions/update_session_user",
    "/sessions_v1.Sessions/get_session_by_id",
    "/sessions_v1.Sessions/close_session",
    "/sessions_v1.Sessions/delete_session_by_id",
    "/sessions_v1.Sessions/close_expired_sessions",
    "/sessions_v1.Sessions/no_such_method",
];

/// The size of the prefix of a message: a flag for compression, and the length.
const PREFIX: usize = 5;

fuzz_target!(|input: &[u8]| {
    let Some((&selector, message)) = input.split_first() else { return };
    let method = METHODS[usize::from(selector & 0x7f) % METHODS.len()];
    let body = if selector & 0x80 == 0 { framed(message) } else { message.to_vec().into() };
    let store = store();
    let Some(reply) = call(&store, method, body) else { return };
    match method {
        INVOKE => drop(read::<InvokeReply>(&reply)),
        PAGE => drop(read::<SessionPageReply>(&reply)),
        OPEN => {
            let opened = read::<SessionObjectReply>(&reply).session;
            let request = (selector & 0x80 == 0).then(|| read::<SessionOpenRequest>(message));
            if let (Some(opened), Some(request)) = (opened, request) {
                assert_opened(&store, &opened, &request);
            }
        }
        _ => drop(read::<SessionObjectReply>(&reply)),
    }
});

/// Asserts that a session has the arguments of its request, and that stored data is returned unchanged.
fn assert_opened(store: &SessionStore, opened: &Session, request: &SessionOpenRequest) {
    let SessionOpenRequest { user_id, user_name, address, client, .. } = request;
    let given = [user_id, user_name, address, client].map(|value| value.as_deref().unwrap_or_default());
    let found = [&opened.user_id, &opened.user_name, &opened.address, &opened.client];
    assert!(found == given, "the arguments have changed");
    if opened.data.is_empty() {
        return;
    }
    let data = opened.data.clone();
    let request =
        SessionPayloadRequest { session_id: opened.id.clone(), payload: data, ..Default::default() };
    let reply = call(store, STORE, framed(&request.encode_to_vec())).expect("the data can be stored");
    let stored = read::<SessionObjectReply>(&reply).session.expect("the session exists");
    assert!(stored.data == opened.data, "the data has changed");
}

/// Calls a method, and returns the message of the reply if the status is `OK`.
fn call(store: &SessionStore, method: &str, body: Bytes) -> Option<Vec<u8>> {
    let request = Request::post(method).header("content-type", "application/grpc").body(Full::new(body));
    let response = fuzzing::respond_to_grpc(store.clone(), request.expect("the request is valid"));
    let (parts, body) = block_on(response).into_parts();
    assert_eq!(parts.status, StatusCode::OK);
    let body = block_on(body.collect()).expect("the body is in memory");
    let trailers = body.trailers().cloned();
    let body = body.to_bytes();
    if !is_ok(trailers.as_ref().unwrap_or(&parts.headers)) {
        assert!(body.is_empty(), "a failed call has a message");
        return None;
    }
    let (prefix, message) = body.split_at(PREFIX);
    assert!(prefix == &framed(message)[..PREFIX], "the prefix is wrong: {prefix:?}");
    Some(message.to_vec())
}

fn is_ok(metadata: &HeaderMap) -> bool {
    metadata.get("grpc-status").expect("a response has a status") == "0"
}

fn framed(message: &[u8]) -> Bytes {
    let mut body = BytesMut::new();
    body.put_u8(0);
    body.put_u32(message.len().try_into().expect("an input is small"));
    body.extend_from_slice(message);
    body.freeze()
}

fn read<M: Message + Default>(message: &[u8]) -> M {
    M::decode(message).expect("the message can be read")
}
