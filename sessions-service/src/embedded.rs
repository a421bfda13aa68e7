//! The embedded server.

use super::{Service, ServiceOptions, SessionStore, connection};
use crate::commands::{Commands, Dispatched};
use sessions_client::{ISessionsV1, Payload};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::task::{JoinHandle, JoinSet};

/// An embedded service that listens on a socket. Dropping it stops it and closes its connections.
///
/// A connection is closed after five seconds without a request, as `Keep-Alive` in every response announces,
/// or after 90 seconds without a first request.
///
/// ```
/// use sessions_client::{ISessionsV1, SessionsHttpClientV1};
/// use sessions_service::{EmbeddedService, SessionStore};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Port 0 selects a free port.
/// let service = EmbeddedService::start("127.0.0.1:0", SessionStore::new()).await?;
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
    /// Listens at `address` and serves the sessions of `store` on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If it cannot listen at the address.
    pub async fn start(address: impl ToSocketAddrs, store: SessionStore) -> io::Result<Self> {
        Self::serve(address, store, ServiceOptions::new()).await
    }

    /// Listens at `address` like [`start`](Self::start), with a limit of concurrent requests or a delay of responses.
    ///
    /// # Errors
    ///
    /// If it cannot listen at the address.
    pub async fn start_with_options(
        address: impl ToSocketAddrs,
        store: SessionStore,
        options: ServiceOptions,
    ) -> io::Result<Self> {
        Self::serve(address, store, options).await
    }

    /// Listens at `address` for gRPC and commandable gRPC, and serves the sessions of `store` on the current tokio
    /// runtime. A service over HTTP with a clone of the store has the same sessions.
    ///
    /// # Errors
    ///
    /// If it cannot listen at the address.
    #[cfg(feature = "grpc")]
    pub async fn start_grpc(
        address: impl ToSocketAddrs,
        store: SessionStore,
        options: ServiceOptions,
    ) -> io::Result<Self> {
        let service = Arc::new(Service::new(store).with_options(options));
        Self::listen(address, move |stream| super::grpc::serve(stream, Arc::clone(&service))).await
    }

    /// Listens at `address` like [`start`](Self::start), and serves any implementation of the contract.
    ///
    /// # Errors
    ///
    /// If it cannot listen at the address.
    pub async fn start_with<S, U, D>(address: impl ToSocketAddrs, implementation: S) -> io::Result<Self>
    where
        S: ISessionsV1<U, D> + 'static,
        U: Payload,
        D: Payload,
    {
        Self::serve(address, Dispatched::new(implementation), ServiceOptions::new()).await
    }

    async fn serve(
        address: impl ToSocketAddrs,
        commands: impl Commands + 'static,
        options: ServiceOptions,
    ) -> io::Result<Self> {
        let service = Arc::new(Service::new(commands).with_options(options));
        Self::listen(address, move |stream| {
            let service = Arc::clone(&service);
            async move { connection::serve(stream, &service).await }
        })
        .await
    }

    async fn listen<F>(
        address: impl ToSocketAddrs,
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(accept(listener, serve));
        Ok(Self { address, server })
    }

    /// Returns the address at which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Accepts connections and serves them.
///
/// Rejected alternative: `axum::serve`, because it cannot close idle connections, and open ones outlive it.
async fn accept<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // A failure only makes the connection slower.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve(stream));
                }
                // The client has disconnected already, or there are too many open files: wait until some are
                // closed.
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
