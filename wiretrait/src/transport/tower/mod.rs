//! Adapters between transports and tower services, so that users can use existing layers.
//!
//! A [`Call`] has more fields than its request. Layers find them in the request's extensions: the call
//! itself, whose own request is empty in the meantime. Rejected alternative: a separate type for the
//! extensions, because it would have to list all fields of a call.
//!
//! The only dependency is `tower-service`, which is stable, so that users can choose the version of `tower`.
//!
//! [`Call`]: crate::Call

mod service;
mod transport;

pub use service::TransportService;
pub use transport::TowerTransport;

use std::sync::Arc;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The path in front of the target of a call, in the extensions of its request. It is removed before an inner
/// transport, which adds its own address.
#[derive(Clone)]
struct BasePath(Arc<str>);
