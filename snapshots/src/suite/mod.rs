//! Test cases that run against any sessions service.
//!
//! A [`Case`] describes the requests, [`run`] sends them and deletes the sessions that they open. The results
//! are rendered as snapshots, which are equal for all services that satisfy the contract.

mod case;
mod clean;
mod client;
mod contract_routes;
mod owner;
mod render;
mod run;
mod stop;

pub use case::{Case, Step};
pub use contract_routes::ContractRoutes;
pub use run::{Aborted, CompletedCase, RunOptions, RunReport, run};
pub use stop::StopSignal;
