//! The pooled client of hyper-util.

use super::Caller;
use crate::wire::{Operation, data};
use anyhow::{Result, ensure};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The client, and the URLs and payload of its requests.
#[derive(Clone)]
pub(super) struct Pooled {
    client: Client<HttpConnector, Full<Bytes>>,
    open_session: Uri,
    get_sessions: Uri,
    data: Value,
}

impl Caller for Pooled {
    async fn first(url: &str) -> Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let uri = |operation: Operation| format!("{url}{}", operation.path()).parse::<Uri>();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            open_session: uri(Operation::OpenSession)?,
            get_sessions: uri(Operation::GetSessions)?,
            data: data(),
        })
    }

    async fn another(&self) -> Result<Self> {
        Ok(self.clone())
    }

    async fn call(&mut self, operation: Operation) -> Result<usize> {
        let uri = match operation {
            Operation::OpenSession => &self.open_session,
            Operation::GetSessions => &self.get_sessions,
        };
        let request = Request::post(uri.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .body(Full::new(operation.body(&self.data)?.into()))?;
        let response = self.client.request(request).await?;
        ensure!(response.status().is_success(), "the service responded with {}", response.status());
        operation.read(&response.into_body().collect().await?.to_bytes())
    }
}
