//! A transport to a service in the same process.

use crate::error::Error;
use crate::runtime::{Call, Handler, Incoming, Response, Transport};
use std::fmt;

/// Passes requests directly to a [`Handler`].
///
/// Requests and responses are encoded and decoded as over a network, so a test with this transport covers the
/// contract. A handler has the routes and the names of the contract, so a configuration with another base route or
/// another name of correlation ids does not fit it.
///
/// ```
/// # mod library { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/library.rs")); }
/// use library::{Books, BooksClient, Library, books};
/// use wiretrait::InProcessTransport;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> wiretrait::Result<()> {
/// let service = books::Handler::new(Library::default());
/// let client = BooksClient::new(InProcessTransport::new(service));
/// assert_eq!(client.add("Emma").await?.id, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct InProcessTransport<H>(H);

impl<H: Handler> InProcessTransport<H> {
    /// Creates a transport to `handler`.
    pub fn new(handler: H) -> Self {
        Self(handler)
    }
}

impl<H: Handler> Transport for InProcessTransport<H> {
    /// The future is boxed, because that of the handler may have kilobytes.
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let response = self.0.handle(Incoming::from(call.request));
        Box::pin(async move { Ok(response.await) })
    }
}

impl<H> fmt::Debug for InProcessTransport<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessTransport").finish_non_exhaustive()
    }
}
