//! Private functions that fuzz targets call.

use super::{Service, SessionStore, connection};
#[cfg(feature = "grpc")]
use bytes::Bytes;
#[cfg(feature = "grpc")]
use http_body_util::Full;
use pip_services::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};

/// Serves one connection with the sessions of `store` until it ends.
pub async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, store: SessionStore) {
    connection::serve(stream, &Service::new(store)).await;
}

/// Responds to a gRPC call with the sessions of `store`.
#[cfg(feature = "grpc")]
pub async fn respond_to_grpc(
    store: SessionStore,
    request: http::Request<Full<Bytes>>,
) -> http::Response<impl http_body::Body<Data = Bytes, Error: std::fmt::Debug>> {
    crate::grpc::respond(&Service::new(store), request).await
}

/// Returns the time that JavaScript's `Date.parse` returns for `string`.
#[must_use]
pub fn date_parse(string: &str) -> Option<Timestamp> {
    crate::date_parse::date_parse(string)
}
