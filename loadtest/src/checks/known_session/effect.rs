//! An effect that happens once and for all, such as close, and the certainty that it has happened.

/// The certainty that an effect has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    No,
    Maybe,
    Yes,
}

impl Certainty {
    /// The certainty for a call that started with this one and ends when it is `later`.
    pub(super) fn until(self, later: Self) -> Self {
        if self == later { self } else { Self::Maybe }
    }
}

/// The calls that cause an effect.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Effect {
    /// The number of calls that were started.
    attempts: u32,
    /// The number of calls that may have caused the effect, or may yet.
    uncertain: u32,
    has_happened: bool,
}

impl Effect {
    pub(super) fn certainty(self) -> Certainty {
        match self {
            Self { has_happened: true, .. } => Certainty::Yes,
            Self { uncertain: 0, .. } => Certainty::No,
            _ => Certainty::Maybe,
        }
    }

    /// Returns whether exactly one call was started.
    pub(super) fn is_sole(self) -> bool {
        self.attempts == 1
    }

    /// Registers the start of a call that is sent up to so many times.
    pub(super) fn attempt(&mut self, times: u32) {
        self.attempts = self.attempts.saturating_add(times);
        self.uncertain = self.uncertain.saturating_add(1);
    }

    /// Registers that a call has had no effect.
    pub(super) fn refuse(&mut self) {
        self.uncertain = self.uncertain.saturating_sub(1);
    }

    /// Registers that the effect has happened.
    pub(super) fn happen(&mut self) {
        self.has_happened = true;
    }
}
