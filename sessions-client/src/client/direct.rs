//! A client of an in-process implementation: an HTTP client without the network.
//!
//! Rejected alternative: calling the implementation directly, because such a client would have neither
//! deadlines nor retries, and would not find payloads that do not survive JSON.

use crate::contract::{ISessionsV1, SessionsHttpClientV1, sessions_v1};
use crate::{Caller, ClientConfig, InProcessTransport, Payload, Policies, Result};
use serde_json::Value;

/// An HTTP client of an implementation `S` in the same process: the same requests, responses and
/// [policies](crate::policy), without a network. [`direct`](SessionsHttpClientV1::direct) creates one.
pub type SessionsDirectClientV1<S, U = Value, D = Value> =
    SessionsHttpClientV1<U, D, Policies<InProcessTransport<sessions_v1::Handler<S, U, D>>>>;

impl<S: ISessionsV1<U, D>, U: Payload, D: Payload> SessionsDirectClientV1<S, U, D> {
    /// Creates a client of `implementation` with the settings of `config`, except for the address, the
    /// base route and the name of correlation ids, which are ignored.
    ///
    /// ```
    /// use sessions_client::{ClientConfig, ISessionsV1, SessionsHttpClientV1, SessionsMemoryClientV1};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sessions_client::Result<()> {
    /// let service = SessionsMemoryClientV1::new();
    /// let sessions = SessionsHttpClientV1::direct(service, &ClientConfig::new())?;
    /// let session = sessions.open_session(None, "user-1", None, None, None, None, None).await?;
    /// assert!(session.active);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the configuration is not
    /// [valid](ClientConfig::validate).
    pub fn direct(implementation: S, config: &ClientConfig) -> Result<Self> {
        config.validate()?;
        let service = InProcessTransport::new(sessions_v1::Handler::new(implementation));
        // The handler has the routes and the names of the contract.
        let mut encoding = config.encoding();
        encoding.base_route = None;
        encoding.correlation_name = None;
        Ok(Self::from_caller(Caller::new(Policies::new(service, config)).with_encoding(encoding)))
    }
}
