//! The options of faults that are injected on purpose.

use crate::faults::{Fault, FaultSet};
use clap::Args;

/// Faults between the load generator and the service.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Faults")]
pub struct FaultOptions {
    /// Inject a fault between the load generator and the service; repeatable
    ///
    /// latency=200ms,jitter=50ms  delay responses by this time, plus or minus the jitter
    /// reset=5/s, reset=10%       break connections: a number per second, or a share of them per second
    /// throttle=10000             limit each direction of a connection to bytes per second
    /// blackhole                  forward nothing, also on open connections
    /// refuse                     break all connections and refuse new ones
    ///
    /// at=10s,for=5s is the time from the start of the measured load, and the duration. By default a fault
    /// lasts for the whole run. Several kinds in one option have the same schedule. Calls that fail while a
    /// fault lasts, and up to a second later, are counted apart and do not fail the run. Wrong data does.
    /// The clean-up is not affected.
    #[arg(long, value_name = "KIND[,at=TIME][,for=TIME]", verbatim_doc_comment)]
    pub fault: Vec<FaultSet>,
    /// Count calls that fail during faults like all others
    ///
    /// They count for --max-error-rate and --max-outage.
    #[arg(long, requires = "fault")]
    pub count_faults: bool,
}

impl FaultOptions {
    /// All faults, in the order in which they were given.
    pub(crate) fn all(&self) -> Vec<Fault> {
        self.fault.iter().flat_map(|set| set.0.iter().cloned()).collect()
    }
}
