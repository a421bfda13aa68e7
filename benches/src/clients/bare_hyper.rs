//! hyper without a pool: one connection per caller.

use super::Caller;
use crate::wire::{Operation, data};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderValue};
use http::{Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A hyper connection, and the prepared parts of its requests.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
    host: HeaderValue,
    data: Value,
}

impl Connection {
    async fn open(authority: &str) -> Result<Self> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // The task ends when the sender is dropped; the call returns its errors.
        tokio::task::spawn_local(connection);
        let host = HeaderValue::from_str(authority)?;
        Ok(Self { sender, authority: authority.to_owned(), host, data: data() })
    }
}

impl Caller for Connection {
    async fn first(url: &str) -> Result<Self> {
        Self::open(url.strip_prefix("http://").context("the hyper client only supports `http://` URLs")?)
            .await
    }

    async fn another(&self) -> Result<Self> {
        Self::open(&self.authority).await
    }

    async fn call(&mut self, operation: Operation) -> Result<usize> {
        let request = Request::post(Uri::from_static(operation.path()))
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .body(Full::new(operation.body(&self.data)?.into()))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        ensure!(response.status().is_success(), "the service responded with {}", response.status());
        operation.read(&response.into_body().collect().await?.to_bytes())
    }
}
