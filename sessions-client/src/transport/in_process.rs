//! A service in the same process, with everything but the network between it and its client.

use crate::error::Error;
use crate::runtime::{Call, Handler, Incoming, Response, Transport};
use std::fmt;

/// Hands requests to a [`Handler`] directly.
///
/// Everything is encoded and decoded as it would be over a network, so a test over it covers the contract.
///
/// ```
/// use sessions_client::{ISessionsV1, InProcessTransport, SessionsHttpClientV1, SessionsMemoryClientV1, sessions_v1};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sessions_client::Result<()> {
/// let service = sessions_v1::Handler::new(SessionsMemoryClientV1::new());
/// let client = SessionsHttpClientV1::new(InProcessTransport::new(service));
/// let session = client.open_session(None, "user-1", None, None, None, None, None).await?;
/// assert!(session.active);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct InProcessTransport<H>(H);

impl<H: Handler> InProcessTransport<H> {
    /// A transport to `handler`.
    pub fn new(handler: H) -> Self {
        Self(handler)
    }
}

impl<H: Handler> Transport for InProcessTransport<H> {
    /// Boxed: what answers may have kilobytes.
    fn send(&self, call: Call) -> impl Future<Output = Result<Response, Error>> + Send {
        let answer = self.0.handle(Incoming::from(call.request));
        Box::pin(async move { Ok(answer.await) })
    }
}

impl<H> fmt::Debug for InProcessTransport<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessTransport").finish_non_exhaustive()
    }
}
