//! Private functions that fuzz targets call.

#[cfg(feature = "oauth2")]
use crate::auth::{ClientCredentials, Token};
use crate::config::ClientConfig;
use crate::error::Result;
#[cfg(feature = "oauth2")]
use crate::runtime::Transport;
use tokio::io::{AsyncRead, AsyncWrite};

/// Asks the proxy of `config` at the other end of `stream` for a connection to the service, and returns it.
///
/// # Errors
///
/// Those of a transport that opens a connection, and [`ErrorKind::Config`](crate::ErrorKind::Config) if `config` has no
/// proxy.
pub async fn open_tunnel<S>(config: &ClientConfig, stream: S) -> Result<impl AsyncRead + AsyncWrite + Unpin>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    crate::transport::tunnel_over(config, stream).await
}

/// Requests a token over `transport`.
///
/// # Errors
///
/// Those of the token provider for OAuth 2.0.
#[cfg(feature = "oauth2")]
pub async fn fetch_token(credentials: ClientCredentials, transport: impl Transport) -> Result<Token> {
    crate::auth::fetch_over(credentials, transport).await
}
