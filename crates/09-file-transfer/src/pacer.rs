//! When the next datagram may leave: a rate turned into moments.
//!
//! A window's worth of datagrams sent at once arrives at the slowest link as a heap, and a short queue
//! there loses the end of it. Spread over the round trip they never meet. Waking for every single datagram
//! would cost more than sending it, so half a millisecond's worth may go together (RFC 9002 section 7.7).

use std::time::Duration;

use crate::congestion::in_time;

/// What may leave together.
const BURST_TIME: Duration = Duration::from_micros(500);
/// At least so many datagrams, or a slow path would need a timer for each.
const BURST_DATAGRAMS_MIN: u64 = 2;
/// A process that was woken late may catch up so many bursts, or so much time. With none, each late wake would cost a
/// part of the rate for good: measured, 5 % on a busy machine. While it slept the queue grew shorter by as much.
const CATCH_UP_BURSTS: u64 = 4;
const CATCH_UP_TIME: Duration = Duration::from_millis(5);
/// At most so much: what one system call takes.
const BURST_BYTES_MAX: u64 = 64 * 1024;

/// How many bytes may leave together at this rate.
#[must_use]
pub fn burst(rate: u64, datagram_len: u64) -> u64 {
    let min = BURST_DATAGRAMS_MIN * datagram_len;
    in_time(rate, BURST_TIME).clamp(min, BURST_BYTES_MAX.max(min))
}

/// A bucket that fills at the rate, and is emptied a burst at a time.
///
/// # Examples
/// ```
/// use file_transfer::pacer::Pacer;
/// use std::time::Duration;
///
/// let mut pacer = Pacer::default();
/// let now = Duration::from_secs(1);
/// (0..7).for_each(|_| pacer.sent(now, 1_000, Some(1_000_000), 1_000)); // Four bursts of two at first;
/// assert!(pacer.ready_at(now, Some(1_000_000), 1_000) <= now);
/// pacer.sent(now, 1_000, Some(1_000_000), 1_000); // then two take as long as two take.
/// assert_eq!(pacer.ready_at(now, Some(1_000_000), 1_000), now + Duration::from_millis(2));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Pacer {
    /// What may leave now; below zero after a datagram that was longer than that.
    budget: i64,
    filled_at: Duration,
    /// Empty, and waiting until a whole burst may leave.
    waits: bool,
}

impl Pacer {
    /// When the next datagram may leave; at once if that is not behind `now`.
    #[must_use]
    pub fn ready_at(&mut self, now: Duration, rate: Option<u64>, datagram_len: u64) -> Duration {
        let Some(rate) = rate else { return now };
        let burst = burst(rate, datagram_len).cast_signed();
        self.fill(now, rate, burst);
        if self.budget <= 0 {
            self.waits = true;
        }
        let wanted = if self.waits { burst } else { 1 };
        if self.budget >= wanted {
            self.waits = false;
            return now;
        }
        let lacks = u128::from((wanted - self.budget).unsigned_abs());
        let nanos = lacks * 1_000_000_000 / u128::from(rate.max(1));
        // A rate of nearly nothing shall not overflow the clock.
        now + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(Duration::from_secs(1))
    }

    /// A datagram of `len` bytes has left.
    pub fn sent(&mut self, now: Duration, len: u64, rate: Option<u64>, datagram_len: u64) {
        if let Some(rate) = rate {
            self.fill(now, rate, burst(rate, datagram_len).cast_signed());
            self.budget -= len.cast_signed();
        }
    }

    fn fill(&mut self, now: Duration, rate: u64, burst: i64) {
        let gained = in_time(rate, now.saturating_sub(self.filled_at)).cast_signed();
        // What is less than a byte waits for the next time.
        if gained > 0 {
            let catch_up = (CATCH_UP_BURSTS * burst.unsigned_abs()).max(in_time(rate, CATCH_UP_TIME));
            self.budget = self.budget.saturating_add(gained).min(catch_up.cast_signed());
            self.filled_at = now;
        }
    }
}
