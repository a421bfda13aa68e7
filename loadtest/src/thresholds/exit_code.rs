//! The exit codes of the program.

/// The exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// All criteria passed.
    Passed,
    /// A criterion failed: error rate, number of calls, thresholds, baseline, sessions left behind.
    Failed,
    /// A response was wrong.
    WrongData,
    /// No load was made.
    CouldNotRun,
    /// A signal stopped the run.
    Stopped,
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
        }
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
        ];
        assert_eq!(exits.map(ExitCode::code), [0, 1, 2, 3, 4]);
    }
}
