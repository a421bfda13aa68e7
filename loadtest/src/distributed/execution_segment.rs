//! A worker's share of a run: `2/4` is the third of four.

use crate::metrics::Worker;

/// Reads `index/number`, counted from 0, as Kubernetes counts the pods of an indexed job.
pub(crate) fn parse(text: &str) -> Result<Worker, String> {
    text.split_once('/')
        .and_then(|(index, of)| Some(Worker { index: index.parse().ok()?, of: of.parse().ok()? }))
        .filter(|worker| worker.index < worker.of)
        .ok_or_else(|| {
            "it must be the number of the worker from 0 and how many there are, such as 0/4".to_owned()
        })
}

/// The part of `all` that falls to a worker; the first ones have one more if it does not divide.
pub(crate) fn part(all: usize, Worker { index, of }: Worker) -> usize {
    let (index, of) = (index as usize, of as usize);
    all / of + usize::from(index < all % of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_all_workers_add_up() {
        for (all, of) in [(10, 4), (3, 4), (8, 1), (4_000, 7)] {
            let parts: Vec<_> = (0..of).map(|index| part(all, Worker { index, of })).collect();
            assert_eq!(parts.iter().sum::<usize>(), all);
            assert!(parts.iter().max().unwrap() - parts.iter().min().unwrap() <= 1, "{parts:?}");
        }
    }

    #[test]
    fn a_worker_is_one_of_those_that_there_are() {
        assert_eq!(parse("3/4"), Ok(Worker { index: 3, of: 4 }));
        for wrong in ["4/4", "1", "-1/4", "0/0", "a/b", "1/2/3"] {
            assert!(parse(wrong).unwrap_err().contains("0/4"), "{wrong}");
        }
    }
}
