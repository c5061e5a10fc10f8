//! Traffic over time: what passed in each second, in a bounded number of slots.
//!
//! When the slots are used up, neighbours are joined and each slot becomes twice as wide: a run of a minute is shown
//! by the second, a run of a day by the minutes, and neither takes more memory than the other. Read `moment.rs` before.

use std::time::Duration;

use crate::moment::Moment;

/// Slots at most: more than a chart has columns. Even, so that they join in pairs.
pub const SLOTS_MAX: usize = 600;

/// How wide a slot is at the beginning.
pub const SLOT: Duration = Duration::from_secs(1);

/// Whoever counts by the second does so a little late, and means the second that is over. Much more than a busy machine
/// needs, and still far from a second.
const LATE_MAX: Duration = Duration::from_millis(250);

/// What happened in one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slot {
    /// Payload from the clients.
    pub bytes_in: u64,
    /// Payload to the clients.
    pub bytes_out: u64,
    /// Connections that began.
    pub opened: u64,
    /// The most that were open.
    pub open_max: u64,
}

impl Slot {
    /// Puts the other one's contents into this one.
    pub fn add(&mut self, other: Self) {
        self.bytes_in = self.bytes_in.saturating_add(other.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
        self.opened = self.opened.saturating_add(other.opened);
        self.open_max = self.open_max.max(other.open_max);
    }

    /// Payload both ways.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes_in.saturating_add(self.bytes_out)
    }
}

/// Slots side by side from a first moment on.
///
/// # Examples
/// ```
/// use net_monitor::moment::Moment;
/// use net_monitor::timeline::{Slot, Timeline};
/// use std::time::Duration;
///
/// let start = Moment::from_micros(0);
/// let mut timeline = Timeline::default();
/// timeline.begin(start);
/// timeline.add(start.plus(Duration::from_secs(1)), Slot { bytes_in: 5, ..Slot::default() });
/// timeline.add(start.plus(Duration::from_secs(3)), Slot { bytes_in: 7, ..Slot::default() });
/// let bytes: Vec<u64> = timeline.slots().iter().map(|slot| slot.bytes_in).collect();
/// assert_eq!(bytes, [5, 0, 7]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    start: Option<Moment>,
    width: Duration,
    slots: Vec<Slot>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { start: None, width: SLOT, slots: Vec::new() }
    }
}

impl Timeline {
    /// The first slot begins at `at`, unless it is known already.
    pub fn begin(&mut self, at: Moment) {
        self.start.get_or_insert(at);
    }

    /// Adds what happened in the second before `until`, which may come up to a quarter of a second late. What happened
    /// before the first slot is put into it.
    pub fn add(&mut self, until: Moment, what: Slot) {
        let start = *self.start.get_or_insert(until.minus(SLOT));
        let at = until.minus(LATE_MAX);
        let mut index = self.index(at.since(start));
        while index >= SLOTS_MAX {
            self.widen();
            index = self.index(at.since(start));
        }
        if index >= self.slots.len() {
            self.slots.resize(index + 1, Slot::default());
        }
        self.slots[index].add(what);
    }

    fn index(&self, after: Duration) -> usize {
        usize::try_from(after.as_micros() / self.width.as_micros()).unwrap_or(usize::MAX)
    }

    fn widen(&mut self) {
        self.width *= 2;
        let pairs = self.slots.chunks(2).map(|pair| {
            let mut both = pair[0];
            pair[1..].iter().for_each(|slot| both.add(*slot));
            both
        });
        self.slots = pairs.collect();
    }

    /// When the first slot begins; `None` while there is none.
    #[must_use]
    pub fn start(&self) -> Option<Moment> {
        self.start
    }

    /// How wide a slot is by now.
    #[must_use]
    pub fn width(&self) -> Duration {
        self.width
    }

    /// The slots, the first one first.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_joins_slots_and_loses_nothing() {
        let start = Moment::from_micros(1_700_000_000_000_000);
        let mut timeline = Timeline::default();
        for second in 0..5_000 {
            let what = Slot { bytes_in: 1, bytes_out: 2, opened: 1, open_max: second };
            timeline.add(start.plus(Duration::from_secs(second)), what);
        }
        assert_eq!((timeline.width(), timeline.slots().len()), (Duration::from_secs(16), 313));
        let mut all = Slot::default();
        timeline.slots().iter().for_each(|slot| all.add(*slot));
        assert_eq!(all, Slot { bytes_in: 5_000, bytes_out: 10_000, opened: 5_000, open_max: 4_999 });
    }

    #[test]
    fn each_second_has_its_slot_however_late_it_is_counted() {
        let start = Moment::from_micros(1_700_000_000_000_000);
        let mut timeline = Timeline::default();
        timeline.begin(start);
        for second in 1..=100 {
            let late = Duration::from_millis(second * 37 % 240);
            let until = start.plus(Duration::from_secs(second)).plus(late);
            timeline.add(until, Slot { bytes_in: second, ..Slot::default() });
        }
        let counted: Vec<u64> = timeline.slots().iter().map(|slot| slot.bytes_in).collect();
        assert_eq!((timeline.start(), counted), (Some(start), (1..=100).collect()));
    }

    #[test]
    fn centuries_apart_still_fit() {
        let mut timeline = Timeline::default();
        let one = Slot { opened: 1, ..Slot::default() };
        timeline.add(Moment::from_micros(u64::MAX), one);
        timeline.add(Moment::from_micros(0), one);
        assert_eq!(timeline.slots().len(), 1);
        let mut timeline = Timeline::default();
        timeline.add(Moment::from_micros(0), one);
        timeline.add(Moment::from_micros(u64::MAX), one);
        assert!(timeline.slots().len() <= SLOTS_MAX);
        assert_eq!(timeline.slots().iter().map(|slot| slot.opened).sum::<u64>(), 2);
    }
}
