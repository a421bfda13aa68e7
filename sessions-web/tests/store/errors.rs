//! Failures of the service, as the store reports them.

use serde_json::json;
use sessions_client::{Call, Response, SessionsHttpClientV1, http, transport_fn};
use sessions_web::SessionsServiceStore;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use time::{Duration, OffsetDateTime};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Error;

fn record() -> Record {
    let expiry_date = OffsetDateTime::now_utc() + Duration::minutes(30);
    let data = HashMap::from([("card".to_owned(), json!("zebra-s3cret"))]);
    Record { id: Id(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef), data, expiry_date }
}

fn response(status: u16, body: impl Into<sessions_client::bytes::Bytes>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response
}

/// Asserts that the error is one of the service, and shows neither the id nor the data of [`record`].
fn assert_private(error: &Error) {
    let shown = format!("{error} {error:?}");
    assert!(matches!(error, Error::Backend(_)), "{shown}");
    for secret in ["123456789abcdef", &record().id.to_string(), "zebra-s3cret"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn errors_do_not_show_ids_that_the_service_quotes() {
    let sessions = SessionsHttpClientV1::new(transport_fn(|call: Call| async move {
        let request: serde_json::Value = serde_json::from_slice(call.request.body()).unwrap();
        let id = request["session_id"].as_str().unwrap_or_default();
        let body = json!({ "code": "BROKEN", "message": format!("session {id} is broken") });
        Ok(response(500, body.to_string()))
    }));
    let store = SessionsServiceStore::new(sessions, "tests");
    let record = record();
    let errors = [
        store.save(&record).await.unwrap_err(),
        store.load(&record.id).await.unwrap_err(),
        store.delete(&record.id).await.unwrap_err(),
        store.create(&mut record.clone()).await.unwrap_err(),
    ];
    for error in &errors {
        assert_private(error);
        assert!(error.to_string().contains("is broken"), "{error}");
    }
}

#[tokio::test]
async fn a_service_that_is_down_is_an_error_of_the_backend() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let store = SessionsServiceStore::new(SessionsHttpClientV1::connect(&url).unwrap(), "tests");
    let record = record();
    assert_private(&store.create(&mut record.clone()).await.unwrap_err());
    assert_private(&store.load(&record.id).await.unwrap_err());
}

#[tokio::test]
async fn a_session_whose_id_is_not_hexadecimal_is_deleted_again() {
    for id in ["0123456789ABCDEF0123456789ABCDEF", "+123456789abcdef0123456789abcdef", "1", "a-z"] {
        let deleted = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&deleted);
        let sessions = SessionsHttpClientV1::new(transport_fn(move |call: Call| {
            let seen = Arc::clone(&seen);
            async move {
                let request: serde_json::Value = serde_json::from_slice(call.request.body()).unwrap();
                if call.request.uri().path().ends_with("/delete_session_by_id") {
                    seen.lock().unwrap().push(request["session_id"].clone());
                }
                let time = "2026-11-23T02:10:20.820Z";
                let session = json!({ "id": id, "active": true, "open_time": time, "request_time": time });
                Ok(response(200, session.to_string()))
            }
        }));
        let store = SessionsServiceStore::new(sessions, "tests");
        let error = store.create(&mut record()).await.unwrap_err();
        assert_private(&error);
        assert!(error.to_string().contains("32 hexadecimal digits"), "{error}");
        assert_eq!(*deleted.lock().unwrap(), [json!(id)]);
    }
}

#[tokio::test]
async fn another_session_than_the_requested_one_is_an_error() {
    let sessions = SessionsHttpClientV1::new(transport_fn(|_| async {
        let time = "2026-11-23T02:10:20.820Z";
        let data = json!({ "application": "tests", "expiry": "2999-01-01T00:00:00Z", "record": "{}" });
        let session = json!({
            "id": "f".repeat(32), "active": true, "open_time": time, "request_time": time, "data": data
        });
        Ok(response(200, session.to_string()))
    }));
    let store = SessionsServiceStore::new(sessions, "tests");
    for error in [store.load(&record().id).await.unwrap_err(), store.save(&record()).await.unwrap_err()] {
        assert_private(&error);
        assert!(error.to_string().contains("another session than the requested one"), "{error}");
    }
}

#[test]
fn debug_shows_only_the_application() {
    let sessions = SessionsHttpClientV1::connect("http://user:zebra-s3cret@localhost:1").unwrap();
    let store = SessionsServiceStore::new(sessions, "tests");
    assert_eq!(format!("{store:?}"), r#"SessionsServiceStore { application: "tests", .. }"#);
}
