//! A web application that keeps its users' sessions in the service: `cargo run -p sessions-client --example
//! axum_app`.
//!
//! It starts an embedded service and itself on free ports, sends itself a few requests and prints them. With
//! `--serve` it keeps running. The code to copy ends at `main`.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};
use sessions_client::{CallOptions, ErrorKind, ISessionsV1, SessionV1, SessionsHttpClientV1, sessions_v1};
use sessions_service::{EmbeddedService, SessionStore};
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The type of a session's `user`.
#[derive(Serialize, Deserialize)]
struct User {
    name: String,
}

/// The type of a session's `data`.
#[derive(Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

/// The application's state. A clone is cheap and shares the connections.
type Sessions = SessionsHttpClientV1<User, Cart>;

/// The limits of calls while a browser waits: an early error is better than a late page.
const WHILE_WAITING: CallOptions = CallOptions::new().deadline(Duration::from_secs(2)).retries(1);

/// The cookie with the id of the session. The id is the user's only credential.
const COOKIE: &str = "session";

fn app(sessions: Sessions) -> Router {
    Router::new()
        .route("/login", post(log_in))
        .route("/cart", get(show_cart).put(store_cart))
        .route("/logout", post(log_out))
        .with_state(sessions)
}

#[derive(Deserialize)]
struct Login {
    name: String,
}

/// Opens a session. A real application checks a password first.
async fn log_in(
    State(sessions): State<Sessions>,
    jar: CookieJar,
    headers: HeaderMap,
    Json(Login { name }): Json<Login>,
) -> Result<(CookieJar, StatusCode), AppError> {
    let user = User { name };
    let browser = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("unknown");
    let session = sessions_v1::OpenSession::new(&user.name)
        .client(browser)
        .user(&user)
        .data(&Cart::default())
        .send(&sessions.with(WHILE_WAITING))
        .await?;
    // In production, over HTTPS, add `.secure(true)`.
    let cookie = Cookie::build((COOKIE, session.id)).path("/").http_only(true).same_site(SameSite::Lax);
    Ok((jar.add(cookie), StatusCode::NO_CONTENT))
}

async fn show_cart(SignedIn(session): SignedIn) -> Json<Cart> {
    Json(session.data.unwrap_or_default())
}

async fn store_cart(
    State(sessions): State<Sessions>,
    SignedIn(session): SignedIn,
    Json(cart): Json<Cart>,
) -> Result<Json<Cart>, AppError> {
    let stored = sessions.with(WHILE_WAITING).store_session_data(None, &session.id, &cart).await?;
    // `None`: the session was deleted after it was read.
    let session = stored.ok_or(AppError::NotSignedIn)?;
    Ok(Json(session.data.unwrap_or_default()))
}

/// Closes the session, so that copies of its id are useless.
async fn log_out(
    State(sessions): State<Sessions>,
    SignedIn(session): SignedIn,
    jar: CookieJar,
) -> Result<(CookieJar, StatusCode), AppError> {
    sessions.with(WHILE_WAITING).close_session(None, &session.id).await?;
    Ok((jar.remove(Cookie::build(COOKIE).path("/")), StatusCode::NO_CONTENT))
}

/// The open session that the request's cookie names.
struct SignedIn(SessionV1<User, Cart>);

impl FromRequestParts<Sessions> for SignedIn {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, sessions: &Sessions) -> Result<Self, AppError> {
        let jar = CookieJar::from_headers(&parts.headers);
        let id = jar.get(COOKIE).ok_or(AppError::NotSignedIn)?.value();
        let found = sessions.with(WHILE_WAITING).get_session_by_id(None, id).await?;
        // The service also returns closed sessions.
        found.filter(|session| session.active).map(Self).ok_or(AppError::NotSignedIn)
    }
}

enum AppError {
    NotSignedIn,
    Sessions(sessions_client::Error),
}

impl From<sessions_client::Error> for AppError {
    fn from(error: sessions_client::Error) -> Self {
        Self::Sessions(error)
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let error = match self {
            Self::NotSignedIn => return (StatusCode::UNAUTHORIZED, "log in first").into_response(),
            Self::Sessions(error) => error,
        };
        // For the application's log. Errors contain no data of the user.
        eprintln!("sessions: {error}");
        match error.kind() {
            ErrorKind::Timeout => (StatusCode::GATEWAY_TIMEOUT, "try again").into_response(),
            _ if error.is_retryable() => {
                let pause = error.retry_after().unwrap_or(Duration::from_secs(1)).as_secs().max(1);
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    [(header::RETRY_AFTER, pause.to_string())],
                    "try again later",
                )
                    .into_response()
            }
            _ => (StatusCode::BAD_GATEWAY, "this did not work").into_response(),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await?;
    let (url, server) = start(&service.url()).await?;
    visit(&url).await?;

    // A second application, whose service is not running.
    let nowhere = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let (lost, _server) = start(&format!("http://{nowhere}")).await?;
    show(log_in_to(&lost)?, StatusCode::SERVICE_UNAVAILABLE).await?;

    if std::env::args().any(|argument| argument == "--serve") {
        println!("listening at {url}");
        server.await??;
    }
    Ok(())
}

/// Starts the application on a free port, with the sessions service at `service`.
async fn start(service: &str) -> Result<(String, JoinHandle<io::Result<()>>), Box<dyn std::error::Error>> {
    let sessions = SessionsHttpClientV1::connect(service)?.with_payloads();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((url, tokio::spawn(async move { axum::serve(listener, app(sessions)).await })))
}

/// Sends the requests of a browser.
async fn visit(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let browser = browser()?;
    show(browser.get(format!("{url}/cart")), StatusCode::UNAUTHORIZED).await?;

    let response = show(log_in_to(url)?, StatusCode::NO_CONTENT).await?;
    let cookie = response.headers()[header::SET_COOKIE].to_str()?;
    let cookie = cookie.split(';').next().unwrap_or_default();

    let cart = Cart { items: vec!["book".to_owned(), "pen".to_owned()] };
    let put = browser.put(format!("{url}/cart")).header(header::COOKIE, cookie).json(&cart);
    show(put, StatusCode::OK).await?;
    show(browser.get(format!("{url}/cart")).header(header::COOKIE, cookie), StatusCode::OK).await?;
    let out = browser.post(format!("{url}/logout")).header(header::COOKIE, cookie);
    show(out, StatusCode::NO_CONTENT).await?;
    let late = browser.get(format!("{url}/cart")).header(header::COOKIE, cookie);
    show(late, StatusCode::UNAUTHORIZED).await?;
    Ok(())
}

/// Returns an HTTP client that uses no proxy for this machine.
fn browser() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().build()
}

fn log_in_to(url: &str) -> reqwest::Result<reqwest::RequestBuilder> {
    let login = serde_json::json!({ "name": "Ann" });
    Ok(browser()?.post(format!("{url}/login")).json(&login))
}

/// Sends a request and prints it with its response, which must have `status`.
async fn show(
    request: reqwest::RequestBuilder,
    status: StatusCode,
) -> Result<http::Response<String>, Box<dyn std::error::Error>> {
    let (client, request) = request.build_split();
    let request = request?;
    let line = format!("{} {}", request.method(), request.url().path());
    let response = client.execute(request).await?;
    let (found, headers) = (response.status(), response.headers().clone());
    let mut whole = http::Response::new(response.text().await?);
    *whole.headers_mut() = headers;
    println!("{line:<12} -> {found} {}", whole.body());
    if found != status {
        return Err(format!("{line}: expected {status}").into());
    }
    Ok(whole)
}
