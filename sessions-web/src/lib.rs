//! Logged-in users for axum applications, whose sessions are in the Pip.Services *sessions* microservice.
//!
//! [`SessionLayer`] gives each request its session, over any [`ISessionsV1`](sessions_client::ISessionsV1).
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod cache;
mod cookie;
mod credential;
mod error;
mod expiry;
mod layer;
mod manager;
mod open;
mod request;
mod same_origin;
mod session;
mod shared;
#[cfg(feature = "tower-sessions")]
mod store;
mod user;

pub use self::cookie::SessionCookie;
pub use self::error::{PayloadError, SessionError};
pub use self::layer::{SessionLayer, SessionService};
pub use self::manager::{ActiveSession, NewSession, SessionManager};
pub use self::same_origin::{SameOriginLayer, SameOriginService};
pub use self::session::{CurrentUser, Session};
#[cfg(feature = "tower-sessions")]
pub use self::store::{SessionsServiceStore, axum_login_user_id};
pub use self::user::SessionUserV1;
pub use ::cookie::{Key, SameSite};
