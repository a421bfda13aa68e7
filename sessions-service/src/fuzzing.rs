//! Private functions that fuzz targets call.

use super::{Service, SessionStore, connection};
use pip_services::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};

/// Serves one connection with the sessions of `store` until it ends.
pub async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, store: SessionStore) {
    connection::serve(stream, &Service::new(store)).await;
}

/// Returns the time that JavaScript's `Date.parse` returns for `string`.
#[must_use]
pub fn date_parse(string: &str) -> Option<Timestamp> {
    crate::date_parse::date_parse(string)
}
