//! An OAuth 2.0 server for client credentials, and the check of its tokens.

use crate::server::Server;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use serde_json::json;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A server that issues bearer tokens to one client (RFC 6749, section 4.4), and checks them for nginx's
/// `auth_request`.
#[derive(Debug)]
pub struct TokenServer {
    server: Server,
    issuer: Arc<Issuer>,
}

#[derive(Debug)]
struct Issuer {
    lifetime: Duration,
    /// The tokens with the time of their expiry.
    tokens: Mutex<HashMap<String, Instant>>,
    requests: AtomicU64,
}

impl TokenServer {
    /// The id of the only client.
    pub const CLIENT_ID: &str = "sessions-tests";
    /// The secret of the only client.
    pub const CLIENT_SECRET: &str = "a secret: of +%/& letters";

    /// Starts a server of tokens that expire after `lifetime`.
    ///
    /// # Errors
    ///
    /// If it cannot listen.
    pub async fn start(lifetime: Duration) -> io::Result<Self> {
        let issuer = Arc::new(Issuer { lifetime, tokens: Mutex::default(), requests: AtomicU64::new(0) });
        let routes = Router::new()
            .route("/token", post(token))
            .route("/check", any(check))
            .with_state(Arc::clone(&issuer));
        Ok(Self { server: Server::start(routes).await?, issuer })
    }

    /// Returns the URL at which clients get tokens.
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("http://{}/token", self.server.address)
    }

    /// Returns the address of the server, which checks tokens at `/check`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Returns the number of requests for a token.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.issuer.requests.load(Ordering::Relaxed)
    }

    /// Returns a new token that expires after `lifetime`.
    #[must_use]
    pub fn issue(&self, lifetime: Duration) -> String {
        self.issuer.issue(lifetime)
    }
}

impl Issuer {
    fn issue(&self, lifetime: Duration) -> String {
        let token = format!("issued-{:032x}", fastrand::u128(..));
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(token.clone(), Instant::now() + lifetime);
        token
    }

    fn is_valid(&self, token: &str) -> bool {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(token).is_some_and(|expiry| Instant::now() < *expiry)
    }
}

async fn token(State(issuer): State<Arc<Issuer>>, headers: HeaderMap, body: String) -> Response {
    issuer.requests.fetch_add(1, Ordering::Relaxed);
    let form: HashMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let client = basic(&headers)
        .or_else(|| Some((form.get("client_id")?.clone(), form.get("client_secret")?.clone())));
    if client != Some((TokenServer::CLIENT_ID.to_owned(), TokenServer::CLIENT_SECRET.to_owned())) {
        let error = json!({"error": "invalid_client", "error_description": "the client is unknown"});
        return (StatusCode::UNAUTHORIZED, Json(error)).into_response();
    }
    if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "unsupported_grant_type"}))).into_response();
    }
    let token = issuer.issue(issuer.lifetime);
    Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": issuer.lifetime.as_secs()}))
        .into_response()
}

/// Returns the client id and secret of `Authorization: Basic`, which are form-encoded (RFC 6749, section 2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let decode = |part: &str| Some(form_urlencoded::parse(part.as_bytes()).next()?.0.into_owned());
    Some((decode(id)?, decode(secret)?))
}

async fn check(State(issuer): State<Arc<Issuer>>, headers: HeaderMap) -> Response {
    let token =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let challenge = match token {
        Some(token) if issuer.is_valid(token) => return StatusCode::NO_CONTENT.into_response(),
        Some(_) => r#"Bearer error="invalid_token", error_description="The token has expired""#,
        None => "Bearer",
    };
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
}
