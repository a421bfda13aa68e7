//! A server of its own.

use super::router;
use crate::contract::ISessionsV1;
use crate::runtime::Payload;
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::task::JoinHandle;

/// The embedded service on a socket. It stops when it is dropped.
///
/// ```
/// use sessions_client::server::EmbeddedService;
/// use sessions_client::{ISessionsV1, SessionsHttpClientV1, SessionsMemoryClientV1};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Port 0: any that is free.
/// let service = EmbeddedService::start("127.0.0.1:0", SessionsMemoryClientV1::new()).await?;
/// let client = SessionsHttpClientV1::connect(&service.url())?;
/// assert_eq!(client.get_session_by_id(None, "some id").await?, None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct EmbeddedService {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl EmbeddedService {
    /// Listens at `address` and answers for `service`, on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened at.
    pub async fn start<S, U, D>(address: impl ToSocketAddrs, service: S) -> io::Result<Self>
    where
        S: ISessionsV1<U, D> + 'static,
        U: Payload,
        D: Payload,
    {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let router = router(service);
        let server = tokio::spawn(async move {
            // It ends only with the task: a connection that fails is no reason.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, server })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, for a client.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for EmbeddedService {
    fn drop(&mut self) {
        self.server.abort();
    }
}
