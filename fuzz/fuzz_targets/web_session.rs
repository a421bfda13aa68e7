//! The headers of a request to a web application, and the session that the service returns for it.
//!
//! The input has the headers, a blank line, and the JSON of the session. No user is logged in without an id in the
//! request, errors are one line without the id, and what is stored is read unchanged.
#![no_main]

use axum::body::Body;
use axum::extract::FromRequestParts as _;
use bytes::Bytes;
use chrono::DateTime;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use sessions_client::{Call, Error, ISessionsV1, SessionsHttpClientV1, Timestamp, transport_fn};
use sessions_fuzz::{assert_one_line, block_on, headers, split_at_blank_line};
use sessions_web::{
    Key, NewSession, Session, SessionCookie, SessionError, SessionLayer, SessionManager, SessionUserV1,
    SessionsServiceStore,
};
use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};
use time::OffsetDateTime;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_sessions_core::session::Id;
use tower_sessions_core::session_store::SessionStore as _;

/// The time of all clocks, in seconds since 1970.
const NOW: i64 = 1_795_400_000;

/// The id of the records in seeds.
const RECORD: Id = Id(1);

fuzz_target!(|input: &[u8]| {
    let (head, session) = split_at_blank_line(input);
    let session = Bytes::copy_from_slice(session);
    let headers = headers(head);
    block_on(async {
        for layer in layers(service(&session)) {
            read(&layer, &headers).await;
        }
        log_in(head).await;
        load(&session).await;
    });
    if let Ok(user) = serde_json::from_slice::<SessionUserV1>(&session) {
        // Times are written in milliseconds.
        let written = serde_json::to_string(&user).expect("a user can be written");
        let user: SessionUserV1 = serde_json::from_str(&written).expect("a user can be read");
        assert_eq!(serde_json::to_string(&user).ok(), Some(written), "the user has changed");
    }
});

/// Returns a client of a service that responds to each call with the same body.
fn service(session: &Bytes) -> impl ISessionsV1 + Clone + 'static {
    let session = session.clone();
    SessionsHttpClientV1::<Value, Value, _>::new(Arc::new(transport_fn(move |_: Call| {
        ready(Ok::<_, Error>(Response::new(session.clone())))
    })))
}

/// Returns layers with a signed cookie, and with a plain one or a header.
fn layers(service: impl ISessionsV1 + Clone + 'static) -> [SessionLayer; 2] {
    let signed = SessionCookie::new().signed(Key::from(&[7; 64]));
    let plain = SessionCookie::new().name("x-session-id").insecure_for_development();
    [
        SessionLayer::new(service.clone()).with_cookie(signed),
        SessionLayer::new(service).with_header().with_cookie(plain),
    ]
    .map(|layer| layer.expect("the cookie is valid").with_clock(now))
}

fn now() -> Timestamp {
    DateTime::from_timestamp(NOW, 0).expect("the time is valid")
}

/// Sends a request with `headers` to an application that uses the session.
async fn read(layer: &SessionLayer, headers: &HeaderMap) {
    let application = layer.layer(service_fn(|request: Request<Body>| async move {
        let (mut parts, _) = request.into_parts();
        if let Err(error) = use_session(&mut parts).await {
            assert_one_line(&error);
            if let Some(id) = parts.headers.get("x-session-id").and_then(|id| id.to_str().ok()) {
                assert!(id.len() < 16 || !error.to_string().contains(id), "the id is shown");
            }
        }
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    let mut request = Request::new(Body::empty());
    *request.headers_mut() = headers.clone();
    let response = application.oneshot(request).await.unwrap_or_else(|never| match never {});
    for cookie in response.headers().get_all(header::SET_COOKIE) {
        assert!(cookie.is_sensitive(), "the cookie is shown");
    }
}

async fn use_session(parts: &mut http::request::Parts) -> Result<(), SessionError> {
    let headers = parts.headers.clone();
    let session = Session::<SessionUserV1>::from_request_parts(parts, &()).await?;
    let is_named = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).contains(session.id());
    assert!(headers.values().any(is_named), "a user is logged in without an id");
    let _ = session.get::<u64>("visits");
    session.insert("visits", &1)?;
    assert_eq!(session.get::<u64>("visits")?, Some(1));
    session.save().await
}

/// Logs a user in with an id from the input, and sends the cookie back.
async fn log_in(input: &[u8]) {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let id: String = input.iter().copied().filter(is_letter).take(64).map(char::from).collect();
    if id.len() < 16 {
        return;
    }
    let user = SessionUserV1::new("1");
    let session = json!({
        "id": id, "user_id": "1", "active": true, "open_time": now(), "request_time": now(), "user": user, "data": {},
    });
    let session = Bytes::from(session.to_string());
    for layer in layers(service(&session)) {
        let user = user.clone();
        let login = layer.layer(service_fn(move |request: Request<Body>| {
            let user = user.clone();
            async move {
                let (mut parts, _) = request.into_parts();
                let manager = SessionManager::from_request_parts(&mut parts, &()).await;
                let manager = manager.expect("the layer is there");
                manager.log_in(NewSession::new("1", user)).await.expect("the session is valid");
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        }));
        let response = login.oneshot(Request::default()).await.unwrap_or_else(|never| match never {});
        let cookie = response.headers()[header::SET_COOKIE].to_str().expect("the cookie is ASCII");
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let id = id.clone();
        let application = layer.layer(service_fn(move |request: Request<Body>| {
            let id = id.clone();
            async move {
                let (mut parts, _) = request.into_parts();
                let session = Session::<SessionUserV1>::from_request_parts(&mut parts, &()).await;
                assert_eq!(session.expect("the user is logged in").id(), id);
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        }));
        let request = Request::get("/").header(header::COOKIE, cookie).body(Body::empty());
        let _ = application.oneshot(request.expect("the request is valid")).await;
    }
}

/// Loads the record of a session, stores it, and loads it again.
async fn load(session: &Bytes) {
    let found = store(service(session)).load(&RECORD).await;
    let Ok(Some(record)) = found else { return };
    let stored = Arc::new(Mutex::new(Value::Null));
    let (session, capture) = (session.clone(), Arc::clone(&stored));
    let service = transport_fn(move |call: Call| {
        let mut arguments: Value = serde_json::from_slice(call.request.body()).unwrap_or_default();
        *capture.lock().expect("nothing has panicked") = arguments["data"].take();
        ready(Ok::<_, Error>(Response::new(session.clone())))
    });
    let client = SessionsHttpClientV1::<Value, Value, _>::new(Arc::new(service));
    store(client).save(&record).await.expect("the session is active");
    let data = stored.lock().expect("nothing has panicked").take();
    let session = json!({
        "id": format!("{:032x}", RECORD.0), "active": true, "open_time": now(), "request_time": now(), "data": data,
    });
    let again = store(self::service(&session.to_string().into())).load(&RECORD).await;
    assert!(again.expect("the record can be read") == Some(record), "the record has changed");
}

fn store<S>(sessions: S) -> SessionsServiceStore<S> {
    let now = OffsetDateTime::from_unix_timestamp(NOW).expect("the time is valid");
    SessionsServiceStore::new(sessions, "shop").with_clock(move || now)
}
