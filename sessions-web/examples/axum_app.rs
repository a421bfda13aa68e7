//! An API with logged-in users, whose sessions are in the service: `cargo run -p sessions-web --example axum_app`.
//!
//! It starts an embedded service and itself on free ports, sends itself a few requests and prints them. With
//! `--serve` it keeps running. The code to copy ends at `main`.

use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sessions_client::SessionsHttpClientV1;
use sessions_service::{EmbeddedService, SessionStore};
use sessions_web::{
    NewSession, SameOriginLayer, Session, SessionCookie, SessionError, SessionLayer, SessionManager,
};
use std::error::Error;
use std::io;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The type of a session's user.
#[derive(Serialize, Deserialize)]
struct User {
    name: String,
}

/// A part of a session's data.
#[derive(Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

fn app(sessions: SessionLayer) -> Router {
    Router::new()
        .route("/login", post(log_in))
        .route("/cart", get(show_cart).put(store_cart))
        .route("/logout", post(log_out))
        .layer(sessions)
        .layer(SameOriginLayer::new())
}

#[derive(Deserialize)]
struct Login {
    name: String,
}

/// Opens a session. A real application checks a password first.
async fn log_in(
    sessions: SessionManager,
    Json(Login { name }): Json<Login>,
) -> Result<StatusCode, SessionError> {
    sessions.log_in(NewSession::new(&name, User { name: name.clone() })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The extractor rejects requests without a session.
async fn show_cart(session: Session<User>) -> Result<Json<Cart>, SessionError> {
    Ok(Json(session.get("cart")?.unwrap_or_default()))
}

/// The change is stored before the response is sent.
async fn store_cart(session: Session<User>, Json(cart): Json<Cart>) -> Result<String, SessionError> {
    session.insert("cart", &cart)?;
    Ok(format!("stored {} items for {}", cart.items.len(), session.user().name))
}

async fn log_out(sessions: SessionManager) -> Result<StatusCode, SessionError> {
    sessions.log_out().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
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
async fn start(service: &str) -> Result<(String, JoinHandle<io::Result<()>>), Box<dyn Error>> {
    // This address has no TLS. In production keep the default cookie.
    let cookie = SessionCookie::new().insecure_for_development();
    let sessions = SessionLayer::new(SessionsHttpClientV1::connect(service)?).with_cookie(cookie)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((url, tokio::spawn(async move { axum::serve(listener, app(sessions)).await })))
}

/// Sends the requests of a browser.
async fn visit(url: &str) -> Result<(), Box<dyn Error>> {
    let browser = browser()?;
    show(browser.get(format!("{url}/cart")), StatusCode::UNAUTHORIZED).await?;

    let headers = show(log_in_to(url)?, StatusCode::NO_CONTENT).await?;
    let cookie = headers[header::SET_COOKIE].to_str()?;
    let cookie = cookie.split(';').next().unwrap_or_default();

    let cart = Cart { items: vec!["book".to_owned(), "pen".to_owned()] };
    let put = browser.put(format!("{url}/cart")).header(header::COOKIE, cookie).json(&cart);
    show(put, StatusCode::OK).await?;
    show(browser.get(format!("{url}/cart")).header(header::COOKIE, cookie), StatusCode::OK).await?;

    // A form on a page of another site.
    let forged = browser.put(format!("{url}/cart")).header(header::COOKIE, cookie).json(&Cart::default());
    show(forged.header("sec-fetch-site", "cross-site"), StatusCode::FORBIDDEN).await?;

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

/// Sends a request, prints it with its response, which must have `status`, and returns the headers.
async fn show(request: reqwest::RequestBuilder, status: StatusCode) -> Result<HeaderMap, Box<dyn Error>> {
    let (client, request) = request.build_split();
    let request = request?;
    let line = format!("{} {}", request.method(), request.url().path());
    let response = client.execute(request).await?;
    let (found, headers) = (response.status(), response.headers().clone());
    println!("{line:<12} -> {found} {}", response.text().await?);
    if found != status {
        return Err(format!("{line}: expected {status}").into());
    }
    Ok(headers)
}
