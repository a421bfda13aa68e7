//! The shop: its routes and its layers.

mod accounts;
mod cart;
mod error_pages;
mod login;
mod my_sessions;
mod page;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::routing::{get, post};
use sessions_web::{SameOriginLayer, SessionLayer};
use tower_http::set_header::SetResponseHeaderLayer;

/// Only resources of this site, and no frames of other sites around the pages.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Creates the application. `sessions` gives each request its session.
///
/// # Errors
///
/// A configuration error if the layer rejects the path of the login page.
pub fn app(sessions: SessionLayer) -> sessions_client::Result<Router> {
    let app = Router::new()
        .route("/", get(cart::show))
        .route("/cart/add", post(cart::add))
        .route("/cart/remove", post(cart::remove))
        .route("/sessions", get(my_sessions::show))
        .route("/sessions/log-out", post(my_sessions::log_out_one))
        .route("/sessions/log-out-everywhere", post(my_sessions::log_out_everywhere))
        .route("/login", get(login::form).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/style.css", get(page::style))
        .route("/restored.js", get(page::script))
        // The last layer sees a request first.
        .layer(sessions.with_login_page("/login")?)
        // Pages of other sites cannot send forms to this one in the user's name.
        .layer(SameOriginLayer::new())
        .layer(map_response(error_pages::show))
        .layer(SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, POLICY));
    Ok(app)
}
