//! Each planted bug is found within a few seeds, by the invariant that it breaks.

use simulation::{Bug, run};
use std::io;

/// Runs seeds until one has a violation with `words`.
fn assert_found(bug: Bug, seeds: u64, words: &str) -> io::Result<()> {
    let mut others = Vec::new();
    for seed in 0..seeds {
        let report = run(seed, Some(bug))?;
        if report.violations.iter().any(|violation| violation.contains(words)) {
            return Ok(());
        }
        others.extend(report.violations);
    }
    panic!("{bug:?} is not found in {seeds} seeds; other violations: {others:?}");
}

#[test]
fn a_request_that_is_sent_twice_is_found() -> io::Result<()> {
    assert_found(Bug::DoubleSend, 100, "open_session was sent again")
}

#[test]
fn a_late_deadline_is_found() -> io::Result<()> {
    assert_found(Bug::LateDeadline, 20, "longer than its deadline")
}

#[test]
fn the_response_to_another_call_is_found() -> io::Result<()> {
    assert_found(Bug::SwappedResponses, 100, "received")
}

#[test]
fn a_leaked_permit_is_found() -> io::Result<()> {
    assert_found(Bug::LeakedPermit, 50, "permits are lost")
}

#[test]
fn a_rejected_token_that_is_sent_again_is_found() -> io::Result<()> {
    assert_found(Bug::LostTokenRenewal, 50, "although a new one was valid")
}
