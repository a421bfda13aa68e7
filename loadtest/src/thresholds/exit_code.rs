//! How the program ends.

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything was as it should be.
    Passed,
    /// Calls failed, too few were made, a threshold was missed, something regressed, or sessions stay behind.
    Failed,
    /// Something that was read back is wrong.
    WrongData,
    /// No load was made.
    CouldNotRun,
    /// A signal ended the run early.
    Stopped,
}

impl Exit {
    /// The exit code of the process.
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
    fn every_way_to_end_has_a_code_of_its_own() {
        let exits = [Exit::Passed, Exit::Failed, Exit::WrongData, Exit::CouldNotRun, Exit::Stopped];
        assert_eq!(exits.map(Exit::code), [0, 1, 2, 3, 4]);
    }
}
