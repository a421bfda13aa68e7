//! The gRPC interfaces: the same sessions as over HTTP, and calls that they reject.

use serde_json::{Value, json};
use sessions_client::{
    ClientConfig, ClientKind, DynISessionsV1, FilterParams, ISessionsV1, PagingParams, SessionsClientFactory,
    SessionsCommandableGrpcClientV1, SessionsHttpClientV1,
};
use sessions_service::{EmbeddedService, ServiceOptions, SessionStore};
use std::sync::Arc;

const KINDS: [ClientKind; 2] = [ClientKind::Grpc, ClientKind::CommandableGrpc];

/// Starts the service over both protocols, and returns a client over gRPC and one over HTTP.
async fn start(kind: ClientKind) -> ([EmbeddedService; 2], Arc<dyn DynISessionsV1>, SessionsHttpClientV1) {
    let store = SessionStore::new();
    let http = EmbeddedService::start("127.0.0.1:0", store.clone()).await.unwrap();
    let grpc = EmbeddedService::start_grpc("127.0.0.1:0", store, ServiceOptions::new()).await.unwrap();
    let config = ClientConfig::from_url(&grpc.url()).unwrap();
    let client = SessionsClientFactory::new().create(kind, &config).unwrap();
    let over_http = SessionsHttpClientV1::connect(&http.url()).unwrap();
    ([http, grpc], client, over_http)
}

#[tokio::test]
async fn sessions_are_the_same_over_grpc_and_http() {
    for kind in KINDS {
        let (_services, grpc, http) = start(kind).await;
        let (user, cart) = (json!({ "name": "Änn" }), json!({ "items": ["book"], "n": 1.5 }));
        let opened = grpc
            .open_session(Some("life"), "u", Some("Ann"), None, Some("test"), Some(&user), None)
            .await
            .unwrap();
        let id = &*opened.id;
        assert_eq!(http.get_session_by_id(None, id).await.unwrap(), Some(opened.clone()), "{kind}");
        let stored = grpc.store_session_data(None, id, &cart).await.unwrap().unwrap();
        assert_eq!((stored.user.as_ref(), stored.data.as_ref()), (Some(&user), Some(&cart)));
        let updated = grpc.update_session_user(None, id, &json!("text")).await.unwrap();
        assert_eq!(http.get_session_by_id(None, id).await.unwrap(), updated);

        let (mine, paging) = (FilterParams::new().user_id("u"), PagingParams::new().take(1).total(true));
        http.open_session(None, "u", None, None, None, None, None).await.unwrap();
        let listed = grpc.get_sessions(None, Some(&mine), Some(&paging)).await.unwrap();
        assert_eq!((listed.total, listed.data.len()), (Some(2), 1));
        assert_eq!(listed, http.get_sessions(None, Some(&mine), Some(&paging)).await.unwrap());
        let nothing = grpc.get_sessions(None, Some(&FilterParams::new().user_id("x")), None).await.unwrap();
        assert_eq!((nothing.total, nothing.data.len()), (None, 0));

        grpc.close_expired_sessions(None).await.unwrap();
        let closed = grpc.close_session(None, id).await.unwrap().unwrap();
        assert!(!closed.active && closed.close_time.is_some());
        assert_eq!(grpc.delete_session_by_id(None, id).await.unwrap(), Some(closed));
        assert_eq!(grpc.delete_session_by_id(None, id).await.unwrap(), None);
        assert_eq!(grpc.store_session_data(None, id, &cart).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_message_over_4_mib_is_rejected() {
    for kind in KINDS {
        let (_services, grpc, _) = start(kind).await;
        let large = Value::String("x".repeat(4 << 20));
        let error = grpc.open_session(None, "u", None, None, None, None, Some(&large)).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (413, 1), "{error}");
    }
}

#[tokio::test]
async fn an_unknown_command_is_an_error() {
    let (services, ..) = start(ClientKind::Grpc).await;
    let route = sessions_client::BaseRoute::new("v2/sessions").unwrap();
    let config = ClientConfig::from_url(&services[1].url()).unwrap().with_base_route(route);
    let client: SessionsCommandableGrpcClientV1 =
        SessionsCommandableGrpcClientV1::commandable_grpc(&config).unwrap();
    let error = client.get_session_by_id(None, "1").await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.service().unwrap().message, "Method v2/sessions.get_session_by_id was not found");
}
