//! What travels: the types of the contract, with the rules of the wire.

mod date_parse;
mod filter;
mod page;
mod paging;
mod session;
mod session_ref;
mod timestamp;

pub use filter::FilterParams;
pub use page::DataPage;
pub use paging::PagingParams;
pub use session::SessionV1;
pub use session_ref::SessionRef;
pub use timestamp::Timestamp;

pub(crate) use date_parse::date_parse;
#[cfg(feature = "server")]
pub(crate) use timestamp::to_text;
pub(crate) use timestamp::{truncate_to_millis, with_text};
