//! The client under test: the policies and the hyper transport over the simulated network.

use crate::clock::SimulatedTime;
use crate::faults::Schedule;
use crate::network::{End, Network};
use crate::plan::Settings;
use crate::planted::{Bug, ForgetsDeadline, Misbehaves, Shelf};
use crate::records::{Recorder, Records};
use crate::tokens::TokenServer;
use http::Uri;
use hyper_util::rt::TokioIo;
use sessions_client::auth::Tokens;
use sessions_client::policy::{Deadline, Retry, Timeout, Trace};
use sessions_client::{ClientConfig, HttpVersion, HyperTransport, Result, SessionsHttpClientV1, Value};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::Service;

/// The client with all policies, in their usual order.
pub(crate) type Client = SessionsHttpClientV1<Value, Value, Limited>;

type Limited = Deadline<ForgetsDeadline<Retried>, SimulatedTime>;
type Retried = Retry<Recorder<Trace<Timed>>, SimulatedTime>;
type Timed = Timeout<Misbehaves<HyperTransport>, SimulatedTime>;

/// Creates the client of a run, with a planted bug if there is one.
pub(crate) fn client(
    settings: &Settings,
    schedule: &Schedule,
    network: &Network,
    records: &Records,
    tokens: Option<&TokenServer>,
    bug: Option<Bug>,
) -> Result<Client> {
    let mut config = ClientConfig::from_url("http://service:80")?
        .with_connect_timeout(settings.connect_timeout)
        .with_timeout(settings.timeout)
        .with_pool_idle_timeout(settings.pool_idle_timeout)
        .with_max_connection_age(settings.max_connection_age);
    if settings.is_http2 {
        config = config.with_http_version(HttpVersion::Http2);
    }
    if settings.has_fallback {
        config = config.with_fallback_url("http://host-1:80")?;
    }
    if let Some(limit) = settings.concurrency_limit {
        config = config.with_concurrency_limit(limit);
    }
    let time = SimulatedTime(schedule.clone());
    let shelf = (bug == Some(Bug::SwappedResponses) && !settings.is_http2).then(Shelf::default);
    let connector = Connector { network: network.clone(), shelf };
    let transport = Misbehaves::new(HyperTransport::with_connector(connector, &config)?, bug);
    let attempt = Trace::new(Timeout::new(transport, settings.timeout, time.clone()));
    let attempt = Recorder { inner: attempt, records: records.clone() };
    let mut retry = Retry::new(attempt, settings.retry.clone(), time.clone());
    if let Some(tokens) = tokens {
        retry = retry.with_tokens(Tokens::with_time(tokens.clone(), time.clone()));
    }
    let retry = ForgetsDeadline { inner: retry, is_planted: bug == Some(Bug::LateDeadline) };
    Ok(SessionsHttpClientV1::new(Deadline::new(retry, settings.deadline, time)))
}

/// Opens connections through the simulated network.
#[derive(Clone)]
struct Connector {
    network: Network,
    /// The connections of a planted bug.
    shelf: Option<Shelf>,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Stream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { network, shelf } = self.clone();
        Box::pin(async move {
            let end = match shelf.as_ref().and_then(Shelf::take) {
                Some(end) => end,
                None => network.connect(uri.host().unwrap_or_default()).await?,
            };
            Ok(TokioIo::new(Stream { end: Some(end), shelf, is_awaited: false }))
        })
    }
}

/// A connection of the client.
struct Stream {
    /// `None` only while it is dropped.
    end: Option<End>,
    shelf: Option<Shelf>,
    /// A request was written whose response has never started.
    is_awaited: bool,
}

impl Stream {
    fn end(&mut self) -> io::Result<Pin<&mut End>> {
        self.end.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = self.end()?.poll_read(context, buffer);
        self.is_awaited &= poll.is_pending();
        poll
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = self.end()?.poll_write(context, bytes);
        self.is_awaited |= matches!(poll, Poll::Ready(Ok(_)));
        poll
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end()?.poll_shutdown(context)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let (true, Some(shelf), Some(end)) = (self.is_awaited, &self.shelf, self.end.take()) {
            shelf.put(end);
        }
    }
}
