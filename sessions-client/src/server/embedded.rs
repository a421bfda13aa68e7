//! A server of its own.

use super::{Commands, Double, connection};
use crate::contract::ISessionsV1;
use crate::runtime::{Handler, Payload};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::task::{JoinHandle, JoinSet};

/// The embedded service on a socket. It stops when it is dropped, and all its connections with it.
///
/// A connection on which nothing is asked for five seconds is closed, as every answer says, and one on which nothing
/// was ever asked after 90.
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
        let double = Double::new(Commands::new(service));
        let server = tokio::spawn(accept(listener, Arc::new(double)));
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

/// Serves whoever connects. `axum::serve` was refused: it can close no idle connection, and leaves those that are
/// open behind.
async fn accept(listener: TcpListener, double: Arc<Double<impl Handler + 'static>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // It would only be slower.
                    let _ = stream.set_nodelay(true);
                    let double = Arc::clone(&double);
                    connections.spawn(async move { connection::serve(stream, &double).await });
                }
                // Whoever came is gone again, or there are too many: until some have left, one cannot but wait.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Drop for EmbeddedService {
    fn drop(&mut self) {
        self.server.abort();
    }
}
