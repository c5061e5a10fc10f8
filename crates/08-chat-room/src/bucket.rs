//! A token bucket: how many lines somebody may say now.
//!
//! A token comes in each so many milliseconds, up to a bucket full; each line takes one. So a person may
//! paste a poem at once, and a program that never stops is held to the rate. Pure: `now` is given.
//! Read `limits.rs` for the numbers.

use std::time::{Duration, Instant};

/// The tokens of one member.
///
/// Kept as the time at which the bucket will be full again: one number, and nothing to do while time passes.
///
/// # Examples
/// ```
/// use chat_room::bucket::{Bucket, Rate};
/// use std::time::{Duration, Instant};
///
/// let rate = Rate::per_second(10, 2);
/// let (mut bucket, now) = (Bucket::default(), Instant::now());
/// assert!(bucket.take(rate, now) && bucket.take(rate, now));
/// assert!(!bucket.take(rate, now), "two at once, and no third");
/// assert!(bucket.take(rate, now + Duration::from_millis(100)));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Bucket {
    full_at: Option<Instant>,
}

/// How fast tokens come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// From one token to the next; `None` for no limit.
    every: Option<Duration>,
    /// What a full bucket holds, as the time that it takes to fill.
    filling: Duration,
}

impl Rate {
    /// So many lines a second for long, and `burst` at once; 0 lifts the limit.
    #[must_use]
    pub fn per_second(lines: u32, burst: u32) -> Self {
        let every = Duration::from_secs(1).checked_div(lines);
        Self { every, filling: every.unwrap_or_default().saturating_mul(burst) }
    }
}

impl Bucket {
    /// Takes a token if there is one.
    // ANCHOR: take
    pub fn take(&mut self, rate: Rate, now: Instant) -> bool {
        let Some(every) = rate.every else { return true };
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + every;
        let allowed = full_at <= now + rate.filling;
        if allowed {
            self.full_at = Some(full_at);
        }
        allowed
    }
    // ANCHOR_END: take
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_a_long_time_nobody_says_more_than_the_rate_and_one_bucket_full() {
        let (rate, start) = (Rate::per_second(10, 50), Instant::now());
        let mut bucket = Bucket::default();
        let tries = (0..10_000_u64).map(|milli| start + Duration::from_millis(milli));
        let said = tries.filter(|now| bucket.take(rate, *now)).count();
        assert_eq!(said, 50 + 99, "the bucket, and one each 100 ms after that");
    }

    #[test]
    fn silence_fills_the_bucket_and_never_more() {
        let (rate, start) = (Rate::per_second(10, 3), Instant::now());
        let mut bucket = Bucket::default();
        for now in [start, start + Duration::from_secs(3600)] {
            assert_eq!((0..10).filter(|_| bucket.take(rate, now)).count(), 3);
        }
    }

    #[test]
    fn zero_lifts_the_limit() {
        let (mut bucket, now) = (Bucket::default(), Instant::now());
        assert!((0..100_000).all(|_| bucket.take(Rate::per_second(0, 1), now)));
    }
}
