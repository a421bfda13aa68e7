//! tonic, hand-written: its channel and its codec, with the messages that protoc would generate.

use super::Caller;
use crate::wire::{ADDRESS, CLIENT, Operation, USER_ID, USER_NAME, data};
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use http::uri::PathAndQuery;
use prost::Message;
use serde_json::Value;
use sessions_client::grpc::messages::{
    Session, SessionObjectReply, SessionOpenRequest, SessionPageReply, SessionPageRequest,
};
use std::time::Duration;
use tonic::Request;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

/// The client, and the payload of its requests.
#[derive(Clone)]
pub(super) struct Tonic {
    client: Grpc<Channel>,
    data: Value,
}

/// A session with parsed times and payloads.
struct Parsed {
    id: String,
    _times: [DateTime<Utc>; 2],
    _data: Option<Value>,
}

impl Tonic {
    async fn unary<Q, M>(&mut self, path: &'static str, message: Q) -> Result<M>
    where
        Q: Message + Send + Sync + 'static,
        M: Message + Default + Send + Sync + 'static,
    {
        self.client.ready().await?;
        let (path, codec) = (PathAndQuery::from_static(path), ProstCodec::<Q, M>::default());
        Ok(self.client.unary(Request::new(message), path, codec).await?.into_inner())
    }
}

impl Parsed {
    fn new(session: Session) -> Result<Self> {
        let data = (!session.data.is_empty()).then(|| serde_json::from_str(&session.data)).transpose()?;
        Ok(Self {
            id: session.id,
            _times: [session.open_time.parse()?, session.request_time.parse()?],
            _data: data,
        })
    }
}

impl Caller for Tonic {
    async fn first(url: &str) -> Result<Self> {
        let endpoint = Endpoint::from_shared(url.to_owned())?.timeout(Duration::from_secs(10));
        Ok(Self { client: Grpc::new(endpoint.connect().await?), data: data() })
    }

    async fn another(&self) -> Result<Self> {
        Ok(self.clone())
    }

    async fn call(&mut self, operation: Operation) -> Result<usize> {
        Ok(match operation {
            Operation::OpenSession => {
                let request = SessionOpenRequest {
                    user_id: Some(USER_ID.to_owned()),
                    user_name: Some(USER_NAME.to_owned()),
                    address: Some(ADDRESS.to_owned()),
                    client: Some(CLIENT.to_owned()),
                    data: Some(serde_json::to_string(&self.data)?),
                    ..SessionOpenRequest::default()
                };
                let reply: SessionObjectReply =
                    self.unary("/sessions_v1.Sessions/open_session", request).await?;
                usize::from(!Parsed::new(reply.session.context("no session")?)?.id.is_empty())
            }
            Operation::GetSessions => {
                let request = SessionPageRequest::default();
                let reply: SessionPageReply =
                    self.unary("/sessions_v1.Sessions/get_sessions", request).await?;
                let sessions = reply.page.context("no page")?.data;
                sessions.into_iter().map(Parsed::new).collect::<Result<Vec<_>>>()?.len()
            }
        })
    }
}
