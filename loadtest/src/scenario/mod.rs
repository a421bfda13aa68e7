//! What users do, by name, and the mix of it.

mod browse;
mod churn;
mod hot_session;
mod lifecycle;
mod mix;
mod read_mostly;

pub use mix::Mix;

use crate::drive::visitor::Visit;
use crate::observe::call::Trouble;

/// What a user does in one iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scenario {
    /// A session from its opening to its deletion, and everything in between.
    Lifecycle,
    /// Lists of a user's sessions, by filter and page.
    Browse,
    /// One session that all users read and write.
    HotSession,
    /// Sessions that are opened and closed, and pile up.
    Churn,
    /// A session that is read more often than it is written.
    ReadMostly,
}

impl Scenario {
    pub(crate) const ALL: [Self; 5] =
        [Self::Lifecycle, Self::Browse, Self::HotSession, Self::Churn, Self::ReadMostly];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lifecycle => "lifecycle",
            Self::Browse => "browse",
            Self::HotSession => "hot-session",
            Self::Churn => "churn",
            Self::ReadMostly => "read-mostly",
        }
    }

    /// What an iteration consists of, for people.
    pub(crate) fn describe(self, options: &Options) -> String {
        let Options { stores, calls, read_ratio, .. } = options;
        match self {
            Self::Lifecycle => format!(
                "open, {stores} × store and read, update the user and read, close and read, delete and read"
            ),
            Self::Browse => format!(
                "keep {} sessions of a user, list them by page and by filter, replace the oldest",
                browse::SHELF
            ),
            Self::HotSession => {
                format!("{calls} calls on a session that all users share, {read_ratio} of them reads")
            }
            Self::Churn => "open, close; deleted after the run".to_owned(),
            Self::ReadMostly => format!("open, {calls} calls, {read_ratio} of them reads, close, delete"),
        }
    }

    /// How many sessions an iteration opens, for estimates.
    pub(crate) fn sessions(self) -> u64 {
        u64::from(self != Self::HotSession)
    }

    /// Runs one iteration.
    pub(crate) async fn run(self, visit: &mut Visit<'_>) -> Result<Progress, Trouble> {
        match self {
            Self::Lifecycle => lifecycle::run(visit).await,
            Self::Browse => browse::run(visit).await,
            Self::HotSession => hot_session::run(visit).await,
            Self::Churn => churn::run(visit).await,
            Self::ReadMostly => read_mostly::run(visit).await,
        }
    }
}

/// Sizes and proportions of what users do.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) stores: u32,
    pub(crate) calls: u32,
    pub(crate) read_ratio: f64,
}

/// How far an iteration has come without trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// To its end.
    Through,
    /// Until the run was over.
    CutShort,
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
