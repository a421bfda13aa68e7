//! The search for the highest rate that is held: double until a rate breaks, then halve the gap.
//!
//! Pure, so that it is tested against services whose limit is known.

/// Where the search stands.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// The highest rate that was held.
    held: Option<f64>,
    /// The lowest that was not.
    broken: Option<f64>,
    next: f64,
}

/// The gap between what was held and what broke at which the search ends, of the rate.
const NARROW: f64 = 0.05;

/// A rate below this many iterations a second is not looked for.
const LOWEST: f64 = 0.1;

impl Search {
    /// Begins with this rate.
    pub(crate) fn from(rate: f64) -> Self {
        Self { held: None, broken: None, next: rate }
    }

    /// The rate to try next; none once the limit is known closely enough.
    pub(crate) fn next(&self) -> Option<f64> {
        let narrow = match (self.held, self.broken) {
            (Some(held), Some(broken)) => broken - held <= broken * NARROW,
            (None, Some(broken)) => broken <= LOWEST,
            _ => false,
        };
        (!narrow).then_some(self.next)
    }

    /// Takes note of whether the last rate was held.
    pub(crate) fn tried(&mut self, held: bool) {
        if held {
            self.held = Some(self.next);
        } else {
            self.broken = Some(self.next);
        }
        self.next = match (self.held, self.broken) {
            (Some(held), Some(broken)) => f64::midpoint(held, broken),
            (Some(held), None) => held * 2.0,
            (None, Some(broken)) => broken / 2.0,
            (None, None) => self.next,
        };
    }

    /// The highest rate that was held.
    pub(crate) fn limit(&self) -> Option<f64> {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the search finds for a service that holds `limit`, and how many rates it tries.
    fn search(begin: f64, limit: f64) -> (Option<f64>, usize) {
        let mut search = Search::from(begin);
        let mut tried = 0;
        while let Some(rate) = search.next() {
            search.tried(rate <= limit);
            tried += 1;
        }
        (search.limit(), tried)
    }

    #[test]
    fn the_limit_is_found_from_below_and_from_above() {
        for (begin, limit) in [(50.0, 3_210.0), (50.0, 50.0), (800.0, 7.0), (1.0, 90_000.0)] {
            let (found, tried) = search(begin, limit);
            let found = found.unwrap();
            assert!(found <= limit && found >= limit * 0.94, "{found} for {limit}");
            assert!(tried <= 25, "{tried}");
        }
    }

    #[test]
    fn a_service_that_holds_nothing_has_no_limit() {
        let (found, tried) = search(50.0, 0.0);
        assert_eq!(found, None);
        assert!(tried <= 10, "{tried}");
    }
}
