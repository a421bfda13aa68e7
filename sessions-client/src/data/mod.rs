//! The data types of the contract, and their format on the wire.

mod filter;
mod session;
mod session_ref;

pub use filter::FilterParams;
pub use session::{ListedSession, SessionV1};
pub use session_ref::SessionRef;
