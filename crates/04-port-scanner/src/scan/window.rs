//! How many tries may be under way at once.
//!
//! ```text
//! every 10 ms, and with every answer       window grows, up to the descriptors that we have
//! many answers come to a later try only    something is overrun: window halves
//! the system refuses a socket              there is as much room as is in use; more is tried one by one
//! ```
//!
//! Silence alone is no reason to slow down: it is what a firewall does, with any window. Pure.
//! Source: the idea of RFC 5681 section 3.1, with other numbers, because probes carry nothing.

use std::time::{Duration, Instant};

/// So many at the beginning: a home router's table of connections takes that.
pub const WINDOW_START: usize = 256;

/// It never shrinks below: a full round of silence must not take for ever.
pub const WINDOW_MIN: usize = 64;

/// How often a window that is full doubles while nothing speaks against it.
pub const GROWTH_TICK: Duration = Duration::from_millis(10);

/// Below this share of late answers, loss counts as chance. A wireless link loses a few in a hundred with
/// any window, and behind a firewall the few answers that come may be unlucky; a host that limits its
/// answers loses most of them.
const LOSS_TOLERATED: f64 = 0.25;

/// How much one answer moves the running share: about the last twenty count.
const LOSS_WEIGHT: f64 = 0.05;

/// A window of tries, in tries.
#[derive(Debug, Clone)]
pub struct Window {
    size: usize,
    /// Descriptors that the process may use for tries.
    limit: usize,
    loss: f64,
    /// When it may next grow by itself.
    grow_at: Option<Instant>,
    /// Until when a cut has to show its effect before the next.
    settle_until: Option<Instant>,
    /// The system has refused a socket: room is looked for in small steps from now on.
    is_short: bool,
}

impl Window {
    /// At most `limit` tries at once, which is at least 1.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let limit = limit.max(1);
        Self { size: WINDOW_START.min(limit), limit, loss: 0.0, grow_at: None, settle_until: None, is_short: false }
    }

    /// How many tries may be under way.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many sockets there can be: fewer than was thought if the system has refused one.
    #[must_use]
    pub fn limit(&self) -> usize {
        if self.is_short { self.size } else { self.limit }
    }

    /// It is full at `now`: grows if it has been for a tick; says when it would grow next.
    // ANCHOR: growth
    pub fn on_full(&mut self, now: Instant) -> Option<Instant> {
        if self.size >= self.limit || self.loss > LOSS_TOLERATED {
            self.grow_at = None;
            return None;
        }
        if self.grow_at.is_some_and(|at| now >= at) {
            let step = if self.is_short { 1 } else { self.size };
            self.size = (self.size + step).min(self.limit);
            self.grow_at = None;
        }
        Some(*self.grow_at.get_or_insert(now + GROWTH_TICK))
    }

    /// An answer came: to the first try, or to a later one because the earlier ones were lost.
    pub fn on_answer(&mut self, tries_lost: u8, rto: Duration, now: Instant) {
        self.loss *= 1.0 - LOSS_WEIGHT;
        if tries_lost > 0 {
            self.loss += LOSS_WEIGHT;
        } else if self.loss <= LOSS_TOLERATED && !self.is_short {
            self.size = (self.size + 1).min(self.limit);
        }
        if self.loss > LOSS_TOLERATED && self.settle_until.is_none_or(|until| now >= until) {
            self.size = (self.size / 2).max(WINDOW_MIN).min(self.limit);
            self.settle_until = Some(now + rto);
        }
    }
    // ANCHOR_END: growth

    /// The system refused a socket although only `in_flight` were under way.
    pub fn on_no_room(&mut self, in_flight: usize) {
        self.size = self.size.min(in_flight).max(1);
        self.is_short = true;
        self.grow_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTO: Duration = Duration::from_millis(100);

    #[test]
    fn silence_lets_a_full_window_double_every_tick_up_to_the_limit() {
        let (mut window, mut now) = (Window::new(10_000), Instant::now());
        let mut sizes = vec![window.size()];
        while let Some(at) = window.on_full(now) {
            assert!(at > now, "a wait that is over already would spin");
            now = at;
            sizes.push(window.size());
        }
        sizes.dedup();
        assert_eq!(sizes, [256, 512, 1024, 2048, 4096, 8192, 10_000]);
    }

    #[test]
    fn a_little_loss_by_chance_does_not_shrink_it() {
        let (mut window, now) = (Window::new(10_000), Instant::now());
        for answer in 0..2_000 {
            window.on_answer(u8::from(answer % 20 == 7), RTO, now);
        }
        assert!(window.size() > 2_000, "{window:?}");
    }

    #[test]
    fn a_host_that_limits_its_answers_shrinks_it_once_per_rto() {
        let (mut window, mut now) = (Window::new(10_000), Instant::now());
        (0..2_000).for_each(|_| window.on_answer(0, RTO, now));
        let before = window.size();
        (0..100).for_each(|_| window.on_answer(1, RTO, now));
        assert_eq!(window.size(), before / 2);
        for _ in 0..10 {
            now += RTO;
            window.on_answer(1, RTO, now);
        }
        assert_eq!((window.size(), window.on_full(now)), (WINDOW_MIN, None));
    }

    #[test]
    fn it_never_asks_for_more_than_the_system_gave() {
        let mut window = Window::new(10_000);
        window.on_no_room(11);
        assert_eq!((window.size(), window.limit()), (11, 11));
        window.on_no_room(0);
        assert_eq!(window.size(), 1);
        let now = Instant::now();
        window.on_answer(0, RTO, now);
        assert_eq!(window.size(), 1);
        let later = window.on_full(now).unwrap();
        window.on_full(later);
        assert_eq!(window.size(), 2, "somebody may have given room back");
    }
}
