//! The invariants of the client hold in many runs, in which every kind of failure occurs.

use simulation::run;
use std::collections::BTreeMap;
use std::io;

/// Few enough for a debug build; CI runs thousands.
const SEEDS: u64 = 200;

#[test]
fn no_fault_breaks_an_invariant_of_the_client() -> io::Result<()> {
    let mut outcomes = BTreeMap::<_, u64>::new();
    for seed in 0..SEEDS {
        let report = run(seed, None)?;
        assert!(report.violations.is_empty(), "{report}");
        for (outcome, count) in report.outcomes {
            *outcomes.entry(outcome).or_default() += count;
        }
    }
    for outcome in
        ["ok", "cancelled", "concurrency_limit", "connect", "credentials", "service", "timeout", "transport"]
    {
        assert!(
            outcomes.get(outcome).is_some_and(|count| *count >= 10),
            "too few of {outcome}: {outcomes:?}"
        );
    }
    Ok(())
}
