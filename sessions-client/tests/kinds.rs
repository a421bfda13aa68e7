//! The kinds of client, and the factory that creates the configured one.

#![cfg(feature = "tokio")]

use chrono::{TimeZone, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessions_client::telemetry::FinishedCall;
use sessions_client::{
    Call, ClientConfig, ClientKind, ConfigParams, DynISessionsV1, Error, ErrorKind, FilterParams,
    ISessionsV1, Result, SessionsClientFactory, SessionsDirectClientV1, SessionsHttpClientV1,
    SessionsMemoryClientV1, SessionsNullClientV1, transport_fn,
};
#[cfg(any(feature = "hyper", feature = "reqwest"))]
use sessions_service::{EmbeddedService, SessionStore};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn params<const N: usize>(pairs: [(&str, &str); N]) -> ConfigParams {
    ConfigParams::new().with_pairs(pairs).unwrap()
}

fn create(factory: &SessionsClientFactory, kind: ClientKind) -> Arc<dyn DynISessionsV1> {
    factory.create(kind, &ClientConfig::new()).unwrap()
}

/// Opens, changes, lists, closes and deletes a session with a client that stores sessions.
async fn check_life_of_a_session(sessions: Arc<dyn DynISessionsV1>) {
    let (user, cart) = (json!({ "name": "Ann" }), json!({ "items": ["book"] }));
    let opened = sessions
        .open_session(Some("life"), "u", Some("Ann"), Some("here"), Some("test"), None, Some(&cart))
        .await
        .unwrap();
    let id = &*opened.id;
    assert!(opened.active);
    assert_eq!(
        (opened.user_id.as_deref(), opened.user_name.as_deref(), opened.address.as_deref()),
        (Some("u"), Some("Ann"), Some("here"))
    );
    assert_eq!(sessions.get_session_by_id(None, id).await.unwrap(), Some(opened.clone()));

    let updated = sessions.update_session_user(None, id, &user).await.unwrap().unwrap();
    assert_eq!((updated.user, updated.data), (Some(user), Some(cart)));
    let stored = sessions.store_session_data(None, id, &json!(7)).await.unwrap().unwrap();
    assert_eq!(stored.data, Some(json!(7)));

    let open = FilterParams::new().user_id("u").active(true);
    let listed = sessions.get_sessions(None, Some(&open), None).await.unwrap();
    assert_eq!(listed.data.iter().map(|session| &*session.id).collect::<Vec<_>>(), [id]);
    sessions.close_expired_sessions(None).await.unwrap();

    let closed = sessions.close_session(None, id).await.unwrap().unwrap();
    assert_eq!((closed.active, closed.user, closed.data), (false, None, None));
    assert!(sessions.get_sessions(None, Some(&open), None).await.unwrap().data.is_empty());

    assert_eq!(
        sessions.delete_session_by_id(None, id).await.unwrap().map(|session| session.id),
        Some(opened.id.clone())
    );
    assert_eq!(sessions.get_session_by_id(None, id).await.unwrap(), None);
    assert_eq!(sessions.store_session_data(None, id, &json!(7)).await.unwrap(), None);
}

#[tokio::test]
async fn an_in_memory_client_keeps_a_session() {
    check_life_of_a_session(create(&SessionsClientFactory::new(), ClientKind::Memory)).await;
}

#[tokio::test]
async fn a_direct_client_keeps_a_session() {
    let memory = SessionsMemoryClientV1::new();
    let factory = SessionsClientFactory::new().with_implementation(memory.clone());
    check_life_of_a_session(create(&factory, ClientKind::Direct)).await;
    check_life_of_a_session(Arc::new(SessionsHttpClientV1::direct(memory, &ClientConfig::new()).unwrap()))
        .await;
}

#[cfg(any(feature = "hyper", feature = "reqwest"))]
#[tokio::test]
async fn an_http_client_keeps_a_session() {
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await.unwrap();
    let params = params([("kind", "http"), ("connection.uri", &service.url())]);
    check_life_of_a_session(SessionsClientFactory::new().from_params(&params).unwrap()).await;
}

#[cfg(not(feature = "grpc"))]
#[test]
fn a_kind_over_grpc_needs_the_feature() {
    for kind in [ClientKind::Grpc, ClientKind::CommandableGrpc] {
        let config = ClientConfig::from_url("http://localhost:8090").unwrap();
        let error = SessionsClientFactory::new().create(kind, &config).map(drop).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (
                ErrorKind::Config,
                format!(
                    "`kind` is `{kind}`, which this build lacks: enable the feature `grpc` of sessions-client"
                )
            )
        );
    }
}

#[tokio::test]
async fn clients_of_a_factory_share_its_implementation_only() {
    let factory = SessionsClientFactory::new().with_implementation(SessionsMemoryClientV1::new());
    for (kind, found) in [(ClientKind::Direct, true), (ClientKind::Memory, false)] {
        let [one, other] = [(); 2].map(|()| create(&factory, kind));
        let session = one.open_session(None, "u", None, None, None, None, None).await.unwrap();
        assert_eq!(other.get_session_by_id(None, &session.id).await.unwrap().is_some(), found, "{kind}");
    }
}

#[tokio::test]
async fn the_null_client_returns_an_opened_session_and_stores_nothing() {
    let time = Utc.timestamp_opt(1_700_000_000, 123_456_789).unwrap();
    let sessions = SessionsNullClientV1::new().with_clock(move || time);
    let (user, data) = (json!({ "a": 1 }), json!([2]));
    let opened = sessions
        .open_session(None, "u", Some("Ann"), Some("here"), Some("test"), Some(&user), Some(&data))
        .await
        .unwrap();
    assert!(opened.active);
    assert_eq!(opened.open_time.timestamp_subsec_nanos(), 123_000_000, "times have milliseconds");
    assert_eq!((opened.open_time, opened.close_time), (opened.request_time, None));
    assert_eq!(
        [&opened.user_id, &opened.user_name, &opened.address, &opened.client].map(Option::as_deref),
        [Some("u"), Some("Ann"), Some("here"), Some("test")]
    );
    assert_eq!((opened.user, opened.data), (Some(user.clone()), Some(data.clone())));
    let again = sessions.open_session(None, "u", None, None, None, None, None).await.unwrap();
    assert_ne!(again.id, opened.id);

    let id = &*opened.id;
    let page = sessions.get_sessions(None, None, None).await.unwrap();
    assert_eq!((page.data, page.total), (Vec::new(), Some(0)));
    assert_eq!(sessions.get_session_by_id(None, id).await.unwrap(), None);
    assert_eq!(sessions.store_session_data(None, id, &data).await.unwrap(), None);
    assert_eq!(sessions.update_session_user(None, id, &user).await.unwrap(), None);
    assert_eq!(sessions.close_session(None, id).await.unwrap(), None);
    assert_eq!(sessions.delete_session_by_id(None, id).await.unwrap(), None);
    sessions.close_expired_sessions(None).await.unwrap();
}

#[tokio::test]
async fn clients_of_a_factory_notify_its_observer() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let observer = move |_call: &FinishedCall<'_>| {
        counter.fetch_add(1, Ordering::Relaxed);
    };
    let factory = SessionsClientFactory::new()
        .with_observer(Arc::new(observer))
        .with_implementation(SessionsMemoryClientV1::new());
    let sessions = create(&factory, ClientKind::Direct);
    sessions.get_session_by_id(None, "id").await.unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}

/// The body of a 503 from a service, and from a proxy.
const BUSY: [&str; 2] = [r#"{"code":"BUSY","message":"later"}"#, "<html>try later</html>"];

/// An implementation whose first response is a 503 with the body `busy`.
fn busy_once(calls: &Arc<AtomicUsize>, busy: &'static str) -> impl ISessionsV1 + 'static {
    let calls = Arc::clone(calls);
    SessionsHttpClientV1::new(transport_fn(move |_call: Call| {
        let is_first = calls.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            let (status, body) = if is_first { (503, busy) } else { (200, "null") };
            Ok(http::Response::builder().status(status).body(body.into()).unwrap())
        }
    }))
}

#[tokio::test]
async fn a_direct_client_retries_like_a_network_client() {
    let config = params([("kind", "direct"), ("options.backoff", "0")]).build().unwrap();
    for busy in BUSY {
        let calls = Arc::new(AtomicUsize::new(0));
        let sessions = SessionsHttpClientV1::direct(busy_once(&calls, busy), &config).unwrap();
        assert_eq!(sessions.get_session_by_id(None, "id").await.unwrap(), None);
        assert_eq!(calls.load(Ordering::Relaxed), 2);

        let calls = Arc::new(AtomicUsize::new(0));
        let sessions = SessionsHttpClientV1::direct(busy_once(&calls, busy), &config).unwrap();
        let error = sessions.open_session(None, "u", None, None, None, None, None).await.unwrap_err();
        assert_eq!((error.operation(), error.attempts()), (Some("open_session"), 1));
        assert_eq!(error.status(), Some(http::StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(calls.load(Ordering::Relaxed), 1, "a request that was sent is not retried");
    }
}

#[tokio::test]
async fn a_direct_client_returns_network_errors_as_gateway_statuses() {
    let config = params([("kind", "direct"), ("options.backoff", "0")]).build().unwrap();
    for (kind, status) in [(ErrorKind::Connect, 503), (ErrorKind::Timeout, 504), (ErrorKind::Transport, 502)]
    {
        let broken = SessionsHttpClientV1::new(transport_fn(move |_call: Call| async move {
            Err(Error::new(kind, "elsewhere").with_retry_after(Duration::from_millis(1)))
        }));
        let config = config
            .clone()
            .with_retry_policy(config.retry_policy().clone().with_max_retry_after(Duration::ZERO));
        let sessions = SessionsHttpClientV1::direct(broken, &config).unwrap();
        let error = sessions.get_session_by_id(None, "id").await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (status, 3));
        assert!(error.is_retryable());
        assert_eq!(error.retry_after(), Some(Duration::from_secs(1)), "whole seconds, rounded up");
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cart {
    items: u32,
}

#[tokio::test]
async fn every_kind_supports_other_payload_types() {
    let memory = SessionsMemoryClientV1::new().with_payloads::<Value, Cart>();
    let factory = SessionsClientFactory::<Value, Cart>::typed().with_implementation(memory);
    for kind in [ClientKind::Memory, ClientKind::Direct, ClientKind::Null] {
        let sessions: Arc<dyn DynISessionsV1<Value, Cart>> =
            factory.create(kind, &ClientConfig::new()).unwrap();
        let cart = Cart { items: 3 };
        let session = sessions.open_session(None, "u", None, None, None, None, Some(&cart)).await.unwrap();
        assert_eq!(session.data, Some(cart), "{kind}");
    }
}

#[tokio::test]
async fn a_kind_is_read_from_its_name_or_an_official_descriptor() {
    let factory = SessionsClientFactory::new();
    for value in [
        "memory",
        "mock",
        " memory ",
        "service-sessions:client:mock:default:1.0",
        "pip-services-sessions:client:memory:default:1.0",
        "*:*:memory:*:*",
    ] {
        let sessions = factory.from_params(&params([("kind", value)])).unwrap();
        let id = sessions.open_session(None, "u", None, None, None, None, None).await.unwrap().id;
        assert!(sessions.get_session_by_id(None, &id).await.unwrap().is_some(), "{value}");
    }
}

#[test]
fn a_descriptor_of_another_service_is_an_error() {
    for value in [
        "service-accounts:client:memory:default:1.0",
        "service-sessions:controller:default:default:1.0",
        "service-sessions:client:memory:default:2.0",
        "service-sessions:client:memory",
    ] {
        let error = SessionsClientFactory::new().from_params(&params([("kind", value)])).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().starts_with("`kind` is not a descriptor of "), "{error}");
    }
}

#[test]
fn a_direct_client_without_an_implementation_is_an_error() {
    let error = SessionsClientFactory::new().create(ClientKind::Direct, &ClientConfig::new()).err().unwrap();
    assert_eq!(
        error.to_string(),
        "`kind` is `direct`, which calls an implementation in the same process: \
         give it to `SessionsClientFactory::with_implementation`"
    );
}

#[cfg(not(any(feature = "hyper", feature = "reqwest")))]
#[test]
fn a_kind_missing_in_the_build_names_its_feature() {
    let params = params([("connection.host", "h")]);
    let error = SessionsClientFactory::new().from_params(&params).err().unwrap();
    assert_eq!(
        error.to_string(),
        "`kind` is `http`, which this build lacks: enable the feature `reqwest` of sessions-client"
    );
}

#[test]
fn every_kind_is_send_sync_and_has_private_debug_output() {
    fn check<T: Clone + Send + Sync + std::fmt::Debug + 'static>(value: &T) -> String {
        format!("{value:?}")
    }
    let direct: Result<SessionsDirectClientV1<_>, Error> =
        SessionsHttpClientV1::direct(SessionsMemoryClientV1::new(), &ClientConfig::new());
    assert_eq!(check(&direct.unwrap()), "SessionsHttpClientV1 { .. }");
    assert_eq!(check(&SessionsNullClientV1::new()), "SessionsNullClientV1 { .. }");
    let factory = SessionsClientFactory::new().with_implementation(SessionsMemoryClientV1::new());
    assert_eq!(
        check(&factory),
        "SessionsClientFactory { has_implementation: true, has_observer: false, .. }"
    );
    check(&ClientKind::Http);
}
