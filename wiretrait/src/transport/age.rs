//! The greatest age of connections.

use std::time::{Duration, Instant};

/// Returns when a connection that is opened at `now` is used for the last time: after `max_age` minus up to a
/// fifth, at the fraction `random` of it. `None` means never.
pub(super) fn retirement(now: Instant, max_age: Duration, random: f64) -> Option<Instant> {
    now.checked_add(max_age.saturating_sub(max_age.mul_f64(random.clamp(0.0, 1.0) / 5.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_age_is_shortened_by_up_to_a_fifth() {
        let (now, minute) = (Instant::now(), Duration::from_secs(60));
        for (random, seconds) in [(0.0, 60), (0.5, 54), (1.0, 48)] {
            assert_eq!(retirement(now, minute, random), Some(now + Duration::from_secs(seconds)));
        }
    }

    #[test]
    fn a_connection_without_a_greatest_age_is_not_retired() {
        for random in [0.0, 0.7, 1.0] {
            assert_eq!(retirement(Instant::now(), Duration::MAX, random), None);
        }
    }
}
