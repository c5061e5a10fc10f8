//! Courtesy: when the next try may start, if so many a second are allowed.
//!
//! All three that connect to somebody keep to it: both engines and `crate::banner`. Pure.

use std::time::{Duration, Instant};

/// So many tries a second; or as many as there can be, but not before a given moment.
///
/// # Examples
/// ```
/// use port_scanner::scan::pace::Pace;
/// use std::time::{Duration, Instant};
///
/// let (mut pace, now) = (Pace::new(Some(100)), Instant::now());
/// assert_eq!(pace.not_before(now), None);
/// pace.on_try(now);
/// assert_eq!(pace.not_before(now), Some(now + Duration::from_millis(10)));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    gap: Option<Duration>,
    not_before: Option<Instant>,
}

impl Pace {
    /// At most `rate` tries a second, which is at least 1; as many as there can be without one.
    #[must_use]
    pub fn new(rate: Option<u32>) -> Self {
        Self { gap: rate.map(|rate| Duration::from_secs(1) / rate.max(1)), not_before: None }
    }

    /// Until when to wait; `None` if a try may start at `now`.
    #[must_use]
    pub fn not_before(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|at| now < *at)
    }

    /// A try starts at `now`.
    pub fn on_try(&mut self, now: Instant) {
        if let Some(gap) = self.gap {
            // From when it was allowed, not from now: a late wake-up is made good, up to one try.
            let from = self.not_before.unwrap_or(now).max(now.checked_sub(gap).unwrap_or(now));
            self.not_before = Some(from + gap);
        }
    }

    /// No try before `at`.
    pub fn hold_until(&mut self, at: Instant) {
        self.not_before = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_wake_ups_are_made_good_by_one_try_and_never_by_a_burst() {
        let (mut pace, begin) = (Pace::new(Some(100)), Instant::now());
        let ms = |ms| begin + Duration::from_millis(ms);
        let mut starts = Vec::new();
        for wake in [0, 10, 25, 30, 500, 500, 500, 501, 510] {
            if pace.not_before(ms(wake)).is_none() {
                pace.on_try(ms(wake));
                starts.push(wake);
            }
        }
        assert_eq!(starts, [0, 10, 25, 30, 500, 500, 510]);
    }

    #[test]
    fn without_a_rate_only_a_hold_delays() {
        let (mut pace, now) = (Pace::new(None), Instant::now());
        (0..1_000).for_each(|_| pace.on_try(now));
        assert_eq!(pace.not_before(now), None);
        pace.hold_until(now + Duration::from_millis(1));
        assert!(pace.not_before(now).is_some());
    }
}
