//! The calls to the service that the middleware of tower-sessions makes.

use crate::browser::Browser;
use axum::Router;
use axum::routing::get;
use sessions_client::{
    DynISessionsV1, InProcessTransport, SessionsHttpClientV1, SessionsMemoryClientV1, Transport, sessions_v1,
    transport_fn,
};
use sessions_web::SessionsServiceStore;
use std::sync::{Arc, Mutex};
use tower_sessions::{Session, SessionManagerLayer};

type Calls = Arc<Mutex<Vec<String>>>;

/// Returns a client of a service in memory, and the commands that it sends.
fn client() -> (Arc<dyn DynISessionsV1>, Calls) {
    let service = InProcessTransport::new(sessions_v1::Handler::new(SessionsMemoryClientV1::new()));
    let (service, calls) = (Arc::new(service), Calls::default());
    let recorded = Arc::clone(&calls);
    let client = SessionsHttpClientV1::new(transport_fn(move |call| {
        let service = Arc::clone(&service);
        let command = call.request.uri().path().rsplit('/').next().unwrap().to_owned();
        recorded.lock().unwrap().push(command);
        async move { service.send(call).await }
    }));
    (Arc::new(client), calls)
}

#[tokio::test]
async fn a_request_reads_once_and_writes_only_changes() {
    let (client, calls) = client();
    let layer = SessionManagerLayer::new(SessionsServiceStore::new(client, "tests"));
    let app = Router::new()
        .route("/unused", get(|_: Session| async {}))
        .route(
            "/read",
            get(|session: Session| async move {
                session.get::<u32>("visits").await.unwrap();
                session.get::<u32>("other").await.unwrap();
            }),
        )
        .route(
            "/change",
            get(|session: Session| async move {
                let visits: u32 = session.get("visits").await.unwrap().unwrap_or_default();
                session.insert("visits", visits + 1).await.unwrap();
                session.insert("other", visits).await.unwrap();
            }),
        )
        .route("/cycle", get(|session: Session| async move { session.cycle_id().await.unwrap() }))
        .route("/flush", get(|session: Session| async move { session.flush().await.unwrap() }))
        .layer(layer);
    let mut browser = Browser::new(&app);
    let expected: [(&str, &[&str]); 7] = [
        ("/read", &[]),
        ("/change", &["open_session"]),
        ("/unused", &[]),
        ("/read", &["get_session_by_id"]),
        ("/change", &["get_session_by_id", "store_session_data"]),
        ("/cycle", &["get_session_by_id", "delete_session_by_id", "open_session"]),
        ("/flush", &["delete_session_by_id"]),
    ];
    for (path, expected) in expected {
        assert_eq!(browser.get(path).await.status, 200);
        assert_eq!(std::mem::take(&mut *calls.lock().unwrap()), expected, "{path}");
    }
}
