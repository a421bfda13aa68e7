//! An implementation of the contract in the same process, with all that an HTTP client has but the network.
//!
//! A client that called the implementation itself was refused: it would have neither limits nor repeats, and would
//! not notice what does not survive the wire.

use crate::config::ClientConfig;
use crate::contract::{ISessionsV1, SessionsHttpClientV1, sessions_v1};
use crate::error::Result;
use crate::runtime::{Caller, Encoding, Payload};
use crate::transport::{InProcessTransport, Policies};
use serde_json::Value;

/// The HTTP client of an implementation `S` in the same process: the same requests and responses, the same
/// [policies](crate::policy), no network. [`direct`](SessionsHttpClientV1::direct) makes one.
pub type SessionsDirectClientV1<S, U = Value, D = Value> =
    SessionsHttpClientV1<U, D, Policies<InProcessTransport<sessions_v1::Handler<S, U, D>>>>;

impl<S: ISessionsV1<U, D>, U: Payload, D: Payload> SessionsDirectClientV1<S, U, D> {
    /// A client of `implementation`, as `config` describes it. The address and the base route of `config` are not
    /// looked at.
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
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the configuration is not
    /// [valid](ClientConfig::validate).
    pub fn direct(implementation: S, config: &ClientConfig) -> Result<Self> {
        config.validate()?;
        let service = InProcessTransport::new(sessions_v1::Handler::new(implementation));
        // The implementation is found at the contract's own routes.
        let encoding = Encoding { base_route: None, ..config.encoding() };
        Ok(Self::from_caller(Caller::new(Policies::new(service, config)).with_encoding(encoding)))
    }
}
