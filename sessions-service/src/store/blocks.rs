//! A map from consecutive numbers to values.
//!
//! A number selects a block and an index in it. The blocks are few enough for the CPU's caches, and most
//! neighbors of a value are in the same block. A hash table would cost two cache misses for each lookup. An
//! empty block is freed.

use std::array;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The number of values in a full block.
pub(super) const BLOCK_SIZE: usize = 64;

type Block<T> = [Option<T>; BLOCK_SIZE];

pub(super) struct Blocks<T>(BTreeMap<u64, Box<Block<T>>>);

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Blocks<T> {
    pub(super) fn get(&self, number: u64) -> Option<&T> {
        let (block, index) = div_rem(number, BLOCK_SIZE);
        self.block(block).get(index)?.as_ref()
    }

    pub(super) fn insert(&mut self, number: u64, value: T) {
        let (block, index) = div_rem(number, BLOCK_SIZE);
        self.0.entry(block).or_insert_with(|| Box::new(array::from_fn(|_| None)))[index] = Some(value);
    }

    pub(super) fn remove(&mut self, number: u64) {
        let (block, index) = div_rem(number, BLOCK_SIZE);
        if let Entry::Occupied(mut block) = self.0.entry(block) {
            block.get_mut()[index] = None;
            if block.get().iter().all(Option::is_none) {
                block.remove();
            }
        }
    }

    /// Returns the values in the order of their numbers.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values().flat_map(|block| block.iter().flatten())
    }

    /// Returns the values of a block, or an empty slice if it is empty.
    pub(super) fn block(&self, number: u64) -> &[Option<T>] {
        self.0.get(&number).map_or(&[], |block| &block[..])
    }

    /// Returns the first block from `from` on that is not empty.
    pub(super) fn next_block(&self, from: u64) -> Option<u64> {
        self.0.range(from..).next().map(|(&number, _)| number)
    }
}

/// Returns quotient and remainder.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the remainder is less than the divisor, which is a `usize`"
)]
pub(super) fn div_rem(number: u64, divisor: usize) -> (u64, usize) {
    let divisor = divisor as u64;
    (number / divisor, (number % divisor) as usize)
}

#[cfg(test)]
mod tests {
    use super::Blocks;

    #[test]
    fn values_are_found_in_order_until_they_are_removed() {
        let mut blocks = Blocks::default();
        let numbers = [0, 1, 63, 64, 7 * 64 + 3, u64::MAX];
        for number in numbers.into_iter().rev() {
            blocks.insert(number, number.to_string());
        }
        for (at, number) in numbers.into_iter().enumerate() {
            let rest: Vec<String> = numbers[at..].iter().map(u64::to_string).collect();
            assert!(blocks.values().eq(&rest));
            assert_eq!(blocks.get(number), rest.first());
            blocks.remove(number);
            assert_eq!(blocks.get(number), None);
        }
        assert!(blocks.0.is_empty());
    }
}
