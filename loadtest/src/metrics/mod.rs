//! What a run measures.

mod histogram;
mod load_model;
pub(crate) mod recorder;
pub(crate) mod resource_usage;
mod results;
mod results_file;
#[cfg(test)]
pub(crate) mod sample;
mod timeline;

pub use crate::distributed::merge::{CannotMerge, merge};
pub use histogram::Histogram;
pub use load_model::{LimitStep, LoadModel, RateStep, Scenario};
pub use results::*;
pub use results_file::Unreadable;
pub use timeline::{Column, Timeline};
