//! A proxy in front of the sessions service that records the calls, and can be closed.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

pub(crate) struct Gate {
    pub(crate) url: String,
    address: SocketAddr,
    proxy: Proxy,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Proxy {
    service: String,
    client: reqwest::Client,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Gate {
    /// Starts a proxy in front of the service at this URL.
    pub(crate) async fn open(service: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let proxy = Proxy { service: service.to_owned(), client, calls: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, proxy.clone()));
        Self { url: format!("http://{address}"), address, proxy, server }
    }

    /// Closes all connections and accepts no more, as a service that is down.
    pub(crate) async fn close(&mut self) {
        self.server.abort();
        // An error: it was aborted.
        let _ = (&mut self.server).await;
    }

    /// Accepts connections again, at the same address.
    pub(crate) async fn reopen(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.server = tokio::spawn(serve(listener, self.proxy.clone()));
    }

    /// Returns the commands since the last time, such as `open_session`.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.proxy.calls.lock().unwrap())
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, proxy: Proxy) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let proxy = proxy.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| proxy.clone().forward(request));
            // A connection that the shop closes is not an error.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Proxy {
    async fn forward(self, request: Request<Incoming>) -> reqwest::Result<Response<Full<Bytes>>> {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let command = request.uri().path().rsplit('/').next().unwrap_or_default();
        self.calls.lock().unwrap().push(command.to_owned());
        let url = format!("{}{target}", self.service);
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let content_type = parts.headers.get("content-type").cloned();
        let mut forwarded = self.client.request(parts.method, url).body(body);
        if let Some(content_type) = content_type {
            forwarded = forwarded.header("content-type", content_type);
        }
        let received = forwarded.send().await?;
        let mut response = Response::builder().status(received.status());
        if let Some(content_type) = received.headers().get("content-type") {
            response = response.header("content-type", content_type);
        }
        let body = received.bytes().await?;
        Ok(response.body(Full::new(body)).expect("status and header are those of a response"))
    }
}
