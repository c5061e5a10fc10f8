//! How fast a script may talk, so that the room does not have to tell it that it is too fast.
//!
//! The room's own limit is a token bucket (`bucket.rs`), and a script has no eyes for the `! ` line that says
//! that its lines were not passed on. So the client keeps a smaller bucket of the same kind. Pure: `now`
//! is given.

use std::time::{Duration, Instant};

use crate::limits::{BURST_SECONDS, RATE};

/// Lines that a script may say at once: half of what a room allows, because a network may hold lines back
/// and deliver them together with later ones.
pub const BURST: u32 = RATE * BURST_SECONDS / 2;

/// When the next line may be said.
///
/// # Examples
/// ```
/// use chat_room::join::pace::{BURST, Pace};
/// use std::time::{Duration, Instant};
///
/// let (every, now) = (Duration::from_millis(100), Instant::now());
/// let mut pace = Pace::new(every, now);
/// let waits: Vec<Duration> = (0..=BURST).map(|_| pace.said(now) - now).collect();
/// assert_eq!(waits[BURST as usize - 2..], [Duration::ZERO, every, every * 2]);
/// ```
#[derive(Debug, Clone)]
pub struct Pace {
    every: Duration,
    /// When the bucket will be full again.
    full_at: Instant,
}

impl Pace {
    /// A full bucket, which gets a token each `every`; no limit when that is zero.
    #[must_use]
    pub fn new(every: Duration, now: Instant) -> Self {
        Self { every, full_at: now }
    }

    /// A line was said; the next one may be said then.
    #[must_use]
    pub fn said(&mut self, now: Instant) -> Instant {
        self.full_at = self.full_at.max(now) + self.every;
        let filling = self.every * (BURST - 1);
        self.full_at.checked_sub(filling).map_or(now, |at| at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::{Bucket, Rate};

    #[test]
    fn a_script_of_a_thousand_lines_is_never_too_fast_for_the_room() {
        let every = Duration::from_secs(1) / RATE;
        let start = Instant::now();
        let (mut pace, mut bucket, mut now) = (Pace::new(every, start), Bucket::default(), start);
        for line in 0..1000 {
            assert!(bucket.take(Rate::per_second(RATE, RATE * BURST_SECONDS), now), "line {line}");
            now = pace.said(now);
        }
        let most = every * (1000 - BURST + 1);
        assert!(now - start <= most, "and not much slower than it may be: {:?} of {most:?}", now - start);
    }

    #[test]
    fn a_pause_fills_the_bucket_again_and_no_fuller() {
        let every = Duration::from_millis(100);
        let now = Instant::now();
        let mut pace = Pace::new(every, now);
        for _ in 0..BURST {
            let _ = pace.said(now);
        }
        let later = now + Duration::from_secs(3600);
        let waits: Vec<Duration> = (0..BURST).map(|_| pace.said(later) - later).collect();
        assert_eq!((waits[0], waits[BURST as usize - 1]), (Duration::ZERO, every));
    }

    #[test]
    fn zero_lifts_the_limit() {
        let now = Instant::now();
        let mut pace = Pace::new(Duration::ZERO, now);
        assert!((0..10_000).all(|_| pace.said(now) == now));
    }
}
