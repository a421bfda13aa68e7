//! The JSON of commands to the embedded service, as JavaScript reads and writes it.
//!
//! The first byte selects the command. Every response is JSON, and a payload that the service returns is stored
//! and returned unchanged.
#![no_main]

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use sessions_client::{SessionV1, sessions_v1};
use sessions_fuzz::{block_on, store};
use sessions_service::{SessionStore, router};
use tower::ServiceExt as _;

fuzz_target!(|input: &[u8]| {
    let Some((&selector, json)) = input.split_first() else { return };
    let route = sessions_v1::ROUTES[usize::from(selector) % sessions_v1::ROUTES.len()];
    block_on(async {
        let store = store();
        let target = format!("{}{}", route.prefix, route.path);
        call(&store, &target, json.to_vec()).await;
        if let Some(stored) = store_payload(&store, json).await {
            let again = store_payload(&store, stored.as_bytes()).await;
            assert_eq!(again.as_deref(), Some(&*stored), "the payload has changed");
        }
    });
});

/// Opens a session with a payload, and returns it as the service returns it; `None` if the service rejects it.
async fn store_payload(store: &SessionStore, payload: &[u8]) -> Option<String> {
    let body = [br#"{"user_id":"1","data":"#, payload, b"}"].concat();
    let (status, response) = call(store, "/v1/sessions/open_session", body).await;
    if status != StatusCode::OK {
        return None;
    }
    let session: SessionV1<Box<RawValue>, Box<RawValue>> =
        serde_json::from_slice(&response).expect("the response is a session");
    session.data.map(|data| data.get().to_owned())
}

async fn call(store: &SessionStore, target: &str, body: Vec<u8>) -> (StatusCode, Vec<u8>) {
    let request = Request::post(target).header("content-type", "application/json").body(Body::from(body));
    let response = router(store.clone()).oneshot(request.expect("the request is valid")).await;
    let (parts, body) = response.expect("the service does not fail").into_parts();
    let body = body.collect().await.expect("the body is complete").to_bytes().to_vec();
    if !body.is_empty() {
        serde_json::from_slice::<&RawValue>(&body).expect("the response is JSON");
    }
    (parts.status, body)
}
