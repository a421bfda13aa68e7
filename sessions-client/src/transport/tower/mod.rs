//! Between transports and tower's services, so that users bring the layers that they have.
//!
//! A [`Call`] knows more than its request does. On its way through layers the rest of it is in the request's
//! extensions: the call itself, whose own request is empty meanwhile, so that nothing that a call may come to
//! know has to be listed here. A second type for it was refused.
//!
//! Only `tower-service` is a dependency, which has not changed in years, and not `tower`: which version of its
//! layers is used is the user's choice.
//!
//! [`Call`]: crate::Call

mod service;
mod transport;

pub use service::TransportService;
pub use transport::TowerTransport;

use std::sync::Arc;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The path before the target of a call, in the extensions of its request: what a transport further in must not
/// get, since it has an address of its own.
#[derive(Clone)]
struct BasePath(Arc<str>);
