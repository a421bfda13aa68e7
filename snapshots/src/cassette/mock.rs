//! A mock service that responds from a recording.

use super::library::Recorded;
use super::users::Users;
use crate::environment::log;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use pip_services::PipErrors;
use sessions_client::{Call, Error, ErrorKind, Response, Route, ServiceError, sessions_v1};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::task::{JoinHandle, JoinSet};
use wiretrait::ErrorFormat as _;

/// The code of the error for a request that was not recorded.
pub(crate) const NOT_RECORDED: &str = "NOT_RECORDED";

/// The maximum size of a request body in bytes.
const MAX_BODY: usize = 64 << 20;

/// A mock service that listens on a socket. Dropping it stops it.
///
/// The users of a recorded check match those of another run, and of any client that sends the same requests. A
/// request that was not recorded receives the status 501 and an error that names the nearest recorded one. A
/// recorded failure closes the connection.
#[derive(Debug)]
pub struct MockService {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl MockService {
    /// Listens at `address` and responds from a recording.
    ///
    /// # Errors
    ///
    /// If it cannot listen at the address.
    pub async fn start(address: impl ToSocketAddrs, recorded: Recorded) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let mock = Arc::new(Mock { users: Users::new(recorded) });
        Ok(Self { address, server: tokio::spawn(accept(listener, mock)) })
    }

    /// Returns the URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for MockService {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, mock: Arc<Mock>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let mock = Arc::clone(&mock);
                    connections.spawn(async move { mock.serve(stream).await });
                }
                // Too many open files: wait until some are closed.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

struct Mock {
    users: Users,
}

impl Mock {
    async fn serve(&self, stream: TcpStream) {
        let service = service_fn(|request| self.handle(request));
        // Errors of a connection concern only its client.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    /// Returns an error, which closes the connection, if the recorded call has failed.
    async fn handle(&self, request: Request<Incoming>) -> Result<http::Response<Full<Bytes>>, Error> {
        let (parts, body) = request.into_parts();
        let response = match Limited::new(body, MAX_BODY).collect().await {
            Ok(body) => {
                let route = route_of(parts.uri.path());
                let request = Request::from_parts(parts, body.to_bytes());
                match self.users.send(Call::new(route, request)).await {
                    Ok(response) => response,
                    Err(error) if error.kind() == ErrorKind::Config => {
                        let error = error.to_string();
                        log(&error);
                        error_response(StatusCode::NOT_IMPLEMENTED, &ServiceError::new(NOT_RECORDED, error))
                    }
                    Err(error) => return Err(error),
                }
            }
            Err(error) => {
                let error = ServiceError::new("INVALID_BODY", format!("the request body: {error}"));
                error_response(StatusCode::BAD_REQUEST, &error)
            }
        };
        Ok(response.map(Full::new))
    }
}

fn error_response(status: StatusCode, error: &ServiceError) -> Response {
    let mut response = Response::new(PipErrors.write(status, error).into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Returns the route nearest to a request, since a transport needs one for every call.
fn route_of(path: &str) -> &'static Route {
    let mut routes = sessions_v1::ROUTES.iter();
    routes.find(|route| path.starts_with(route.path)).unwrap_or(&sessions_v1::ROUTES[0])
}
