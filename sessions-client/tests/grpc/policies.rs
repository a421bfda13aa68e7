//! Statuses of gRPC, and what retries, limits and tokens make of them.

use crate::capture::Capture;
use crate::server::{KINDS, Reaction, Server, client, config, errors, get, good, open};
use h2::Reason;
use sessions_client::auth::{Token, TokenProvider};
use sessions_client::{ClientKind, ErrorKind, Result};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tracing::Instrument as _;

#[tokio::test]
async fn each_status_has_its_counterpart_in_http() {
    const STATUSES: [(u16, &str, Option<u16>); 16] = [
        (1, "CANCELLED", Some(499)),
        (2, "UNKNOWN", Some(500)),
        (3, "INVALID_ARGUMENT", Some(400)),
        (4, "DEADLINE_EXCEEDED", None),
        (5, "NOT_FOUND", Some(404)),
        (6, "ALREADY_EXISTS", Some(409)),
        (7, "PERMISSION_DENIED", Some(403)),
        (8, "RESOURCE_EXHAUSTED", Some(429)),
        (9, "FAILED_PRECONDITION", Some(400)),
        (10, "ABORTED", Some(409)),
        (11, "OUT_OF_RANGE", Some(400)),
        (12, "UNIMPLEMENTED", Some(501)),
        (13, "INTERNAL", Some(500)),
        (14, "UNAVAILABLE", Some(503)),
        (15, "DATA_LOSS", Some(500)),
        (16, "UNAUTHENTICATED", Some(401)),
    ];
    for kind in KINDS {
        let server = Server::start(|number, _| {
            let (code, ..) = STATUSES[number - 1];
            Reaction::Status(code, "caf%C3%A9", vec![("x-trace", "t1")])
        })
        .await;
        let sessions = client(kind, &config(&server.url).with_retries(0));
        for (_, name, status) in STATUSES {
            let error = get(&sessions).await.unwrap_err();
            assert_eq!(error.status().map(|status| status.as_u16()), status, "{name}: {error}");
            assert_eq!(error.headers().unwrap()["x-trace"], "t1", "{name}: {error}");
            let Some(service) = error.service() else {
                assert_eq!(error.kind(), ErrorKind::Timeout, "{name}: {error}");
                continue;
            };
            assert_eq!((&*service.code, &*service.message), (name, "café"));
        }
    }
}

#[tokio::test]
async fn only_idempotent_calls_are_retried_if_the_service_is_unavailable() {
    for kind in KINDS {
        for reaction in
            [|| Reaction::Status(14, "down", Vec::new()), || Reaction::Status(4, "late", Vec::new())]
        {
            let server = Server::start(move |_, _| reaction()).await;
            let sessions = client(kind, &config(&server.url));
            assert_eq!(get(&sessions).await.unwrap_err().attempts(), 3);
            assert_eq!(server.calls(), 3);
            assert_eq!(open(&sessions).await.unwrap_err().attempts(), 1, "{kind}");
            assert_eq!(server.calls(), 4);
        }
    }
}

#[tokio::test]
async fn a_refused_stream_is_sent_again_and_a_reset_one_is_not() {
    for kind in KINDS {
        let server = Server::start(|number, request| match number {
            1 => Reaction::Reset(Reason::REFUSED_STREAM),
            2 => good(&request.path),
            _ => Reaction::Reset(Reason::CANCEL),
        })
        .await;
        let sessions = client(kind, &config(&server.url));
        assert_eq!(open(&sessions).await.unwrap().id, "1");
        let error = open(&sessions).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts(), server.calls()), (ErrorKind::Transport, 1, 3), "{kind}");
        assert_eq!(get(&sessions).await.unwrap_err().attempts(), 3);
    }
}

/// `google.rpc.Status` with `RetryInfo` and a delay of 5 ms.
const RETRY_INFO: &str = "CAgaMwoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIHCgUQwJaxAg==";

#[tokio::test]
async fn the_delay_that_a_service_asks_for_is_kept() {
    for (metadata, delay) in [
        (("grpc-status-details-bin", RETRY_INFO), Duration::from_millis(5)),
        (("grpc-retry-pushback-ms", "3"), Duration::from_millis(3)),
        (("retry-after", "0.004"), Duration::from_millis(4)),
    ] {
        for kind in KINDS {
            let server = Server::start(move |number, request| match number {
                1 => Reaction::Status(8, "quota", vec![metadata]),
                _ => good(&request.path),
            })
            .await;
            let started_at = std::time::Instant::now();
            // The service has rejected the call before it was processed.
            assert_eq!(open(&client(kind, &config(&server.url))).await.unwrap().id, "1", "{kind}");
            assert!(started_at.elapsed() >= delay);
            assert_eq!(server.calls(), 2);
        }
    }
}

#[tokio::test]
async fn nothing_is_retried_if_the_service_asks_for_no_retry() {
    for (error, calls) in
        errors(|| Reaction::Status(14, "overload", vec![("grpc-retry-pushback-ms", "-1")])).await
    {
        assert_eq!((error.status().unwrap().as_u16(), error.attempts(), calls), (503, 1, 1));
        assert_eq!(
            error.to_string(),
            "get_session_by_id: the service responded with 503 Service Unavailable: UNAVAILABLE: overload"
        );
    }
}

#[tokio::test]
async fn an_exceeded_deadline_is_not_retried_if_the_service_asks_for_that() {
    for (error, calls) in errors(|| Reaction::Status(4, "late", vec![("grpc-retry-pushback-ms", "-1")])).await
    {
        assert_eq!((error.kind(), error.attempts(), calls), (ErrorKind::Timeout, 1, 1), "{error}");
        assert_eq!(error.headers().unwrap()["grpc-retry-pushback-ms"], "-1");
    }
}

#[tokio::test]
async fn the_delay_after_an_exceeded_deadline_is_kept() {
    let details = Reaction::Status(4, "late", vec![("grpc-status-details-bin", RETRY_INFO)]);
    let pushback = Reaction::Status(4, "late", vec![("grpc-retry-pushback-ms", "5")]);
    for reaction in [details, pushback] {
        let reaction = Mutex::new(Some(reaction));
        let server = Server::start(move |_, request| {
            reaction.lock().unwrap().take().unwrap_or_else(|| good(&request.path))
        })
        .await;
        let started_at = std::time::Instant::now();
        get(&client(ClientKind::Grpc, &config(&server.url))).await.unwrap();
        assert!(started_at.elapsed() >= Duration::from_millis(5));
        assert_eq!(server.calls(), 2);
    }
    for (error, _) in errors(|| Reaction::Status(4, "late", vec![("grpc-retry-pushback-ms", "7")])).await {
        assert_eq!(error.retry_after(), Some(Duration::from_millis(7)));
    }
}

#[tokio::test]
async fn the_delay_of_grpc_precedes_that_of_a_gateway() {
    for status in [8, 14] {
        let server = Server::start(move |number, request| match number {
            1 => Reaction::Status(
                status,
                "busy",
                vec![("grpc-retry-pushback-ms", "0"), ("retry-after", "3600")],
            ),
            _ => good(&request.path),
        })
        .await;
        get(&client(ClientKind::Grpc, &config(&server.url))).await.unwrap();
        assert_eq!(server.calls(), 2);
    }
    for (error, calls) in
        errors(|| Reaction::Status(8, "busy", vec![("grpc-retry-pushback-ms", "-1"), ("retry-after", "0")]))
            .await
    {
        assert_eq!((error.status().unwrap().as_u16(), calls), (429, 1));
    }
}

#[tokio::test]
async fn an_exhausted_resource_is_retried_only_if_the_service_asks_for_it() {
    for (error, calls) in errors(|| Reaction::Status(8, "Bandwidth exhausted", Vec::new())).await {
        assert_eq!((error.status().unwrap().as_u16(), error.attempts(), calls), (429, 1, 1), "{error}");
    }
}

#[tokio::test]
async fn an_exhausted_resource_is_unprocessed_only_if_a_retry_is_asked_for() {
    let never = || Reaction::Status(8, "quota", vec![("grpc-retry-pushback-ms", "-1")]);
    for reaction in [|| Reaction::Status(8, "quota", Vec::new()), never] {
        for (error, _) in errors(reaction).await {
            assert!(!error.is_unprocessed() && error.is_retryable(), "{error}");
        }
    }
    for (error, _) in errors(|| Reaction::Status(8, "quota", vec![("grpc-retry-pushback-ms", "0")])).await {
        assert!(error.is_unprocessed(), "{error}");
    }
    for (error, _) in errors(|| Reaction::Status(16, "token", vec![("grpc-retry-pushback-ms", "-1")])).await {
        assert!(error.is_unprocessed(), "{error}");
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_for_the_service_is_not_sent_again() {
    const MESSAGES: [&str; 8] = [
        // grpc-js.
        "Received message larger than max (9 vs 4)",
        "Received message that decompresses to a size larger than 4",
        "Attempted to send message with a size larger than 4",
        // grpc-go.
        "grpc: received message after decompression larger than max 4",
        // grpc-java.
        "Decompressed gRPC message exceeds maximum size 4",
        // grpc-dotnet.
        "Received message exceeds the maximum configured message size.",
        // gRPC Core, of which those of C++, Python and Ruby are made.
        "received metadata size exceeds hard limit (9 vs. 4)",
        "received metadata size exceeds soft limit (9 vs. 4), rejecting requests with some random probability",
    ];
    for kind in KINDS {
        let server = Server::start(|number, _| {
            Reaction::Status(8, MESSAGES[number - 1], vec![("grpc-retry-pushback-ms", "0")])
        })
        .await;
        let sessions = client(kind, &config(&server.url));
        for (number, message) in (1..).zip(MESSAGES) {
            let error = get(&sessions).await.unwrap_err();
            assert_eq!((error.status().unwrap().as_u16(), server.calls()), (413, number), "{message}");
        }
    }
}

#[tokio::test]
async fn the_message_of_deadline_exceeded_is_displayed() {
    let server = Server::start(|_, _| Reaction::Status(4, "the database was slow", Vec::new())).await;
    let error = open(&client(ClientKind::Grpc, &config(&server.url))).await.unwrap_err();
    assert!(error.to_string().contains("the database was slow"), "{error}");
}

#[tokio::test]
async fn invalid_details_of_a_status_are_ignored() {
    for (error, _) in errors(|| Reaction::Status(13, "x", vec![("grpc-status-details-bin", "!!!")])).await {
        assert_eq!(error.status().unwrap().as_u16(), 500, "{error}");
    }
}

#[tokio::test]
async fn a_silent_service_is_given_up_in_time() {
    for kind in KINDS {
        let server = Server::start(|_, _| Reaction::Silence).await;
        let config = config(&server.url).with_timeout(Duration::from_millis(60)).with_retries(0);
        let error = open(&client(kind, &config)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().ends_with("within 60ms"), "{error}");
    }
}

/// Returns another token for each call.
struct Counter(AtomicUsize);

impl TokenProvider for Counter {
    async fn fetch(&self) -> Result<Token> {
        Token::new(format!("zebra-{}", self.0.fetch_add(1, Ordering::SeqCst)))
    }
}

#[tokio::test]
async fn a_rejected_token_is_replaced() {
    for kind in KINDS {
        let server = Server::start(|number, request| match number {
            1 => Reaction::Status(16, "expired", Vec::new()),
            _ => good(&request.path),
        })
        .await;
        let config = config(&server.url).with_token_provider(Counter(AtomicUsize::new(0)));
        let sessions = client(kind, &config);
        assert_eq!(open(&sessions).await.unwrap().id, "1");
        let sent = [0, 1].map(|number| server.header(number, "authorization").unwrap());
        assert_eq!(sent, ["Bearer zebra-0", "Bearer zebra-1"]);
    }
}

#[tokio::test]
async fn a_missing_token_is_named() {
    for (error, _) in errors(|| Reaction::Status(16, "no token", Vec::new())).await {
        assert!(error.to_string().contains("credential.token_file"), "{error}");
    }
}

#[tokio::test]
async fn the_span_of_an_attempt_has_the_method_and_the_status() {
    for (kind, method) in [
        (ClientKind::Grpc, "sessions_v1.Sessions/open_session"),
        (ClientKind::CommandableGrpc, "commandable.Commandable/invoke"),
    ] {
        let server = Server::start(|number, request| match number {
            1 => Reaction::Status(8, "quota", vec![("grpc-retry-pushback-ms", "0")]),
            _ => good(&request.path),
        })
        .await;
        let sessions = client(kind, &config(&server.url));
        let (capture, _guard) = Capture::begin();
        open(&sessions).await.unwrap();
        let attempts = capture.spans("attempt");
        let field = |name: &str| attempts.iter().map(|it| it.field(name).to_owned()).collect::<Vec<_>>();
        assert_eq!(field("rpc.system.name"), ["grpc"; 2]);
        assert_eq!(field("rpc.method"), [method; 2]);
        assert_eq!(field("rpc.response.status_code"), ["RESOURCE_EXHAUSTED", "OK"]);
        assert_eq!(field("http.response.status_code"), ["429", "200"]);
    }
}

/// A filter that omits attempts leaves the span of the user as the current one.
#[tokio::test]
async fn a_span_of_the_user_gets_no_attributes_of_attempts() {
    let server = Server::start(|_, request| good(&request.path)).await;
    let sessions = client(KINDS[0], &config(&server.url));
    let (capture, _guard) = Capture::begin_without("attempt");
    let span =
        tracing::info_span!(target: "wiretrait", "user", rpc.method = "mine", rpc.system.name = "other");
    open(&sessions).instrument(span).await.unwrap();
    assert_eq!(capture.spans("attempt").len(), 0);
    let [user] = &capture.spans("user")[..] else { panic!("one span") };
    assert_eq!((user.field("rpc.method"), user.field("rpc.system.name")), ("mine", "other"));
}
