//! The exit codes of the program.

/// The exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// All criteria passed.
    Passed,
    /// A criterion failed: error rate, outage, too few calls, no completed iteration, dropped iterations, a missed
    /// threshold, a regression, a lost worker, a failed clean-up, or an unwritten report.
    Failed,
    /// A response was wrong.
    WrongData,
    /// No load was made, or nothing was measured: options, address, a service that does not respond, exhausted
    /// ports, files or memory of this machine, or another failure of the load generator.
    CouldNotRun,
    /// A signal stopped the run.
    Stopped,
    /// The service was slower than the baseline or the other service, but possibly by chance; or there were too
    /// few calls to compare, or the run was too short for an iteration.
    Inconclusive,
}

impl ExitCode {
    /// The number that the process exits with.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::WrongData => 2,
            Self::CouldNotRun => 3,
            Self::Stopped => 4,
            Self::Inconclusive => 5,
        }
    }

    /// Returns the graver of two exit codes.
    pub(super) fn graver(self, other: Self) -> Self {
        let order = [
            Self::CouldNotRun,
            Self::WrongData,
            Self::Stopped,
            Self::Failed,
            Self::Inconclusive,
            Self::Passed,
        ];
        order.into_iter().find(|exit_code| [self, other].contains(exit_code)).unwrap_or(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_distinct() {
        let exits = [
            ExitCode::Passed,
            ExitCode::Failed,
            ExitCode::WrongData,
            ExitCode::CouldNotRun,
            ExitCode::Stopped,
            ExitCode::Inconclusive,
        ];
        assert_eq!(exits.map(ExitCode::code), [0, 1, 2, 3, 4, 5]);
    }
}
