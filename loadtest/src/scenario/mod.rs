//! What users do, a scenario a file.

mod browse;
mod churn;
mod hot_session;
pub(crate) mod iteration;
mod lifecycle;
mod read_mostly;

use crate::drive::visitor::Visit;
use crate::mix::Scenario;
use crate::observe::call::Trouble;
use crate::verify::known::Known;

/// Runs one iteration of a scenario.
async fn run(scenario: Scenario, visit: &mut Visit<'_>) -> Result<Progress, Trouble> {
    match scenario {
        Scenario::Lifecycle => lifecycle::run(visit).await,
        Scenario::Browse => browse::run(visit).await,
        Scenario::HotSession => hot_session::run(visit).await,
        Scenario::Churn => churn::run(visit).await,
        Scenario::ReadMostly => read_mostly::run(visit).await,
    }
}

/// How far an iteration has come without trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// To its end.
    Through,
    /// Until the run was over.
    CutShort,
}

/// What an iteration has come to, once its session is deleted: a wrong answer ends the session's use, but not before its
/// deletion.
async fn deleted_after(
    used: Result<Progress, Trouble>,
    visit: &mut Visit<'_>,
    session: &Known,
) -> Result<Progress, Trouble> {
    if let Err(Trouble::Wrong(_)) = used {
        session.distrust();
    }
    let deleted = visit.delete(session).await;
    let progress = used?;
    deleted?;
    Ok(progress)
}

/// Whether the call of this number, counted from 0, is a read, so that reads are spread evenly among the writes.
fn is_read(call: u32, read_ratio: f64) -> bool {
    let reads = |calls: u32| (f64::from(calls) * read_ratio).floor();
    reads(call + 1) > reads(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_have_their_ratio_and_are_spread_among_the_writes() {
        for (ratio, reads) in [(0.0, 0), (0.1, 2), (0.5, 10), (0.9, 18), (1.0, 20)] {
            assert_eq!((0..20).filter(|call| is_read(*call, ratio)).count(), reads, "{ratio}");
        }
        let half: Vec<_> = (0..4).map(|call| is_read(call, 0.5)).collect();
        assert_eq!(half, [false, true, false, true]);
    }
}
