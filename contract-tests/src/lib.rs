//! Contract tests of any service: cases, their runner, and snapshots that are equal for all services that satisfy a
//! contract.
//!
//! A service needs its annotated trait, an implementation of [`ServiceContract`], and its cases: lists of
//! [`Step`](suite::Step)s. [`suite::run`] sends them, and returns a snapshot for each case; [`Shapes`] adds the shape
//! of all responses.
//!
//! | topic | see |
//! |---|---|
//! | cases, their runner | [`suite`] |
//! | ids, times and owners as placeholders | [`Normalizer`], [`Entity`] |
//! | requests and responses as text | [`request`], [`response`], [`decoded`], [`routes`] |
//! | keys and types of all responses | [`Shapes`] |
//! | operations without cases, arguments that are never sent | [`gaps`], [`live_gaps`] |
//! | a test program for the cases | `harness`, with the feature of this name |
//! | JSON whose keys stay in order | [`Value`], [`json!`] |
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]

mod contract;
mod coverage;
#[cfg(feature = "harness")]
pub mod harness;
mod live_coverage;
mod normalize;
#[cfg(test)]
mod notes;
pub mod objects;
mod record;
mod render;
mod shape;
pub mod suite;
mod value;

pub use contract::ServiceContract;
pub use coverage::{Kind, OperationCases, Promise, gaps};
pub use live_coverage::{fields, live_gaps};
pub use normalize::{MILLISECONDS_FORM, Normalizer, SECONDS_FORM};
pub use objects::{Entity, ObjectKind};
pub use record::{Exchange, Recorder};
pub use render::{JSON_NOTES, NOT_COMPACT, decoded, request, response, routes};
pub use shape::Shapes;
pub use value::{Map, Value};
