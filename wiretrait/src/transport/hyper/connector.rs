//! Creation of connections.
//!
//! Connectors are tower services, as in hyper-util, but their types are erased here, so that the transport
//! has one type.

use super::io::Stream;
use crate::transport::dial::{Dial, Stream as Dialed};
use http::Uri;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use std::error::Error as StdError;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use tower_service::Service;

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

type Connecting = Pin<Box<dyn Future<Output = Result<Box<dyn Stream>, BoxError>> + Send>>;

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
                let stream = service.call(origin).await.map_err(Into::into)?;
                Ok(Box::new(stream) as Box<dyn Stream>)
            })
        }))
    }

    pub(super) async fn connect(&self) -> Result<Box<dyn Stream>, BoxError> {
        (self.0)().await
    }

    /// Creates a connector with the settings of `config` that `dial` prepared.
    pub(super) fn over(dial: Dial) -> Self {
        Self(Arc::new(move || {
            let dial = dial.clone();
            Box::pin(async move {
                Ok(match dial.connect().await? {
                    Dialed::Tcp(stream) => Box::new(TokioIo::new(stream)) as Box<dyn Stream>,
                    #[cfg(feature = "rustls")]
                    Dialed::Tls(stream) => Box::new(TokioIo::new(stream)),
                    Dialed::Proxied(stream) => Box::new(TokioIo::new(stream)),
                    #[cfg(feature = "rustls")]
                    Dialed::ProxiedTls(stream) => Box::new(TokioIo::new(stream)),
                })
            })
        }))
    }
}
