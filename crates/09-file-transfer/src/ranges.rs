//! A set of numbers, kept as ranges: which datagrams came, which bytes of a file are there.
//!
//! ```text
//!  insert 10..20, 30..40        ██████      ██████
//!  insert 15..32                ████████████████████  one range again
//! ```
//! A file of a million datagrams that all came is one range; only what is missing costs memory. Both ends of
//! the protocol rest on it.

use std::ops::Range;

/// Numbers as ranges in ascending order that neither touch nor overlap.
///
/// # Examples
/// ```
/// use file_transfer::ranges::RangeSet;
///
/// let mut there = RangeSet::default();
/// there.insert(0..10);
/// there.insert(20..30);
/// assert_eq!(there.missing(5..25).collect::<Vec<_>>(), [10..20]);
/// there.insert(8..22);
/// assert_eq!(there.iter().collect::<Vec<_>>(), [0..30]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RangeSet {
    ranges: Vec<Range<u64>>,
}

impl RangeSet {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many ranges: what it costs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// How many numbers are in it.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.ranges.iter().map(|range| range.end - range.start).sum()
    }

    /// The ranges, the lowest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Range<u64>> + '_ {
        self.ranges.iter().cloned()
    }

    /// The first range.
    #[must_use]
    pub fn first(&self) -> Option<Range<u64>> {
        self.ranges.first().cloned()
    }

    /// Whether this number is in it.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        let at = self.first_ending_behind(number);
        self.ranges.get(at).is_some_and(|range| range.start <= number)
    }

    /// All numbers from 0 up to this one, exclusively, are in it.
    #[must_use]
    pub fn whole(&self) -> u64 {
        self.first().filter(|range| range.start == 0).map_or(0, |range| range.end)
    }

    /// Adds a range; ranges that touch or overlap become one.
    pub fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        // The ranges that `range` touches or overlaps are neighbours: those from `first` up to `end`.
        let first = self.ranges.partition_point(|other| other.end < range.start);
        let end = self.ranges.partition_point(|other| other.start <= range.end);
        if first == end {
            self.ranges.insert(first, range);
            return;
        }
        let merged = range.start.min(self.ranges[first].start)..range.end.max(self.ranges[end - 1].end);
        self.ranges[first] = merged;
        self.ranges.drain(first + 1..end);
    }

    /// Takes a range out, as far as it is in.
    pub fn remove(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let first = self.first_ending_behind(range.start);
        let end = self.ranges.partition_point(|other| other.start < range.end);
        if first >= end {
            return;
        }
        let before = self.ranges[first].start..range.start;
        let behind = range.end..self.ranges[end - 1].end;
        self.ranges.splice(first..end, [before, behind].into_iter().filter(|left| !left.is_empty()));
    }

    /// The parts of `range` that are not in it, the lowest first.
    pub fn missing(&self, range: Range<u64>) -> impl Iterator<Item = Range<u64>> + '_ {
        let first = self.first_ending_behind(range.start);
        let ends = self.ranges[first..].iter().map(|other| other.end);
        let starts = self.ranges[first..].iter().map(|other| other.start).chain([u64::MAX]);
        let gaps = [range.start].into_iter().chain(ends).zip(starts).map(|(from, to)| from..to);
        let within = gaps.map(move |gap| gap.start.max(range.start)..gap.end.min(range.end));
        within.take_while(move |gap| gap.start < range.end).filter(|gap| !gap.is_empty())
    }

    /// Where in the list the first range is that reaches behind `number`.
    fn first_ending_behind(&self, number: u64) -> usize {
        self.ranges.partition_point(|range| range.end <= number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same set as 64 bits.
    fn bits(range: &Range<u64>) -> u64 {
        range.clone().fold(0, |bits, at| bits | 1 << at)
    }

    fn set_of(set: &RangeSet) -> u64 {
        set.iter().fold(0, |all, range| all | bits(&range))
    }

    fn range() -> impl Strategy<Value = Range<u64>> {
        (0_u64..64, 0_u64..64).prop_map(|(a, b)| a.min(b)..a.max(b))
    }

    proptest! {
        #[test]
        fn it_is_the_set_that_one_bit_a_number_would_be(steps in proptest::collection::vec((any::<bool>(), range()), 0..40), asked in range()) {
            let (mut set, mut want) = (RangeSet::default(), 0_u64);
            for (insert, range) in steps {
                if insert {
                    set.insert(range.clone());
                    want |= bits(&range);
                } else {
                    set.remove(range.clone());
                    want &= !bits(&range);
                }
                prop_assert_eq!(set_of(&set), want);
                prop_assert!(set.ranges.windows(2).all(|pair| pair[0].end < pair[1].start), "{:?}", set);
                prop_assert!(set.iter().all(|range| !range.is_empty()));
            }
            let missing = set.missing(asked.clone()).fold(0, |all, range| all | bits(&range));
            prop_assert_eq!(missing, bits(&asked) & !want);
            prop_assert_eq!(set.count(), u64::from(want.count_ones()));
            prop_assert_eq!(set.whole(), u64::from(want.trailing_ones()));
            prop_assert!((0..64).all(|at| set.contains(at) == (want & 1 << at != 0)));
        }
    }
}
