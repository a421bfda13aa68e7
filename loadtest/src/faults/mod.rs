//! Faults between the load generator and the service: a relay for bytes that delays, breaks, slows down, swallows
//! or refuses connections on a schedule.
//!
//! The client connects to the relay in place of the service, and keeps the name and port for TLS and the `Host` header.
//! The clean-up, and the calls before the run, go directly to the service. Calls that fail while a fault lasts are
//! counted apart.

mod active;
mod connections;
mod fault;
pub(crate) mod injection;
mod pump;
mod relay;

pub(crate) use fault::Fault;
pub use fault::FaultSet;

use crate::error::LoadTestError;
use std::time::Duration;

/// Checks that all faults begin before the planned end of the run.
pub(crate) fn check(faults: &[Fault], planned: Option<Duration>) -> Result<(), LoadTestError> {
    let Some(planned) = planned else { return Ok(()) };
    match faults.iter().find(|fault| fault.at >= planned) {
        None => Ok(()),
        Some(fault) => Err(LoadTestError::Option(format!(
            "--fault {fault} would begin after the end of the load, which lasts {}: give an earlier at=TIME or a longer run",
            humantime::format_duration(planned)
        ))),
    }
}

/// The schedule in words, one fault per line.
pub(crate) fn describe(faults: &[Fault], planned: Option<Duration>) -> Vec<String> {
    let describe = |fault: &Fault| {
        let end = match (fault.end(), planned) {
            (Some(end), Some(planned)) if end < planned => humantime::format_duration(end).to_string(),
            (Some(end), None) => humantime::format_duration(end).to_string(),
            _ => "the end".to_owned(),
        };
        format!("{}, from {} to {end}", fault.kind, humantime::format_duration(fault.at))
    };
    faults.iter().map(describe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_after_the_end_of_the_run_is_rejected() {
        let faults = "reset=5/s,at=10s,for=2s".parse::<FaultSet>().unwrap().0;
        let error = check(&faults, Some(Duration::from_secs(10))).unwrap_err().to_string();
        assert!(error.starts_with("--fault reset=5/s,at=10s,for=2s would begin after the end"), "{error}");
        for long_enough in [Some(Duration::from_secs(11)), None] {
            check(&faults, long_enough).unwrap();
        }
    }

    #[test]
    fn a_schedule_is_described() {
        let faults = "latency=20ms,at=1s".parse::<FaultSet>().unwrap().0;
        assert_eq!(describe(&faults, Some(Duration::from_secs(10))), ["latency=20ms, from 1s to the end"]);
        let faults = "refuse,for=2s".parse::<FaultSet>().unwrap().0;
        assert_eq!(describe(&faults, None), ["refuse, from 0s to 2s"]);
    }
}
