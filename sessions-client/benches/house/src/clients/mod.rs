//! The clients that are compared. Each is what its users write, no more and no less.

mod bare_hyper;
mod by_reqwest;
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

/// A client, as one of several concurrent callers holds it.
pub(crate) trait Caller: Sized + 'static {
    /// The first caller of a new client of the service at `url`, which has neither path nor slash at the end.
    async fn first(url: &str) -> Result<Self>;

    /// One more caller, who shares what callers of this client share.
    async fn another(&self) -> Result<Self>;

    /// Calls `operation`, and returns how many sessions were read.
    async fn call(&mut self, operation: Operation) -> Result<usize>;

    /// [`call`](Self::call), which is to return what the service has.
    async fn checked(&mut self, operation: Operation) -> Result<()> {
        let read = self.call(operation).await?;
        let expected = operation.sessions();
        ensure!(read == expected, "{operation}: {read} sessions were read, {expected} were sent");
        Ok(())
    }
}

/// Which client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// `sessions-client` as `connect` makes it: reqwest, with deadline, repeats, spans and limits.
    OursReqwest,
    /// `sessions-client` over reqwest, without policies.
    OursReqwestBare,
    /// `sessions-client` over hyper, with the same policies.
    OursHyper,
    /// `sessions-client` over hyper, with the same policies and at most 64 calls at once.
    OursHyperLimited,
    /// `sessions-client` over hyper, without policies.
    OursHyperBare,
    /// reqwest as people write it: `.post(url).json(&body).send().await?.json().await?`.
    Reqwest,
    /// reqwest with care: the URL parsed once, the request built directly, serde from bytes.
    ReqwestCareful,
    /// What progenitor generates from an `OpenAPI` document.
    #[cfg(feature = "generators")]
    Progenitor,
    /// What feignhttp generates from functions with attributes.
    #[cfg(feature = "generators")]
    Feignhttp,
    /// hyper's `SendRequest` with serde: one connection a caller, no pool, no TLS.
    Hyper,
    /// The pooled client of hyper-util with serde.
    HyperUtil,
    /// The limit: prepared bytes over TCP, and nothing decoded.
    Tcp,
}

impl Client {
    /// What it is, in a word of a table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::OursReqwest => "**sessions-client**, reqwest",
            Self::OursReqwestBare => "**sessions-client**, reqwest, no policies",
            Self::OursHyper => "**sessions-client**, hyper",
            Self::OursHyperLimited => "**sessions-client**, hyper, limit of 64 calls",
            Self::OursHyperBare => "**sessions-client**, hyper, no policies",
            Self::Reqwest => "reqwest, as people write it",
            Self::ReqwestCareful => "reqwest, with care",
            #[cfg(feature = "generators")]
            Self::Progenitor => "progenitor, generated",
            #[cfg(feature = "generators")]
            Self::Feignhttp => "feignhttp, generated",
            Self::Hyper => "hyper `SendRequest`, serde",
            Self::HyperUtil => "hyper-util pooled client, serde",
            Self::Tcp => "TCP, prepared bytes (the limit)",
        }
    }
}

/// What one does with a client whose type is chosen at run time.
pub(crate) trait Job {
    type Output;

    async fn with<C: Caller>(self) -> Self::Output;
}

/// Does `job` with the type of `client`.
pub(crate) async fn with<J: Job>(client: Client, job: J) -> J::Output {
    match client {
        Client::OursReqwest => job.with::<ours::Default>().await,
        Client::OursReqwestBare => job.with::<ours::Bare>().await,
        Client::OursHyper => job.with::<ours::Hyper>().await,
        Client::OursHyperLimited => job.with::<ours::Limited>().await,
        Client::OursHyperBare => job.with::<ours::BareHyper>().await,
        Client::Reqwest => job.with::<by_reqwest::AsWritten>().await,
        Client::ReqwestCareful => job.with::<by_reqwest::Careful>().await,
        #[cfg(feature = "generators")]
        Client::Progenitor => job.with::<progenitor::Progenitor>().await,
        #[cfg(feature = "generators")]
        Client::Feignhttp => job.with::<feign::Feign>().await,
        Client::Hyper => job.with::<bare_hyper::Connection>().await,
        Client::HyperUtil => job.with::<pooled_hyper::Pooled>().await,
        Client::Tcp => job.with::<tcp::Prepared>().await,
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, Client, Job, with};
    use crate::answers;
    use crate::wire::Operation;
    use anyhow::Result;
    use clap::ValueEnum;
    use std::time::Duration;
    use tokio::net::TcpListener;
    use tokio::runtime::{Builder, LocalOptions};

    /// Calls every operation, twice as one caller and once as another.
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
    fn every_client_reads_what_the_server_sends() {
        let runtime =
            Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let server = tokio::task::spawn_local(answers::serve(listener, Duration::ZERO));
            for &client in Client::value_variants() {
                with(client, Everything(url.clone())).await.unwrap_or_else(|error| {
                    panic!("{client:?}: {error:#}");
                });
            }
            server.abort();
        });
    }
}
