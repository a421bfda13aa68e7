//! Cases that are led through a service, whichever it is: what is asked, and what comes back.
//!
//! [`Case`] says what is sent, [`run`] sends it and leaves nothing behind. What came back is shown on pages that
//! are the same for every service that keeps the contract.

mod case;
mod clean;
mod owner;
mod page;
mod run;
mod stop;

pub use case::{Case, Step};
pub use run::{Broken, Led, Report, Rules, run};
pub use stop::Stop;
