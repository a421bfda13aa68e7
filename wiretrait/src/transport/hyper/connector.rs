//! Creation of connections.
//!
//! Connectors are tower services, as in hyper-util, but their types are erased here, so that the transport
//! has one type.

use super::connection::Connection;
use crate::config::ClientConfig;
use crate::error::Error;
use http::Uri;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::HttpConnector;
use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use tower_service::Service;

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

type Connecting = Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>>;

/// Opens connections to one address.
#[derive(Clone)]
pub(super) struct Connector(Arc<dyn Fn() -> Connecting + Send + Sync>);

impl Connector {
    pub(super) fn new<S>(service: S, origin: Uri) -> Self
    where
        S: Service<Uri, Response: Read + Write + Unpin + Send, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        Self(Arc::new(move || {
            let (mut service, origin) = (service.clone(), origin.clone());
            Box::pin(async move {
                poll_fn(|context| service.poll_ready(context)).await.map_err(Into::into)?;
                let io = service.call(origin).await.map_err(Into::into)?;
                Ok(Connection::over(io).await?)
            })
        }))
    }

    pub(super) async fn connect(&self) -> Result<Connection, BoxError> {
        (self.0)().await
    }

    /// Creates a connector over TCP to `origin`, with TLS if its scheme is `https`.
    pub(super) fn of_scheme(origin: Uri, config: &ClientConfig) -> Result<Self, Error> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        // hyper-util divides it among the addresses of the host, so that one that drops packets leaves time
        // for the others.
        tcp.set_connect_timeout(Some(config.connect_timeout()));
        if origin.scheme() == Some(&http::uri::Scheme::HTTPS) {
            tcp.enforce_http(false);
            return over_tls(tcp, origin);
        }
        Ok(Self::new(tcp, origin))
    }
}

#[cfg(feature = "rustls")]
fn over_tls(tcp: HttpConnector, origin: Uri) -> Result<Connector, Error> {
    use crate::error::ErrorKind;
    use hyper_rustls::HttpsConnectorBuilder;
    use rustls::crypto::{CryptoProvider, aws_lc_rs};

    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let tls =
        HttpsConnectorBuilder::new().with_provider_and_platform_verifier(provider).map_err(|error| {
            Error::new(ErrorKind::Config, format!("cannot set up TLS: {error}")).with_source(error)
        })?;
    Ok(Connector::new(tls.https_only().enable_http1().wrap_connector(tcp), origin))
}

#[cfg(not(feature = "rustls"))]
fn over_tls(_tcp: HttpConnector, _origin: Uri) -> Result<Connector, Error> {
    let why = "has the scheme `https`, which this build does not support: enable the feature `rustls` of wiretrait, or use \
               `HyperTransport::with_connector` with a connector for TLS";
    Err(Error::config("url", why))
}
