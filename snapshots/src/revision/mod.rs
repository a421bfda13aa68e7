//! Two revisions of the contract, compared as OpenAPI documents.

mod change;
mod changelog;
mod operations;
mod schema;
mod source;

pub use change::{ChangeKind, ContractChange};
pub use changelog::noted_changes;
pub use operations::contract_changes;
pub use source::{DOCUMENT, SourceError, read_document};
