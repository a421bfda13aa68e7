//! An HTTP server for tests, which serves a handler over a real socket and records the heads of requests.

use bytes::Bytes;
use http::request::Parts;
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use wiretrait::{Handler, Incoming};

pub(crate) struct Server {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Parts>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(handler: impl Handler + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<Parts>>>::default();
        let task = tokio::spawn(accept(listener, Arc::new(handler), Arc::clone(&received)));
        Self { url, received, task }
    }

    /// Returns the heads of the requests since the last call.
    pub(crate) fn received(&self) -> Vec<Parts> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    handler: Arc<impl Handler + 'static>,
    received: Arc<Mutex<Vec<Parts>>>,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (handler, received) = (Arc::clone(&handler), Arc::clone(&received));
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let (handler, received) = (Arc::clone(&handler), Arc::clone(&received));
            async move {
                let (parts, body) = request.into_parts();
                received.lock().unwrap().push(parts.clone());
                let body: Bytes = body.collect().await.unwrap().to_bytes();
                let request = http::Request::from_parts(parts, body);
                Ok::<_, Infallible>(handler.handle(Incoming::from(request)).await.map(Full::new))
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}
