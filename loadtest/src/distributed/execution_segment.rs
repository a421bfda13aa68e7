//! The execution segment of a worker: `2/4` is the third of four.

use crate::metrics::ExecutionSegment;

/// Parses `index/of`, counted from 0, as Kubernetes counts the pods of an indexed job.
pub(crate) fn parse(text: &str) -> Result<ExecutionSegment, String> {
    text.split_once('/')
        .and_then(|(index, of)| Some(ExecutionSegment { index: index.parse().ok()?, of: of.parse().ok()? }))
        .filter(|segment| segment.index < segment.of)
        .ok_or_else(|| "expected the number of the worker, from 0, and the number of workers: 0/4".to_owned())
}

impl ExecutionSegment {
    /// The part of `all` that belongs to this segment. If it does not divide evenly, the first segments have
    /// one more.
    pub(crate) fn part_of(self, all: usize) -> usize {
        let (index, of) = (self.index as usize, self.of as usize);
        all / of + usize::from(index < all % of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_all_segments_add_up() {
        for (all, of) in [(10, 4), (3, 4), (8, 1), (4_000, 7)] {
            let parts: Vec<_> = (0..of).map(|index| ExecutionSegment { index, of }.part_of(all)).collect();
            assert_eq!(parts.iter().sum::<usize>(), all);
            assert!(parts.iter().max().unwrap() - parts.iter().min().unwrap() <= 1, "{parts:?}");
        }
    }

    #[test]
    fn only_existing_segments_are_valid() {
        assert_eq!(parse("3/4"), Ok(ExecutionSegment { index: 3, of: 4 }));
        for wrong in ["4/4", "1", "-1/4", "0/0", "a/b", "1/2/3"] {
            assert!(parse(wrong).unwrap_err().contains("0/4"), "{wrong}");
        }
    }
}
