//! The embedded service with changed responses, at an address.

use axum::body::{Body, to_bytes};
use axum::http::response::Parts;
use axum::middleware::map_response;
use axum::response::Response;
use sessions_service::{SessionStore, router};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A change of a response.
pub(crate) type Change = fn(&mut Parts, &mut String);

/// A running service.
pub(crate) struct ChangedService {
    pub(crate) url: String,
    pub(crate) sessions: SessionStore,
    server: JoinHandle<()>,
}

impl ChangedService {
    pub(crate) async fn start(change: Change) -> Self {
        let sessions = SessionStore::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = router(sessions.clone()).layer(map_response(move |response| changed(change, response)));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, sessions, server }
    }
}

impl Drop for ChangedService {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn changed(change: Change, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    // A body that is not text, such as a compressed one, stays unchanged.
    let Ok(mut text) = String::from_utf8(body.to_vec()) else {
        return Response::from_parts(parts, Body::from(body));
    };
    let length = text.len();
    change(&mut parts, &mut text);
    if text.len() != length {
        parts.headers.remove("content-length");
    }
    Response::from_parts(parts, Body::from(text))
}

/// Renames the key `address`.
pub(crate) fn rename_address(_: &mut Parts, body: &mut String) {
    *body = body.replace(r#""address":"#, r#""addr":"#);
}

/// Sends 200 without a body in place of 204.
pub(crate) fn send_200_for_204(parts: &mut Parts, _: &mut String) {
    if parts.status.as_u16() == 204 {
        parts.status = http::StatusCode::OK;
    }
}
