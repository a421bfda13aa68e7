//! The generated client.

use super::Caller;
use crate::wire::{ADDRESS, CLIENT, Operation, USER_ID, USER_NAME, data};
use anyhow::Result;
use sessions_client::auth::{Token, TokenProvider};
use sessions_client::http::{HeaderName, HeaderValue};
use sessions_client::{
    CallOptions, ClientConfig, CommandableGrpcTransport, DefaultTransport, HyperTransport, ISessionsV1,
    Policies, ReqwestTransport, SessionsCommandableGrpcClientV1, SessionsGrpcClientV1,
    SessionsGrpcTransportV1, SessionsHttpClientV1, Transport, Value,
};
use std::time::Duration;

/// The client that `connect` returns.
pub(super) type Default = Ours<DefaultTransport>;

/// Over reqwest, without policies.
pub(super) type Bare = Ours<ReqwestTransport>;

/// Over hyper, with the same policies.
pub(super) type Hyper = Ours<Policies<HyperTransport>>;

/// Over hyper, with the same policies and a [limit](ClientConfig::with_concurrency_limit) of 64 concurrent
/// calls.
pub(super) struct Limited(Hyper);

/// Over hyper, with the same policies and an [adaptive](ClientConfig::with_adaptive_concurrency_limit) limit.
pub(super) struct Adaptive(Hyper);

/// Over hyper, with the same policies, a header of the client, one of all calls, and a token that is renewed.
pub(super) struct WithToken(Hyper);

/// Over gRPC, with the same policies.
pub(super) type Grpc = Ours<Policies<SessionsGrpcTransportV1>>;

/// Over commandable gRPC, with the same policies.
pub(super) type CommandableGrpc = Ours<Policies<CommandableGrpcTransport>>;

/// Over hyper, without policies.
pub(super) type BareHyper = Ours<HyperTransport>;

/// The client over `T`, and the payload of its requests.
pub(super) struct Ours<T> {
    client: SessionsHttpClientV1<Value, Value, T>,
    data: Value,
}

/// Creates a client over a transport as a user would.
pub(super) trait Connect: Transport + Clone + 'static {
    fn connect(url: &str) -> Result<SessionsHttpClientV1<Value, Value, Self>>;
}

impl Connect for DefaultTransport {
    fn connect(url: &str) -> Result<SessionsHttpClientV1> {
        Ok(SessionsHttpClientV1::connect(url)?)
    }
}

impl Connect for ReqwestTransport {
    fn connect(url: &str) -> Result<SessionsHttpClientV1<Value, Value, Self>> {
        Ok(SessionsHttpClientV1::new(Self::new(&ClientConfig::from_url(url)?)?))
    }
}

impl Connect for Policies<HyperTransport> {
    fn connect(url: &str) -> Result<SessionsHttpClientV1<Value, Value, Self>> {
        let config = ClientConfig::from_url(url)?;
        Ok(SessionsHttpClientV1::new(Self::new(HyperTransport::new(&config)?, &config)))
    }
}

impl Connect for Policies<SessionsGrpcTransportV1> {
    fn connect(url: &str) -> Result<SessionsHttpClientV1<Value, Value, Self>> {
        Ok(SessionsGrpcClientV1::grpc(&ClientConfig::from_url(url)?)?)
    }
}

impl Connect for Policies<CommandableGrpcTransport> {
    fn connect(url: &str) -> Result<SessionsHttpClientV1<Value, Value, Self>> {
        Ok(SessionsCommandableGrpcClientV1::commandable_grpc(&ClientConfig::from_url(url)?)?)
    }
}

impl Connect for HyperTransport {
    fn connect(url: &str) -> Result<SessionsHttpClientV1<Value, Value, Self>> {
        Ok(SessionsHttpClientV1::new(Self::new(&ClientConfig::from_url(url)?)?))
    }
}

impl Caller for Limited {
    async fn first(url: &str) -> Result<Self> {
        Hyper::over(&ClientConfig::from_url(url)?.with_concurrency_limit(64)).map(Self)
    }

    async fn another(&self) -> Result<Self> {
        self.0.another().await.map(Self)
    }

    async fn call(&mut self, operation: Operation) -> Result<usize> {
        self.0.call(operation).await
    }
}

impl Caller for Adaptive {
    async fn first(url: &str) -> Result<Self> {
        Hyper::over(&ClientConfig::from_url(url)?.with_adaptive_concurrency_limit()).map(Self)
    }

    async fn another(&self) -> Result<Self> {
        self.0.another().await.map(Self)
    }

    async fn call(&mut self, operation: Operation) -> Result<usize> {
        self.0.call(operation).await
    }
}

impl Hyper {
    fn over(config: &ClientConfig) -> Result<Self> {
        let transport = Policies::new(HyperTransport::new(config)?, config);
        Ok(Self { client: SessionsHttpClientV1::new(transport), data: data() })
    }
}

impl Caller for WithToken {
    async fn first(url: &str) -> Result<Self> {
        let config = ClientConfig::from_url(url)?
            .with_header(HeaderName::from_static("x-api-key"), HeaderValue::from_static("0123456789abcdef"))
            .with_token_provider(Hourly);
        let transport = Policies::new(HyperTransport::new(&config)?, &config);
        let client = SessionsHttpClientV1::new(transport);
        let client = client.with_options(CallOptions::new().header("x-tenant", "acme"));
        Ok(Self(Ours { client, data: data() }))
    }

    async fn another(&self) -> Result<Self> {
        self.0.another().await.map(Self)
    }

    async fn call(&mut self, operation: Operation) -> Result<usize> {
        self.0.call(operation).await
    }
}

/// A provider of tokens with an expiry, so that each call reads the clock.
struct Hourly;

impl TokenProvider for Hourly {
    async fn fetch(&self) -> sessions_client::Result<Token> {
        Ok(Token::new("0123456789abcdef0123456789abcdef")?.with_lifetime(Duration::from_secs(3600)))
    }
}

impl<T: Connect> Caller for Ours<T> {
    async fn first(url: &str) -> Result<Self> {
        Ok(Self { client: T::connect(url)?, data: data() })
    }

    async fn another(&self) -> Result<Self> {
        Ok(Self { client: self.client.clone(), data: self.data.clone() })
    }

    async fn call(&mut self, operation: Operation) -> Result<usize> {
        Ok(match operation {
            Operation::OpenSession => {
                let (name, address, client) = (Some(USER_NAME), Some(ADDRESS), Some(CLIENT));
                let data = Some(&self.data);
                let session =
                    self.client.open_session(None, USER_ID, name, address, client, None, data).await?;
                usize::from(!session.id.is_empty())
            }
            Operation::GetSessions => self.client.get_sessions(None, None, None).await?.data.len(),
        })
    }
}
