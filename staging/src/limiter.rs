//! A check of requests that rejects the first ones.

use crate::server::Server;
use axum::Router;
use axum::extract::State;
use axum::routing::any;
use http::StatusCode;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A check for nginx's `auth_request` that rejects a number of requests with the status 403 and allows all later
/// ones.
#[derive(Debug)]
pub struct Limiter {
    server: Server,
    left: Arc<AtomicU64>,
}

impl Limiter {
    /// Starts a check that allows all requests until [`reject`](Self::reject) is called.
    ///
    /// # Errors
    ///
    /// If it cannot listen.
    pub async fn start() -> io::Result<Self> {
        let left = Arc::new(AtomicU64::new(0));
        let server = Server::start(Router::new().fallback(any(check)).with_state(Arc::clone(&left))).await?;
        Ok(Self { server, left })
    }

    /// Rejects the next requests.
    pub fn reject(&self, requests: u64) {
        self.left.store(requests, Ordering::Relaxed);
    }

    /// Returns the address of the check.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }
}

async fn check(State(left): State<Arc<AtomicU64>>) -> StatusCode {
    match left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
        Ok(_) => StatusCode::FORBIDDEN,
        Err(_) => StatusCode::NO_CONTENT,
    }
}
