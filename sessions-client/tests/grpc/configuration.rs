//! Settings of a client: metadata, names of correlation ids, and settings that gRPC lacks.

use crate::server::{Client, KINDS, Server, client, config, get, open};
use bytes::Bytes;
use http::{HeaderValue, Response};
use pip_services::grpc::InvokeRequest;
use serde_json::Value;
use sessions_client::grpc::messages::SessionOpenRequest;
use sessions_client::http::HeaderName;
use sessions_client::{
    CallOptions, ClientConfig, ClientKind, CorrelationPlace, ErrorKind, ISessionsV1 as _,
    SessionsClientFactory, SessionsGrpcClientV1, WithOptions,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[tokio::test]
async fn headers_and_limits_become_metadata() {
    let key = HeaderName::from_static("x-api-key");
    for kind in KINDS {
        let server = Server::good().await;
        let config = config(&server.url)
            .with_header(key.clone(), HeaderValue::from_static("k1"))
            .with_correlation_place(CorrelationPlace::Both)
            .with_timeout(Duration::from_secs(7));
        let options = CallOptions::new().header("x-tenant", "t1").token("t0k3n");
        open(&client(kind, &config)).await.unwrap();
        get(&(Arc::new(WithOptions::new(client(kind, &config), options)) as Client)).await.unwrap();
        let header = |name| server.header(0, name);
        assert_eq!(header("content-type").as_deref(), Some("application/grpc"));
        assert_eq!(header("te").as_deref(), Some("trailers"));
        assert_eq!(header("accept"), None);
        assert_eq!(header("x-api-key").as_deref(), Some("k1"));
        assert_eq!(header("correlation_id").as_deref(), Some("id-7"));
        assert!(header("user-agent").unwrap().starts_with("sessions-client/"), "{:?}", header("user-agent"));
        let limit = header("grpc-timeout").unwrap();
        let micros: u64 = limit.strip_suffix('u').unwrap().parse().unwrap();
        assert!((6_900_000..=7_000_000).contains(&micros), "{limit}");
        assert_eq!(server.header(1, "x-tenant").as_deref(), Some("t1"));
        assert_eq!(server.header(1, "authorization").as_deref(), Some("Bearer t0k3n"));
    }
}

#[tokio::test]
async fn a_renamed_correlation_id_stays_in_its_field_of_the_message() {
    for place in [CorrelationPlace::Query, CorrelationPlace::Headers, CorrelationPlace::Both] {
        for kind in KINDS {
            let server = Server::good().await;
            let config = config(&server.url)
                .with_correlation_place(place)
                .with_correlation_name(HeaderName::from_static("trace_id"));
            open(&client(kind, &config)).await.unwrap();
            let id = match kind {
                ClientKind::Grpc => server.message::<SessionOpenRequest>(0).correlation_id,
                _ => server.message::<InvokeRequest>(0).correlation_id,
            };
            assert_eq!(id, "id-7", "{kind} {place:?}");
            let metadata = (place != CorrelationPlace::Query).then(|| "id-7".to_owned());
            assert_eq!((server.header(0, "trace_id"), server.header(0, "correlation_id")), (metadata, None));
        }
    }
}

#[tokio::test]
async fn a_direct_client_ignores_the_name_of_correlation_ids() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let implementation = sessions_client::SessionsHttpClientV1::<Value, Value, _>::new(
        sessions_client::transport_fn(move |call: sessions_client::Call| {
            log.lock().unwrap().push(call.request.uri().to_string());
            async { Ok(Response::new(Bytes::from_static(b"null"))) }
        }),
    );
    let config = ClientConfig::new().with_correlation_name(HeaderName::from_static("trace_id"));
    let factory = SessionsClientFactory::new().with_implementation(implementation);
    let client = factory.create(ClientKind::Direct, &config).unwrap();
    client.get_session_by_id(Some("id-7"), "1").await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen[0].ends_with("?correlation_id=id-7"), "{seen:?}");
}

#[tokio::test]
async fn settings_without_a_counterpart_are_errors() {
    let compressing = config("http://localhost:1").with_compression(true);
    let moved = config("http://localhost:1").with_base_route(sessions_client::BaseRoute::new("v2").unwrap());
    let factory = SessionsClientFactory::new();
    let error = |kind, config| factory.create(kind, config).map(drop).unwrap_err().to_string();
    for kind in KINDS {
        let why = "`with_compression` must not be set for gRPC, which this client speaks without compression: remove it";
        assert_eq!(error(kind, &compressing), why);
    }
    assert_eq!(
        error(ClientKind::Grpc, &moved),
        "`with_base_route` has no effect over gRPC, whose methods have fixed names: remove it, or choose commandable gRPC"
    );
}

#[tokio::test]
async fn headers_that_are_not_valid_metadata_are_errors() {
    let invalid = |name: &'static str, value: &str| {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        config("http://localhost:1").with_header(HeaderName::from_static(name), value)
    };
    for kind in KINDS {
        for (name, value, why) in [
            ("grpc-accept-encoding", "gzip", "which belongs to gRPC"),
            ("x-key-bin", "not base64 !", "to a value that is not base64"),
            ("x-name", "café", "to a value that is not ASCII"),
        ] {
            let created = SessionsClientFactory::new().create(kind, &invalid(name, value));
            let message = created.map(drop).unwrap_err().to_string();
            assert!(message.starts_with(&format!("`with_header` must not set `{name}`")), "{message}");
            assert!(message.contains(why) && !message.contains(value), "{message}");
        }
        let server = Server::good().await;
        let sessions = client(kind, &config(&server.url));
        let options = CallOptions::new().header("grpc-encoding", "gzip");
        let error = get(&(Arc::new(WithOptions::new(sessions, options)) as Client)).await.unwrap_err();
        assert_eq!((error.kind(), server.calls()), (ErrorKind::Encode, 0), "{error}");
    }
}

#[test]
fn the_settings_of_a_client_over_grpc_show_http2() {
    let pairs = [("kind", "grpc"), ("connection.uri", "http://localhost:8090")];
    let settings = sessions_client::ConfigParams::new().with_pairs(pairs).unwrap().settings();
    let shown = settings.iter().find(|it| it.key() == "options.http_version").map(|it| it.value().to_owned());
    assert_eq!(shown.as_deref(), Some("2"));
}

#[test]
fn a_client_over_http_rejects_a_description_of_grpc() {
    for kind in ["grpc", "commandable-grpc"] {
        let pairs = [("kind", kind), ("connection.uri", "http://localhost:8090")];
        let config = sessions_client::ConfigParams::new().with_pairs(pairs).unwrap().build().unwrap();
        let error = sessions_client::SessionsHttpClientV1::from_config(&config).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().starts_with("the configuration is for gRPC (`kind`,"), "{error}");
        SessionsGrpcClientV1::<Value, Value>::grpc(&config).unwrap();
        SessionsClientFactory::new().create(ClientKind::Grpc, &config).unwrap();
    }
}
