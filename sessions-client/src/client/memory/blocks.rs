//! What is kept under numbers that are given one after the other.
//!
//! A number leads to its block, of which there are few enough for a cache, and to its place there, where a table by hash
//! would be two pages of memory that no cache holds; and what comes next is mostly beside it. A block is given up once it
//! is empty.

use std::array;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// How many places a block has.
pub(super) const PLACES: usize = 64;

type Block<T> = [Option<T>; PLACES];

pub(super) struct Blocks<T>(BTreeMap<u64, Box<Block<T>>>);

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Blocks<T> {
    pub(super) fn get(&self, number: u64) -> Option<&T> {
        let (block, place) = turn(number, PLACES);
        self.block(block).get(place)?.as_ref()
    }

    pub(super) fn insert(&mut self, number: u64, value: T) {
        let (block, place) = turn(number, PLACES);
        self.0.entry(block).or_insert_with(|| Box::new(array::from_fn(|_| None)))[place] = Some(value);
    }

    pub(super) fn remove(&mut self, number: u64) {
        let (block, place) = turn(number, PLACES);
        if let Entry::Occupied(mut block) = self.0.entry(block) {
            block.get_mut()[place] = None;
            if block.get().iter().all(Option::is_none) {
                block.remove();
            }
        }
    }

    /// In the order of the numbers.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values().flat_map(|block| block.iter().flatten())
    }

    /// The places of a block, which are none where it is empty.
    pub(super) fn block(&self, number: u64) -> &[Option<T>] {
        self.0.get(&number).map_or(&[], |block| &block[..])
    }

    /// The first block from there on that is not empty.
    pub(super) fn next_block(&self, from: u64) -> Option<u64> {
        self.0.range(from..).next().map(|(&number, _)| number)
    }
}

/// Where the number is when `count` things take turns: the round, and the turn in it.
#[expect(clippy::cast_possible_truncation, reason = "a remainder is less than the `usize` that it is of")]
pub(super) fn turn(number: u64, count: usize) -> (u64, usize) {
    let count = count as u64;
    (number / count, (number % count) as usize)
}

#[cfg(test)]
mod tests {
    use super::Blocks;

    #[test]
    fn what_was_inserted_is_found_in_order_until_it_is_removed() {
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
