//! What users can do, by name, and the mix of it.

mod weights;

pub use weights::Mix;

/// How many sessions a user of `browse` keeps.
pub(crate) const KEPT_SESSIONS: usize = 5;

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
                "keep {KEPT_SESSIONS} sessions of a user, list them by page and by filter, replace the oldest",
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
}

/// Sizes and proportions of what users do.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) stores: u32,
    pub(crate) calls: u32,
    pub(crate) read_ratio: f64,
}
