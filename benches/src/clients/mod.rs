//! The compared clients, each written as its users would write it.

mod bare_hyper;
mod by_reqwest;
mod by_tonic;
#[cfg(feature = "generators")]
mod feign;
mod ours;
mod pooled_hyper;
#[cfg(feature = "generators")]
mod progenitor;
pub(crate) mod tcp;

use crate::wire::Operation;
use anyhow::{Result, ensure};
use clap::ValueEnum;

/// The handle of one concurrent caller to a client.
pub(crate) trait Caller: Sized + 'static {
    /// Creates a client of the service at `url` and returns its first caller. `url` has no path and no
    /// trailing slash.
    async fn first(url: &str) -> Result<Self>;

    /// Returns another caller, which shares the state that all callers of this client share.
    async fn another(&self) -> Result<Self>;

    /// Calls `operation` and returns the number of sessions in the response.
    async fn call(&mut self, operation: Operation) -> Result<usize>;

    /// Calls `operation`; returns an error if the number of sessions in the response is wrong.
    async fn checked(&mut self, operation: Operation) -> Result<()> {
        let read = self.call(operation).await?;
        let expected = operation.sessions();
        ensure!(read == expected, "{operation}: read {read} sessions instead of {expected}");
        Ok(())
    }
}

/// The name of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// `sessions-client` as `connect` makes it: reqwest, with a deadline, retries, spans and limits.
    OursReqwest,
    /// `sessions-client` over reqwest, without policies.
    OursReqwestBare,
    /// `sessions-client` over hyper, with the same policies.
    OursHyper,
    /// `sessions-client` over hyper, with the same policies and at most 64 calls at once.
    OursHyperLimited,
    /// `sessions-client` over hyper, with the same policies and an adaptive concurrency limit.
    OursHyperAdaptive,
    /// `sessions-client` over hyper, with the same policies, a header of the client, one of the call, and a token
    /// of a provider.
    OursHyperToken,
    /// `sessions-client` over hyper, without policies.
    OursHyperBare,
    /// `sessions-client` over gRPC, with the same policies.
    OursGrpc,
    /// `sessions-client` over commandable gRPC, with the same policies.
    OursCommandableGrpc,
    /// reqwest, hand-written: `.post(url).json(&body).send().await?.json().await?`.
    Reqwest,
    /// reqwest, hand-written and tuned: parses the URL once, builds the request directly, decodes from bytes.
    ReqwestCareful,
    /// The client that progenitor generates from an `OpenAPI` document.
    #[cfg(feature = "generators")]
    Progenitor,
    /// The client that feignhttp generates from an annotated trait.
    #[cfg(feature = "generators")]
    Feignhttp,
    /// hyper's `SendRequest` with serde: one connection per caller, no pool, no TLS.
    Hyper,
    /// The pooled client of hyper-util with serde.
    HyperUtil,
    /// tonic, hand-written: its channel, with the messages that protoc would generate.
    Tonic,
    /// The upper bound: prepared bytes over TCP, and responses that are not decoded.
    Tcp,
}

impl Client {
    /// Returns the title in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::OursReqwest => "**sessions-client**, reqwest",
            Self::OursReqwestBare => "**sessions-client**, reqwest, no policies",
            Self::OursHyper => "**sessions-client**, hyper",
            Self::OursHyperLimited => "**sessions-client**, hyper, limit of 64 calls",
            Self::OursHyperAdaptive => "**sessions-client**, hyper, adaptive limit",
            Self::OursHyperToken => "**sessions-client**, hyper, headers and a token",
            Self::OursHyperBare => "**sessions-client**, hyper, no policies",
            Self::OursGrpc => "**sessions-client**, gRPC",
            Self::OursCommandableGrpc => "**sessions-client**, commandable gRPC",
            Self::Reqwest => "reqwest, hand-written",
            Self::ReqwestCareful => "reqwest, hand-written and tuned",
            #[cfg(feature = "generators")]
            Self::Progenitor => "progenitor, generated",
            #[cfg(feature = "generators")]
            Self::Feignhttp => "feignhttp, generated",
            Self::Hyper => "hyper `SendRequest`, serde",
            Self::HyperUtil => "hyper-util pooled client, serde",
            Self::Tonic => "tonic, hand-written",
            Self::Tcp => "raw TCP, prepared bytes (upper bound)",
        }
    }
}

/// A task for a client whose type is chosen at run time.
pub(crate) trait Job {
    type Output;

    async fn with<C: Caller>(self) -> Self::Output;
}

/// Runs `job` with the type of `client`.
pub(crate) async fn with<J: Job>(client: Client, job: J) -> J::Output {
    match client {
        Client::OursReqwest => job.with::<ours::Default>().await,
        Client::OursReqwestBare => job.with::<ours::Bare>().await,
        Client::OursHyper => job.with::<ours::Hyper>().await,
        Client::OursHyperLimited => job.with::<ours::Limited>().await,
        Client::OursHyperAdaptive => job.with::<ours::Adaptive>().await,
        Client::OursHyperToken => job.with::<ours::WithToken>().await,
        Client::OursHyperBare => job.with::<ours::BareHyper>().await,
        Client::OursGrpc => job.with::<ours::Grpc>().await,
        Client::OursCommandableGrpc => job.with::<ours::CommandableGrpc>().await,
        Client::Reqwest => job.with::<by_reqwest::AsWritten>().await,
        Client::ReqwestCareful => job.with::<by_reqwest::Careful>().await,
        #[cfg(feature = "generators")]
        Client::Progenitor => job.with::<progenitor::Progenitor>().await,
        #[cfg(feature = "generators")]
        Client::Feignhttp => job.with::<feign::Feign>().await,
        Client::Hyper => job.with::<bare_hyper::Connection>().await,
        Client::HyperUtil => job.with::<pooled_hyper::Pooled>().await,
        Client::Tonic => job.with::<by_tonic::Tonic>().await,
        Client::Tcp => job.with::<tcp::Prepared>().await,
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, Client, Job, with};
    use crate::responses;
    use crate::wire::Operation;
    use anyhow::Result;
    use clap::ValueEnum;
    use std::time::Duration;
    use tokio::net::TcpListener;
    use tokio::runtime::{Builder, LocalOptions};

    /// Calls every operation twice with one caller and once with another.
    struct Everything(String);

    impl Job for Everything {
        type Output = Result<()>;

        async fn with<C: Caller>(self) -> Result<()> {
            let mut first = C::first(&self.0).await?;
            let mut another = first.another().await?;
            for operation in Operation::ALL {
                first.checked(operation).await?;
                another.checked(operation).await?;
                first.checked(operation).await?;
            }
            Ok(())
        }
    }

    #[test]
    fn every_client_reads_the_fixed_responses() {
        let runtime =
            Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let server = tokio::task::spawn_local(responses::serve(listener, Duration::ZERO));
            for &client in Client::value_variants() {
                with(client, Everything(url.clone())).await.unwrap_or_else(|error| {
                    panic!("{client:?}: {error:#}");
                });
            }
            server.abort();
        });
    }
}
