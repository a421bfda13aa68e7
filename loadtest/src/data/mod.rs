//! The rows of `--data-file`, which are stored in sessions or read by the scenarios of another contract.

mod json;
mod read;
mod row;

pub(crate) use json::is_same;
pub use row::DataRow;
pub(crate) use row::TAG;

use crate::metrics::ExecutionSegment;
use clap::ValueEnum;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The order in which rows are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DataOrder {
    /// One row after the other, and again from the first
    #[default]
    Sequential,
    /// Each time any row
    Random,
}

/// The rows of a file.
#[derive(Debug)]
pub(crate) struct DataFile {
    /// The name of the file, without its folders.
    pub(crate) name: String,
    /// At least one.
    rows: Vec<Arc<DataRow>>,
}

impl DataFile {
    /// The number of rows.
    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }
}

/// The rows of a file as one worker takes them.
#[derive(Debug)]
pub(crate) struct DataRows {
    file: Arc<DataFile>,
    order: DataOrder,
    /// Determines the random order. All load generators of a test run have the same one.
    seed: u64,
    segment: ExecutionSegment,
    /// The number of rows that scenarios have taken.
    taken: AtomicU64,
}

impl DataRows {
    pub(crate) fn new(
        file: Arc<DataFile>,
        order: DataOrder,
        test_run_id: &str,
        segment: ExecutionSegment,
    ) -> Self {
        Self { file, order, seed: hash(test_run_id), segment, taken: AtomicU64::new(0) }
    }

    /// The row of a write to a session. Workers number their sessions from 0.
    ///
    /// It is computed, so that the model of a session need not keep it.
    pub(crate) fn of(&self, session: u64, sequence: u64) -> &Arc<DataRow> {
        let session = self.among_all(session);
        let number = match self.order {
            DataOrder::Sequential => session.wrapping_add(sequence),
            DataOrder::Random => hash(&(self.seed, session, sequence)),
        };
        self.row(number)
    }

    /// Takes the next row, which no other user of the run takes before all rows were taken.
    pub(crate) fn take(&self) -> Arc<DataRow> {
        let number = self.among_all(self.taken.fetch_add(1, Ordering::Relaxed));
        let number = match self.order {
            DataOrder::Sequential => number,
            DataOrder::Random => hash(&(self.seed, number)),
        };
        Arc::clone(self.row(number))
    }

    /// The number among those of all workers.
    fn among_all(&self, number: u64) -> u64 {
        let ExecutionSegment { index, of } = self.segment;
        number.wrapping_mul(of.into()).wrapping_add(index.into())
    }

    fn row(&self, number: u64) -> &Arc<DataRow> {
        let rows = &self.file.rows;
        let index = number % rows.len().max(1) as u64;
        &rows[usize::try_from(index).unwrap_or_default()]
    }
}

fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Rows with these lines of JSON.
    pub(crate) fn rows(lines: &[&str], order: DataOrder, segment: ExecutionSegment) -> DataRows {
        let rows = lines.iter().map(|line| Arc::new(DataRow::parse(line, true).unwrap())).collect();
        let file = DataFile { name: "rows.jsonl".to_owned(), rows };
        DataRows::new(Arc::new(file), order, "run", segment)
    }

    const FIVE: [&str; 5] = [r#"{"n":0}"#, r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#, r#"{"n":4}"#];

    fn number(row: &DataRow) -> u64 {
        row.get("n").unwrap().as_u64().unwrap()
    }

    #[test]
    fn rows_are_taken_in_order_and_again_from_the_first() {
        let rows = rows(&FIVE, DataOrder::Sequential, ExecutionSegment::WHOLE);
        let taken: Vec<_> = (0..7).map(|_| number(&rows.take())).collect();
        assert_eq!(taken, [0, 1, 2, 3, 4, 0, 1]);
        assert_eq!([(0, 0), (3, 0), (3, 1), (3, 4)].map(|(s, q)| number(rows.of(s, q))), [0, 3, 4, 2]);
    }

    #[test]
    fn workers_take_different_rows() {
        let taken = (0..5).map(|index| {
            let rows = rows(&FIVE, DataOrder::Sequential, ExecutionSegment { index, of: 5 });
            assert_eq!(number(rows.of(1, 0)), u64::from(index));
            number(&rows.take())
        });
        assert_eq!(taken.collect::<HashSet<_>>().len(), 5);
    }

    #[test]
    fn a_random_order_has_all_rows_and_is_that_of_the_test_run() {
        let rows_of_run = || rows(&FIVE, DataOrder::Random, ExecutionSegment::WHOLE);
        let (one, other) = (rows_of_run(), rows_of_run());
        let numbers =
            |rows: &DataRows| (0..50).map(|session| number(rows.of(session, 1))).collect::<Vec<_>>();
        assert_eq!(numbers(&one), numbers(&other));
        assert_eq!(numbers(&one).into_iter().collect::<HashSet<_>>().len(), 5);
        let taken: HashSet<_> = (0..50).map(|_| number(&one.take())).collect();
        assert_eq!(taken.len(), 5);
    }
}
