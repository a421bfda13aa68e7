//! The time limit of reqwest's connector for an attempt that has several addresses.

use crate::transport::connecting;
use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Limits a connector to the share of its address. Its own limit is enforced by reqwest.
#[derive(Clone, Copy)]
pub(super) struct OpeningLayer;

#[derive(Clone)]
pub(super) struct Opening<S>(S);

impl<S> Layer<S> for OpeningLayer {
    type Service = Opening<S>;

    fn layer(&self, inner: S) -> Opening<S> {
        Opening(inner)
    }
}

impl<S, R> Service<R> for Opening<S>
where
    S: Service<R, Response: Send, Error = BoxError, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connect = self.0.call(request);
        Box::pin(async move {
            let outcome = connecting::open(Duration::MAX, connect).await;
            outcome.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
        })
    }
}
