//! Which connection's time is up next, without looking at all of them.
//!
//! Every message moves its connection's deadline, thousands of times a second, and nearly no deadline is
//! ever met. So moving one costs nothing here: the queue keeps the old time, and when that has come it
//! asks for the real one and lets the connection wait on. Pure: `now` is given. A heap
//! (`std::collections::BinaryHeap`) keeps the earliest on top.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// How many entries of connections that are gone may lie about beside as many again as are alive.
///
/// Clients who come and go a thousand times a second would otherwise leave ten minutes of them.
const STALE_MAX: usize = 1024;

/// Keys by the time at which they want to be looked at.
#[derive(Debug)]
pub struct Deadlines<K> {
    queue: BinaryHeap<Reverse<(Instant, K)>>,
}

impl<K: Ord + Copy> Default for Deadlines<K> {
    fn default() -> Self {
        Self { queue: BinaryHeap::new() }
    }
}

impl<K: Ord + Copy> Deadlines<K> {
    /// Looks at `key` at that time, or earlier if it was set before. Costs O(log n).
    pub fn set(&mut self, key: K, at: Instant) {
        self.queue.push(Reverse((at, key)));
    }

    /// When to call [`Deadlines::due`].
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse((at, _))| *at)
    }

    /// A key whose time is up at `now`; `real` knows the deadline of a key, `None` when it is gone.
    ///
    /// Call it until it says `None`; a key is given once for each time that it is due.
    ///
    /// # Examples
    /// ```
    /// use netcommon::deadlines::Deadlines;
    /// use std::time::{Duration, Instant};
    ///
    /// let (start, second) = (Instant::now(), Duration::from_secs(1));
    /// let mut deadlines = Deadlines::default();
    /// deadlines.set("小明", start + second);
    /// // Meanwhile 小明 has said something: its real deadline is a second later.
    /// let real = |_| Some(start + 2 * second);
    /// assert_eq!(deadlines.due(start + second, real), None);
    /// assert_eq!(deadlines.due(start + 2 * second, real), Some("小明"));
    /// ```
    // ANCHOR: due
    pub fn due(&mut self, now: Instant, real: impl Fn(K) -> Option<Instant>) -> Option<K> {
        while self.next().is_some_and(|at| at <= now) {
            let Reverse((_, key)) = self.queue.pop()?;
            match real(key) {
                Some(at) if at <= now => return Some(key),
                Some(at) => self.set(key, at),
                None => {}
            }
        }
        None
    }
    // ANCHOR_END: due

    /// Forgets the entries of keys that are gone, when there are many; `alive` keys are not.
    pub fn tidy(&mut self, alive: usize, is_alive: impl Fn(K) -> bool) {
        if self.queue.len() > 2 * alive + STALE_MAX {
            self.queue.retain(|Reverse((_, key))| is_alive(*key));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn keys_are_due_at_their_real_deadline_and_in_its_order() {
        let start = Instant::now();
        let mut deadlines = Deadlines::default();
        // All are set to one minute; since then some have moved on, and key 9 has gone.
        let mut real: BTreeMap<u32, Instant> = BTreeMap::new();
        for key in 0..10 {
            deadlines.set(key, start + MINUTE);
            real.insert(key, start + MINUTE + Duration::from_secs(u64::from(key * 7 % 10)));
        }
        real.remove(&9);
        let mut met = Vec::new();
        let mut now = start;
        while let Some(next) = deadlines.next() {
            assert!(next > now, "a wait that is over already would spin");
            now = next;
            while let Some(key) = deadlines.due(now, |key| real.get(&key).copied()) {
                assert_eq!(real.remove(&key), Some(now));
                met.push(key);
            }
        }
        let mut want: Vec<u32> = (0..9).collect();
        want.sort_by_key(|key| key * 7 % 10);
        assert_eq!(met, want);
    }

    #[test]
    fn an_earlier_deadline_is_met_first_and_the_later_entry_does_not_matter() {
        let start = Instant::now();
        let mut deadlines = Deadlines::default();
        deadlines.set('a', start + MINUTE);
        deadlines.set('a', start + MINUTE / 2);
        assert_eq!(deadlines.due(start + MINUTE / 2, |_| Some(start + MINUTE / 2)), Some('a'));
        assert_eq!(deadlines.due(start + MINUTE, |_| None), None);
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn a_million_visitors_leave_no_heap_behind() {
        let start = Instant::now();
        let mut deadlines = Deadlines::default();
        for visitor in 0..1_000_000_u32 {
            deadlines.set(visitor, start + MINUTE);
            deadlines.tidy(10, |key| key + 10 > visitor);
            assert!(deadlines.queue.len() <= 20 + STALE_MAX);
        }
        assert_eq!(deadlines.next(), Some(start + MINUTE));
    }
}
