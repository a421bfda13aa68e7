//! A contract for books, a service that implements it, and a server for the service.

use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use tokio::net::TcpListener;
use wiretrait::bytes::Bytes;
use wiretrait::http::{Request, Response};
use wiretrait::{Handler, Incoming, Result, http_api};

/// Books in shelves.
#[http_api(prefix = "/v1", client = BooksClient, module = books)]
pub trait Books {
    /// Adds a book.
    #[post("/shelves/{shelf}/books")]
    async fn add(&self, shelf: &str, #[field] title: &str) -> Result<u64>;

    /// Finds the title of a book.
    #[get("/shelves/{shelf}/books/{id}")]
    async fn find(&self, shelf: &str, id: u64) -> Result<Option<String>>;
}

/// A library with one book, which accepts no other.
#[derive(Debug)]
pub struct Library;

impl Books for Library {
    async fn add(&self, _shelf: &str, title: &str) -> Result<u64> {
        let full = wiretrait::ServiceError::new("shelf_full", format!("there is no room for {title}"));
        Err(wiretrait::Error::from_service(wiretrait::http::StatusCode::CONFLICT, full))
    }

    async fn find(&self, shelf: &str, id: u64) -> Result<Option<String>> {
        Ok((shelf == "novels" && id == 1).then(|| "Emma".to_owned()))
    }
}

/// Serves the contract on `listener` with hyper.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(respond)));
    }
}

async fn respond(request: Request<hyper::body::Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    // A body that cannot be read becomes an error response of the dispatcher.
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let request = Incoming::from(Request::from_parts(parts, body));
    Ok(books::Handler::new(Library).handle(request).await.map(Full::new))
}
