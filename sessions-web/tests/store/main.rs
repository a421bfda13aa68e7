//! The session store of tower-sessions: records, the middleware of tower-sessions, and axum-login.
//!
//! Most tests run against an embedded service and, if `SESSIONS_URL` is set, against the real one, whose sessions are
//! not deleted at the end: use a service that nothing else uses.

mod axum_login;
mod browser;
mod calls;
mod errors;
mod middleware;
mod records;
mod services;
