//! Test cases that run against any service of a contract.
//!
//! A [`Case`] describes the requests, [`run`] sends them and deletes the entities that they create. The results
//! are rendered as snapshots, which are equal for all services that satisfy the contract.

mod case;
mod case_run;
mod clean;
mod contract_routes;
mod created;
mod owner;
mod pace;
mod progress;
mod render;
mod run;
mod signals;
mod stop;
mod unreached;

pub use case::{Case, Step};
pub use case_run::{ENDED, placeholders};
pub use contract_routes::ContractRoutes;
pub use progress::{OnProgress, Progress};
pub use render::{CLIENT_ERROR, MISSING, MISSING_LIST, NO_LIST_BUT};
pub use run::{CompletedCase, DEFAULT_JOBS, FailedCase, LOST, RunOptions, RunReport, run};
pub use signals::stop_on_signals;
pub use stop::StopSignal;
pub use unreached::unreached;
