//! The client that feignhttp generates from an annotated trait.

use super::Caller;
use crate::wire::{GetSessions, OpenSession, Operation, Page, Session, data};
use anyhow::{Context, Result};
use feignhttp::FeignClientBuilder;
use serde_json::Value;
use std::sync::Arc;

/// The URL is a constant except for the port, which is an argument.
#[feignhttp::feign(url = "http://127.0.0.1:{port}/v1/sessions")]
trait Sessions {
    #[post("/open_session")]
    async fn open_session(
        &self,
        #[path] port: &str,
        #[body] body: OpenSession<'_>,
    ) -> feignhttp::Result<Session>;

    #[post("/get_sessions")]
    async fn get_sessions(&self, #[path] port: &str, #[body] body: GetSessions) -> feignhttp::Result<Page>;
}

/// The generated client and its arguments.
#[derive(Clone)]
pub(super) struct Feign {
    client: Arc<Sessions>,
    port: String,
    data: Value,
}

impl Caller for Feign {
    async fn first(url: &str) -> Result<Self> {
        let (_, port) = url.rsplit_once(':').context("the URL must contain a port")?;
        Ok(Self { client: Arc::new(Sessions::builder().build()?), port: port.to_owned(), data: data() })
    }

    async fn another(&self) -> Result<Self> {
        Ok(self.clone())
    }

    async fn call(&mut self, operation: Operation) -> Result<usize> {
        Ok(match operation {
            Operation::OpenSession => {
                let body = OpenSession::new(&self.data);
                usize::from(!self.client.open_session(&self.port, body).await?.id.is_empty())
            }
            Operation::GetSessions => {
                self.client.get_sessions(&self.port, GetSessions::new()).await?.data.len()
            }
        })
    }
}
