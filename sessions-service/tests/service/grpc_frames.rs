//! Responses over gRPC as frames of HTTP/2. Clients reject a status in the headers unless these end the stream.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode};
use pip_services::grpc::InvokeRequest;
use prost::Message;
use sessions_client::grpc::messages::{SessionIdRequest, SessionPayloadRequest};
use sessions_service::{EmbeddedService, ServiceOptions, SessionStore};
use std::time::Duration;
use tokio::net::TcpStream;
use wiretrait::grpc_frame;

const INVOKE: &str = "/commandable.Commandable/invoke";
const GET: &str = "/sessions_v1.Sessions/get_session_by_id";
const STORE: &str = "/sessions_v1.Sessions/store_session_data";

/// The response of a service to a call.
struct Received {
    head: Response<()>,
    /// True if the stream ends with the headers.
    is_only_headers: bool,
    data: Bytes,
    trailers: Option<HeaderMap>,
}

impl Received {
    /// Returns the status in the headers of a response that consists of them, and otherwise that in its trailers.
    fn status(&self) -> Option<&str> {
        let headers = if self.is_only_headers { Some(self.head.headers()) } else { self.trailers.as_ref() };
        headers?.get("grpc-status").map(|status| status.to_str().unwrap())
    }
}

/// The state of a request while the client waits for the response.
#[derive(Clone, Copy)]
enum State {
    Complete,
    /// The client may send further messages.
    Open,
}

/// Sends one request to a service, and returns the response.
async fn call(path: &str, content_type: &str, body: Bytes) -> Received {
    exchange(path, content_type, body, State::Complete).await
}

async fn exchange(path: &str, content_type: &str, body: Bytes, state: State) -> Received {
    let service = EmbeddedService::start_grpc("127.0.0.1:0", SessionStore::new(), ServiceOptions::new());
    let service = service.await.unwrap();
    let stream = TcpStream::connect(service.address()).await.unwrap();
    let (mut requests, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(format!("http://{}{path}", service.address()));
    let request = request.header("content-type", content_type).body(()).unwrap();
    let (response, mut sender) = requests.send_request(request, false).unwrap();
    sender.send_data(body, matches!(state, State::Complete)).unwrap();
    let response = tokio::time::timeout(Duration::from_secs(30), response);
    let (head, mut body) = response.await.expect("there is no response").unwrap().into_parts();
    let is_only_headers = body.is_end_stream();
    let mut data = BytesMut::new();
    while let Some(received) = body.data().await {
        data.extend_from_slice(&received.unwrap());
    }
    let trailers = body.trailers().await.unwrap();
    Received { head: Response::from_parts(head, ()), is_only_headers, data: data.freeze(), trailers }
}

/// Returns the body of a request with this message.
fn frame(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap();
    [&[0], &length.to_be_bytes()[..], message].concat().into()
}

#[tokio::test]
async fn a_failed_call_has_its_status_in_headers_that_end_the_stream() {
    let compressed = Bytes::from_static(&[1, 0, 0, 0, 0]);
    let too_large = frame(&b"\0".repeat(5 << 20));
    let two_messages = [frame(b""), frame(b"")].concat().into();
    let not_json = SessionPayloadRequest { payload: "{".to_owned(), ..SessionPayloadRequest::default() };
    let cases = [
        ("/a.B/c", frame(b""), "12"),
        ("/sessions_v1.Sessions/find", frame(b""), "12"),
        (INVOKE, Bytes::new(), "13"),
        (GET, Bytes::new(), "13"),
        (INVOKE, two_messages, "13"),
        (INVOKE, frame(&[0xff]), "13"),
        (GET, frame(&[0xff]), "13"),
        (INVOKE, compressed.clone(), "12"),
        (GET, compressed, "12"),
        (INVOKE, too_large.clone(), "8"),
        (GET, too_large, "8"),
        (STORE, frame(&not_json.encode_to_vec()), "2"),
    ];
    for (path, body, status) in cases {
        let received = call(path, "application/grpc", body).await;
        assert!(received.is_only_headers, "{path} with the status {status}");
        assert_eq!(received.status(), Some(status), "{path}: {:?}", received.head);
        assert_eq!(received.head.headers()["content-type"], "application/grpc+proto");
        assert!(received.head.headers().contains_key("grpc-message"), "{path}");
    }
}

#[tokio::test]
async fn another_content_type_is_rejected_by_headers_that_end_the_stream() {
    for content_type in ["application/json", "text/plain", ""] {
        let received = call(INVOKE, content_type, frame(b"")).await;
        assert!(received.is_only_headers, "{content_type}");
        assert_eq!(received.head.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}

#[tokio::test]
async fn a_message_is_followed_by_its_status_in_trailers() {
    let unknown_command = InvokeRequest { method: "v1/sessions.find".to_owned(), ..InvokeRequest::default() };
    for (path, message) in
        [(GET, SessionIdRequest::default().encode_to_vec()), (INVOKE, unknown_command.encode_to_vec())]
    {
        let received = call(path, "application/grpc", frame(&message)).await;
        assert!(!received.is_only_headers, "{path}");
        assert_eq!(received.status(), Some("0"), "{path}");
        assert!(!received.head.headers().contains_key("grpc-status"));
        grpc_frame::decode(received.data).unwrap();
    }
}

#[tokio::test]
async fn an_unknown_method_is_rejected_before_the_request_is_complete() {
    for path in ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/sessions_v1.Sessions/watch"] {
        let received = exchange(path, "application/grpc", frame(b""), State::Open).await;
        assert!(received.is_only_headers, "{path}");
        assert_eq!(received.status(), Some("12"), "{path}");
    }
}

#[tokio::test]
async fn another_content_type_is_rejected_before_the_request_is_complete() {
    let received = exchange(INVOKE, "application/json", frame(b""), State::Open).await;
    assert_eq!(received.head.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented_whatever_its_message_is() {
    let compressed = Bytes::from_static(&[1, 0, 0, 0, 0]);
    for body in [Bytes::new(), compressed, frame(&b"\0".repeat(5 << 20))] {
        let received = call("/a.B/c", "application/grpc", body).await;
        let message = received.head.headers()["grpc-message"].to_str().unwrap();
        assert_eq!(message, "The server does not implement the method /a.B/c");
        assert_eq!(received.status(), Some("12"));
    }
}
