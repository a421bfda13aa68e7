//! The embedded service behind a gateway that requires an API key, and that changes responses.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use sessions_service::{SessionStore, router};
use snapshots::Value;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A change of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It behaves like the real service.
    None,
    /// No session has an `address`.
    HidesAddresses,
    /// Also, `user_id` is `userId`.
    RenamesUserId,
    /// Its errors contain the credentials of the request, which also name a key of each session and a header.
    ReturnsCredentials,
    /// It rejects each request with this status, and an error with the credentials of the request.
    Rejects(u16),
}

/// A running service, which stops when it is dropped.
pub(crate) struct Service {
    pub(crate) url: String,
    change: Arc<Mutex<Change>>,
    task: JoinHandle<()>,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let change = Arc::new(Mutex::new(Change::None));
        let shared = Arc::clone(&change);
        let gateway = from_fn(move |request: Request, next: Next| {
            let change = *shared.lock().unwrap();
            async move { respond(change, request, next).await }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = router(SessionStore::new()).layer(gateway);
        let task = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { url, change, task }
    }

    pub(crate) fn set(&self, change: Change) {
        *self.change.lock().unwrap() = change;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn respond(change: Change, request: Request, next: Next) -> Response {
    let [token, key] = [AUTHORIZATION.as_str(), "x-api-key"].map(|name| {
        let value = request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        value.unwrap_or_default().into_owned()
    });
    let credentials = format!("{token} {key}");
    if key.is_empty() {
        return Response::builder().status(401).body(Body::empty()).unwrap();
    }
    if let Change::Rejects(status) = change {
        let error = serde_json::json!({"code": "UNKNOWN", "message": format!("unknown: {credentials}")});
        return Response::builder().status(status).body(Body::from(error.to_string())).unwrap();
    }
    let (mut parts, body) = next.run(request).await.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let is_json = parts.headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().ends_with(b"json"));
    let changed = match serde_json::from_slice(&body) {
        Ok(json) if is_json && change != Change::None => {
            let mut json: Value = json;
            edit(change, &mut json, &credentials);
            serde_json::to_vec(&json).unwrap()
        }
        _ => body.to_vec(),
    };
    parts.headers.remove(CONTENT_LENGTH);
    if change == Change::ReturnsCredentials {
        parts.headers.insert(HeaderName::try_from(format!("x-{key}")).unwrap(), key.parse().unwrap());
    }
    Response::from_parts(parts, Body::from(changed))
}

fn edit(change: Change, json: &mut Value, credentials: &str) {
    match json {
        Value::Object(object) if change == Change::ReturnsCredentials => {
            if let Some(message) = object.get_mut("message") {
                *message = serde_json::from_value(serde_json::json!(format!("got {credentials}"))).unwrap();
            } else if object.contains_key("open_time") {
                object.insert(credentials.trim().to_owned(), Value::Null);
            }
        }
        Value::Object(object) if object.contains_key("open_time") => {
            object.shift_remove("address");
            if change == Change::RenamesUserId
                && let Some(index) = object.get_index_of("user_id")
            {
                let (_, value) = object.shift_remove_index(index).unwrap();
                object.shift_insert(index, "userId".to_owned(), value);
            }
        }
        Value::Object(object) => object.values_mut().for_each(|value| edit(change, value, credentials)),
        Value::Array(items) => items.iter_mut().for_each(|value| edit(change, value, credentials)),
        _ => {}
    }
}
