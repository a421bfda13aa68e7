//! The kinds of client: each does what the contract says, and a configuration chooses among them.

#![cfg(feature = "tokio")]

use chrono::{TimeZone, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessions_client::telemetry::FinishedCall;
use sessions_client::{
    Call, ClientConfig, ClientKind, DynISessionsV1, Error, ErrorKind, FilterParams, ISessionsV1, Result,
    SessionsClientFactory, SessionsDirectClientV1, SessionsHttpClientV1, SessionsMemoryClientV1,
    SessionsNullClientV1, transport_fn,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn of_kind(kind: ClientKind) -> ClientConfig {
    ClientConfig::new().with_kind(kind)
}

fn refused(kind: &str) -> String {
    let error = kind.parse::<ClientKind>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

/// A session's whole life, at any client that keeps sessions.
async fn lives(sessions: Arc<dyn DynISessionsV1>) {
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
async fn a_session_lives_in_memory() {
    lives(SessionsClientFactory::new().create(&of_kind(ClientKind::Memory)).unwrap()).await;
}

#[tokio::test]
async fn a_session_lives_in_an_implementation_of_the_same_process() {
    let memory = SessionsMemoryClientV1::new();
    let factory = SessionsClientFactory::new().with_implementation(memory.clone());
    lives(factory.create(&of_kind(ClientKind::Direct)).unwrap()).await;
    lives(Arc::new(SessionsHttpClientV1::direct(memory, &ClientConfig::new()).unwrap())).await;
}

#[cfg(all(feature = "server", any(feature = "hyper", feature = "reqwest")))]
#[tokio::test]
async fn a_session_lives_in_a_service() {
    let memory = SessionsMemoryClientV1::new();
    let service = sessions_client::server::EmbeddedService::start("127.0.0.1:0", memory).await.unwrap();
    let config = ClientConfig::from_pairs([("kind", "http"), ("connection.uri", &*service.url())]).unwrap();
    lives(SessionsClientFactory::new().create(&config).unwrap()).await;
}

#[tokio::test]
async fn clients_of_one_factory_share_an_implementation_and_no_memory() {
    let factory = SessionsClientFactory::new().with_implementation(SessionsMemoryClientV1::new());
    for (kind, found) in [(ClientKind::Direct, true), (ClientKind::Memory, false)] {
        let [one, other] = [(); 2].map(|()| factory.create(&of_kind(kind)).unwrap());
        let session = one.open_session(None, "u", None, None, None, None, None).await.unwrap();
        assert_eq!(other.get_session_by_id(None, &session.id).await.unwrap().is_some(), found, "{kind}");
    }
}

#[tokio::test]
async fn the_null_client_opens_what_it_is_given_and_keeps_nothing() {
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
async fn the_clients_of_a_factory_tell_its_observer() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let observer = move |_call: &FinishedCall<'_>| {
        counter.fetch_add(1, Ordering::Relaxed);
    };
    let factory = SessionsClientFactory::new()
        .with_observer(Arc::new(observer))
        .with_implementation(SessionsMemoryClientV1::new());
    let sessions = factory.create(&of_kind(ClientKind::Direct)).unwrap();
    sessions.get_session_by_id(None, "id").await.unwrap();
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}

/// What a service says with a 503, and what a proxy does.
const BUSY: [&str; 2] = [r#"{"code":"BUSY","message":"later"}"#, "<html>try later</html>"];

/// An implementation whose first answer is a 503 with the body `busy`.
fn faltering(calls: &Arc<AtomicUsize>, busy: &'static str) -> impl ISessionsV1 + 'static {
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
async fn a_direct_client_repeats_what_a_client_over_the_network_would() {
    let config = ClientConfig::from_pairs([("kind", "direct"), ("options.backoff", "0")]).unwrap();
    for busy in BUSY {
        let calls = Arc::new(AtomicUsize::new(0));
        let sessions = SessionsHttpClientV1::direct(faltering(&calls, busy), &config).unwrap();
        assert_eq!(sessions.get_session_by_id(None, "id").await.unwrap(), None);
        assert_eq!(calls.load(Ordering::Relaxed), 2);

        let calls = Arc::new(AtomicUsize::new(0));
        let sessions = SessionsHttpClientV1::direct(faltering(&calls, busy), &config).unwrap();
        let error = sessions.open_session(None, "u", None, None, None, None, None).await.unwrap_err();
        assert_eq!((error.operation(), error.attempts()), (Some("open_session"), 1));
        assert_eq!(error.status(), Some(http::StatusCode::SERVICE_UNAVAILABLE));
        assert_eq!(calls.load(Ordering::Relaxed), 1, "it is not repeated once it was sent");
    }
}

#[tokio::test]
async fn what_an_implementation_met_on_its_way_is_for_a_direct_client_as_if_it_had_met_it() {
    let config = ClientConfig::from_pairs([("kind", "direct"), ("options.backoff", "0")]).unwrap();
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
        assert_eq!(error.retry_after(), Some(Duration::from_secs(1)), "in whole seconds, rounded up");
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cart {
    items: u32,
}

#[tokio::test]
async fn every_kind_takes_payloads_of_other_types() {
    let memory = SessionsMemoryClientV1::new().with_payloads::<Value, Cart>();
    let factory = SessionsClientFactory::<Value, Cart>::typed().with_implementation(memory);
    for kind in [ClientKind::Memory, ClientKind::Direct, ClientKind::Null] {
        let sessions: Arc<dyn DynISessionsV1<Value, Cart>> = factory.create(&of_kind(kind)).unwrap();
        let cart = Cart { items: 3 };
        let session = sessions.open_session(None, "u", None, None, None, None, Some(&cart)).await.unwrap();
        assert_eq!(session.data, Some(cart), "{kind}");
    }
}

#[test]
fn kinds_are_read_from_names_and_from_the_descriptors_of_the_official_clients() {
    for (text, kind) in [
        ("http", ClientKind::Http),
        ("commandable-http", ClientKind::Http),
        ("direct", ClientKind::Direct),
        ("memory", ClientKind::Memory),
        ("mock", ClientKind::Memory),
        ("null", ClientKind::Null),
        (" null ", ClientKind::Null),
        ("service-sessions:client:commandable-http:default:1.0", ClientKind::Http),
        ("service-sessions:client:mock:default:1.0", ClientKind::Memory),
        ("pip-services-sessions:client:http:default:1.0", ClientKind::Http),
        ("pip-services-sessions:client:memory:default:1.0", ClientKind::Memory),
        ("pip-services-sessions:client:direct:*:*", ClientKind::Direct),
        ("*:*:null:*:*", ClientKind::Null),
    ] {
        assert_eq!(text.parse::<ClientKind>().unwrap(), kind, "{text}");
    }
    for kind in [ClientKind::Http, ClientKind::Direct, ClientKind::Memory, ClientKind::Null] {
        assert_eq!(kind.to_string().parse::<ClientKind>().unwrap(), kind);
    }
}

#[test]
fn a_kind_that_there_is_not_is_refused_with_those_that_there_are() {
    let kinds = "There are `http`, `direct`, `memory`, `null`";
    assert_eq!(refused("htpp"), format!("`kind` is no kind of client: did you mean `http`? {kinds}"));
    assert_eq!(refused("carrier-pigeon"), format!("`kind` is no kind of client: {kinds}"));
    assert_eq!(refused(""), format!("`kind` is no kind of client: {kinds}"));
    for kind in ["grpc", "commandable-grpc", "lambda", "commandable-lambda"] {
        let why = format!(
            "`kind` is `{kind}`, which only the official clients have: the service answers `http` as well"
        );
        assert_eq!(refused(kind), why);
        assert_eq!(refused(&format!("service-sessions:client:{kind}:default:1.0")), why);
    }
    for text in [
        "service-sessions:controller:default:default:1.0",
        "service-accounts:client:http:default:1.0",
        "service-sessions:client:http:default:2.0",
        "service-sessions:client:http",
    ] {
        assert_eq!(
            refused(text),
            "`kind` is no descriptor of a sessions client: \
             write it like `service-sessions:client:http:default:1.0`, or the kind alone"
        );
    }
}

#[test]
fn a_direct_client_without_an_implementation_says_what_to_give() {
    let error = SessionsClientFactory::new().create(&of_kind(ClientKind::Direct)).err().unwrap();
    assert_eq!(
        error.to_string(),
        "`kind` is `direct`, which calls an implementation in the same process: \
         give it to `SessionsClientFactory::with_implementation`"
    );
}

#[cfg(not(any(feature = "hyper", feature = "reqwest")))]
#[test]
fn a_kind_that_the_build_lacks_names_its_feature() {
    let config = ClientConfig::from_pairs([("connection.host", "h")]).unwrap();
    let error = SessionsClientFactory::new().create(&config).err().unwrap();
    assert_eq!(
        error.to_string(),
        "`kind` is `http`, which this build lacks: switch on the feature `reqwest` of sessions-client"
    );
}

#[test]
fn every_kind_can_be_shared_between_threads_and_prints_nothing_private() {
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
