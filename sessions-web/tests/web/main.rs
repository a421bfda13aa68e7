//! Tests of the layer and its extractors, by requests to an axum application over a sessions service in memory.

mod attacks;
mod cache;
mod cookies;
mod data;
mod expiry;
mod failures;
mod live;
mod login;
mod login_page;
mod own_sessions;
mod reads;
mod secrets;
mod support;
mod users;
