//! The latencies of an operation in blocks of time.
//!
//! Calls of the same moment share the load and the noise of the machine, so that they differ less from each
//! other than calls of different moments. A comparison of two runs needs the variation between blocks to
//! assess how much of a difference is chance.
//!
//! Blocks begin at multiples of their length since 1970, so that those of several workers coincide. A long
//! run has longer blocks rather than more of them, and a longer block is the exact sum of shorter ones.

use super::Histogram;
use crate::sync::{Mutex, lock};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The length of the blocks of a short run, in milliseconds.
const SHORTEST_MS: u64 = 125;

/// The number of blocks beyond which pairs of them are merged.
const MAX_BLOCKS: usize = 64;

/// Latencies in blocks of equal length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "UncheckedBlocks")]
pub struct Blocks {
    /// [`SHORTEST_MS`], doubled any number of times.
    block_ms: u64,
    /// By the millisecond since 1970 in which a block begins.
    blocks: BTreeMap<u64, Histogram>,
}

/// Blocks read from a file.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct UncheckedBlocks {
    block_ms: u64,
    blocks: BTreeMap<u64, Histogram>,
}

impl TryFrom<UncheckedBlocks> for Blocks {
    type Error = &'static str;

    fn try_from(blocks: UncheckedBlocks) -> Result<Self, &'static str> {
        let UncheckedBlocks { block_ms, blocks } = blocks;
        if !(block_ms.is_multiple_of(SHORTEST_MS) && (block_ms / SHORTEST_MS).is_power_of_two()) {
            return Err("`block_ms` must be 125 times a power of two");
        }
        if blocks.keys().any(|start| start % block_ms != 0) {
            return Err("a block does not begin at a multiple of `block_ms`");
        }
        Ok(Self { block_ms, blocks })
    }
}

impl Default for Blocks {
    fn default() -> Self {
        Self { block_ms: SHORTEST_MS, blocks: BTreeMap::new() }
    }
}

impl Blocks {
    /// Adds the latencies of calls that ended in a millisecond since 1970.
    pub(crate) fn add(&mut self, millis: u64, latencies: &Histogram) {
        self.blocks.entry(millis - millis % self.block_ms).or_default().merge(latencies);
        while self.blocks.len() > MAX_BLOCKS {
            self.double();
        }
    }

    /// Adds all latencies of other blocks.
    pub(crate) fn merge(&mut self, other: &Self) {
        while self.block_ms < other.block_ms {
            self.double();
        }
        for (start, latencies) in &other.blocks {
            self.add(*start, latencies);
        }
    }

    fn double(&mut self) {
        let Some(block_ms) = self.block_ms.checked_mul(2) else { return };
        let short = std::mem::replace(self, Self { block_ms, blocks: BTreeMap::new() });
        for (start, latencies) in short.blocks {
            self.blocks.entry(start - start % block_ms).or_default().merge(&latencies);
        }
    }

    /// The blocks that are not empty, with the millisecond since 1970 in which each begins.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, &Histogram)> {
        self.blocks.iter().map(|(start, latencies)| (*start, latencies))
    }

    /// The same latencies in blocks that are at least as long as those of `other`.
    pub(crate) fn aligned_with(&self, other: &Self) -> Self {
        let mut aligned = self.clone();
        while aligned.block_ms < other.block_ms {
            aligned.double();
        }
        aligned
    }
}

/// The blocks of all operations while a run is in progress.
#[derive(Debug, Default)]
pub(crate) struct BlockRecorder(Mutex<BTreeMap<&'static str, Blocks>>);

impl BlockRecorder {
    /// The blocks of an operation so far.
    pub(crate) fn of(&self, operation: &str) -> Blocks {
        lock(&self.0).get(operation).cloned().unwrap_or_default()
    }
}

/// The current block of one shard. Earlier blocks are in a [`BlockRecorder`], which all shards share.
#[derive(Debug, Default)]
pub(crate) struct CurrentBlock {
    /// The number of its shortest block since 1970.
    number: u64,
    /// By operation. There are few, so that a search is fast.
    latencies: Vec<(&'static str, Histogram)>,
}

impl CurrentBlock {
    /// Records the latency of a call that ended at `millis` since 1970.
    pub(crate) fn record(&mut self, operation: &'static str, millis: u64, micros: u64, all: &BlockRecorder) {
        let number = millis / SHORTEST_MS;
        if number != self.number {
            self.flush(all);
            self.number = number;
        }
        match self.latencies.iter_mut().find(|(name, _)| *name == operation) {
            Some((_, latencies)) => latencies.record(micros),
            None => self.latencies.push((operation, [micros].into_iter().collect())),
        }
    }

    /// Moves all latencies to the earlier blocks.
    pub(crate) fn flush(&mut self, all: &BlockRecorder) {
        if self.latencies.is_empty() {
            return;
        }
        let mut operations = lock(&all.0);
        for (operation, latencies) in self.latencies.drain(..) {
            operations.entry(operation).or_default().add(self.number * SHORTEST_MS, &latencies);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks with one call in each of these milliseconds, whose latency is that number of microseconds.
    fn blocks(millis: impl IntoIterator<Item = u64>) -> Blocks {
        let mut blocks = Blocks::default();
        millis.into_iter().for_each(|millis| blocks.add(millis, &[millis].into_iter().collect()));
        blocks
    }

    fn calls(blocks: &Blocks) -> u64 {
        blocks.iter().map(|(_, latencies)| latencies.count()).sum()
    }

    #[test]
    fn a_long_run_has_longer_blocks_and_loses_no_call() {
        let long = blocks((0..1_000).map(|number| number * 100));
        assert_eq!((long.block_ms, calls(&long)), (2_000, 1_000));
        assert_eq!(long.iter().count(), 50);
    }

    #[test]
    fn blocks_of_different_lengths_merge_exactly() {
        let (short, long) = (blocks(3_000..3_500), blocks((0..800).map(|number| number * 50)));
        let all = blocks((0..800).map(|number| number * 50).chain(3_000..3_500));
        for (mut into, from) in [(short.clone(), &long), (long.clone(), &short)] {
            into.merge(from);
            assert_eq!(into, all);
        }
    }

    #[test]
    fn shards_share_their_blocks() {
        let all = BlockRecorder::default();
        let mut shards = [CurrentBlock::default(), CurrentBlock::default()];
        for millis in 0..500 {
            for shard in &mut shards {
                shard.record("open", millis, millis, &all);
                shard.record("get", millis, 1, &all);
            }
        }
        for shard in &mut shards {
            shard.flush(&all);
        }
        assert_eq!(all.of("open"), blocks((0..500).chain(0..500)));
        assert_eq!((calls(&all.of("get")), calls(&all.of("close"))), (1_000, 0));
    }

    #[test]
    fn misaligned_blocks_are_rejected() {
        let read = |json: &str| serde_json::from_str::<Blocks>(json).unwrap_err().to_string();
        for length in [0, 100, 375] {
            let json = format!(r#"{{"block_ms": {length}, "blocks": {{}}}}"#);
            assert!(read(&json).contains("125 times a power of two"), "{length}");
        }
        let block = serde_json::to_string(&Histogram::from_iter([1])).unwrap();
        let odd = format!(r#"{{"block_ms": 250, "blocks": {{"125": {block}}}}}"#);
        assert!(read(&odd).contains("does not begin at a multiple of `block_ms`"));
    }

    #[test]
    fn blocks_survive_a_round_trip_through_json() {
        let blocks = blocks((0..400).map(|number| number * 50));
        let json = serde_json::to_string(&blocks).unwrap();
        assert_eq!(serde_json::from_str::<Blocks>(&json).unwrap(), blocks);
    }
}
