//! A transport to the embedded service, in process, that changes its responses.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use chrono::DateTime;
use http_body_util::BodyExt as _;
use sessions_client::{Call, Error, ErrorKind, Request, Response, Transport};
use sessions_service::{SessionStore, router};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tower::ServiceExt as _;

/// The first time of a session, in milliseconds: before the time of the heartbeat, for which a case waits.
const START: i64 = 1_795_399_820_000;

/// A change of a response. The last argument has the bodies of the responses before.
pub(crate) type Edit = fn(&Request, &mut Response, &mut Vec<Bytes>);

/// The embedded service with a change.
#[derive(Clone)]
pub(crate) struct ChangedService {
    router: Router,
    edit: Edit,
    edit_request: fn(&mut Request),
    before: Arc<Mutex<Vec<Bytes>>>,
}

impl ChangedService {
    pub(crate) fn new(edit: Edit, edit_request: fn(&mut Request)) -> Self {
        // Each reading is a millisecond after the one before, so that a slow machine has the same times.
        let readings = AtomicI64::new(START);
        let clock = move || {
            let reading = readings.fetch_add(1, Ordering::Relaxed);
            DateTime::from_timestamp_millis(reading).unwrap_or_default()
        };
        let sessions = SessionStore::new().with_clock(clock);
        Self { router: router(sessions), edit, edit_request, before: Arc::default() }
    }
}

impl Transport for ChangedService {
    async fn send(&self, call: Call) -> Result<Response, Error> {
        let mut request = call.request;
        (self.edit_request)(&mut request);
        let failed = |error: axum::Error| Error::new(ErrorKind::Transport, error.to_string());
        let response = self.router.clone().oneshot(request.clone().map(Body::from)).await;
        let (parts, body) = response.unwrap_or_else(|never| match never {}).into_parts();
        let body = body.collect().await.map_err(failed)?.to_bytes();
        let mut response = Response::from_parts(parts, body);
        if request.uri().path().starts_with("/v1/sessions") {
            let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
            (self.edit)(&request, &mut response, &mut before);
        }
        Ok(response)
    }
}
