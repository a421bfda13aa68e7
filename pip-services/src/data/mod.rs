//! Data that travels between services of the framework and their clients.

mod filter;
mod page;
mod paging;
pub mod timestamp;

pub use filter::FilterParams;
pub use page::DataPage;
pub use paging::PagingParams;
