//! Logged-in users for axum applications, whose sessions are in the Pip.Services *sessions* microservice.
//!
//! [`SessionLayer`] gives each request its session, over any [`ISessionsV1`](sessions_client::ISessionsV1):
//!
//! ```
//! use axum::{Router, routing::get};
//! use sessions_client::SessionsMemoryClientV1;
//! use sessions_web::{CurrentUser, SameOriginLayer, SessionLayer};
//!
//! async fn hello(CurrentUser(user): CurrentUser) -> String {
//!     format!("Hello, {}!", user.id)
//! }
//!
//! // Over the network: `SessionsHttpClientV1::connect("http://localhost:8080")?`.
//! let client = SessionsMemoryClientV1::new();
//! let app: Router = Router::new()
//!     .route("/", get(hello))
//!     .layer(SessionLayer::new(client))
//!     .layer(SameOriginLayer::new());
//! ```
//!
//! | topic | see |
//! |---|---|
//! | the session and the user of a request | [`Session`], [`CurrentUser`], [`SessionUserV1`] |
//! | login, logout, the list of a user's sessions | [`SessionManager`], [`NewSession`] |
//! | data, and two requests of one session at once | [`Session`] |
//! | expiry, failures of the service, the cache | [`SessionLayer`] |
//! | cookies | [`SessionCookie`] |
//! | the redirect to the login page, and the way back | [`SessionLayer::with_login_page`], [`ReturnTo`] |
//! | requests forged by other sites | [`SameOriginLayer`] |
//! | responses to requests without a session | [`SessionError`] |
//! | tower-sessions and axum-login | `SessionsServiceStore` (feature `tower-sessions`) |
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `tower-sessions` | a session store of tower-sessions, and so of axum-login: `SessionsServiceStore` |
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod cache;
mod cookie;
mod credential;
mod error;
mod expiry;
mod layer;
mod login_page;
mod manager;
mod open;
mod request;
mod same_origin;
mod session;
mod shared;
#[cfg(feature = "tower-sessions")]
mod store;
mod user;
mod write_locks;

// The locks and atomics of what requests share, which shuttle schedules in models of interleavings.
#[cfg(all(test, shuttle))]
use shuttle::sync;
#[cfg(not(all(test, shuttle)))]
use std::sync;

pub use self::cookie::SessionCookie;
pub use self::error::{PayloadError, SessionError};
pub use self::layer::{SessionLayer, SessionService};
pub use self::login_page::ReturnTo;
pub use self::manager::{ActiveSession, NewSession, SessionManager};
pub use self::same_origin::{SameOriginLayer, SameOriginService};
pub use self::session::{CurrentUser, Session};
#[cfg(feature = "tower-sessions")]
pub use self::store::{SessionsServiceStore, axum_login_user_id};
pub use self::user::SessionUserV1;
pub use ::cookie::{Key, SameSite};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;

#[cfg(doctest)]
#[doc = include_str!("../../docs/web-sessions.md")]
struct GuideExamples;
