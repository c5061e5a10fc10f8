//! How long an answer takes, and how long to wait for one: RFC 6298's estimate.
//!
//! The mean alone would be a bad timer: half of all answers come later. So the variation is kept as well,
//! and the timer stands four variations behind the mean. The rules for the first sample, the weights and
//! the doubling are RFC 6298 sections 2 and 5; that the timer may be shorter than a second, and that the
//! peer's own waiting is taken off a sample, is RFC 9002 sections 5.3 and 6.2.

use std::time::Duration;

/// Before the first sample (RFC 6298 section 2.1).
pub const RTO_INITIAL: Duration = Duration::from_secs(1);

/// No timer is shorter: clocks and schedulers are not finer (RFC 9002 section 6.1.2).
pub const GRANULARITY: Duration = Duration::from_millis(1);

/// No timer for silence is shorter: on a fast path the peer's disk takes longer pauses than any datagram. The
/// second that RFC 6298 section 2.4 asks for would stop a path of 1 ms for a thousand round trips.
pub const RTO_MIN: Duration = Duration::from_millis(10);

/// No timer is longer, however often it was doubled, so that a cable that is in again is noticed soon.
pub const RTO_MAX: Duration = Duration::from_secs(2);

/// The round-trip time of one path.
///
/// # Examples
/// ```
/// use file_transfer::rtt::Rtt;
/// use std::time::Duration;
///
/// let ms = Duration::from_millis;
/// let mut rtt = Rtt::default();
/// assert_eq!(rtt.rto(), ms(1_000));
/// rtt.sample(ms(100), ms(0));
/// assert_eq!((rtt.smoothed(), rtt.rto()), (ms(100), ms(300)));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Rtt {
    /// `srtt` and `rttvar`; `None` before the first sample.
    estimate: Option<(Duration, Duration)>,
    latest: Duration,
    min: Duration,
}

impl Rtt {
    /// An answer has come `rtt` after its question; `delay` of it the peer says that it waited on purpose.
    // ANCHOR: sample
    pub fn sample(&mut self, rtt: Duration, delay: Duration) {
        self.min = if self.estimate.is_none() { rtt } else { self.min.min(rtt) };
        // What the peer claims is believed only down to what the path was seen to take.
        let rtt = if rtt >= self.min + delay { rtt - delay } else { rtt };
        self.latest = rtt;
        self.estimate = Some(match self.estimate {
            None => (rtt, rtt / 2),
            Some((srtt, rttvar)) => ((srtt * 7 + rtt) / 8, (rttvar * 3 + srtt.abs_diff(rtt)) / 4),
        });
    }
    // ANCHOR_END: sample

    /// `srtt`; zero before the first sample.
    #[must_use]
    pub fn smoothed(&self) -> Duration {
        self.estimate.map_or(Duration::ZERO, |(srtt, _)| srtt)
    }

    /// The last sample; zero before the first.
    #[must_use]
    pub fn latest(&self) -> Duration {
        self.latest
    }

    /// The shortest one of the whole session; zero before the first.
    #[must_use]
    pub fn min(&self) -> Duration {
        self.min
    }

    /// How long to wait for an answer that nobody delays.
    // ANCHOR: rto
    #[must_use]
    pub fn rto(&self) -> Duration {
        match self.estimate {
            None => RTO_INITIAL,
            Some((srtt, rttvar)) => (srtt + GRANULARITY.max(rttvar * 4)).clamp(RTO_MIN, RTO_MAX),
        }
    }

    /// The same after `times` silences one after the other: doubled each time (RFC 6298 section 5.5).
    #[must_use]
    pub fn rto_after(&self, times: u32) -> Duration {
        self.rto().saturating_mul(1 << times.min(16)).min(RTO_MAX)
    }
    // ANCHOR_END: rto

    /// A datagram sent so long ago, while a later one has been answered, is lost (RFC 9002 section 6.1.2).
    #[must_use]
    pub fn loss_delay(&self) -> Duration {
        let rtt = self.smoothed().max(self.latest);
        (rtt + rtt / 8).max(GRANULARITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_first_samples_are_those_of_rfc_6298() {
        let mut rtt = Rtt::default();
        rtt.sample(ms(80), ms(0));
        assert_eq!(rtt.estimate, Some((ms(80), ms(40))));
        rtt.sample(ms(160), ms(0));
        // rttvar = 3/4 * 40 + 1/4 * |80 - 160|, then srtt = 7/8 * 80 + 1/8 * 160.
        assert_eq!(rtt.estimate, Some((ms(90), ms(50))));
        assert_eq!(rtt.rto(), ms(290));
    }

    #[test]
    fn a_steady_path_still_leaves_room_for_the_clock() {
        let mut rtt = Rtt::default();
        (0..100).for_each(|_| rtt.sample(ms(10), ms(0)));
        assert!(rtt.rto() >= ms(11) && rtt.rto() < ms(12), "{:?}", rtt.rto());
    }

    #[test]
    fn silence_doubles_the_timer_up_to_its_bound() {
        let mut rtt = Rtt::default();
        rtt.sample(ms(100), ms(0));
        assert_eq!([0, 1, 2, 3, 99].map(|times| rtt.rto_after(times)), [300, 600, 1_200, 2_000, 2_000].map(ms));
    }

    #[test]
    fn a_claimed_delay_never_makes_a_path_shorter_than_it_was_seen() {
        let mut rtt = Rtt::default();
        rtt.sample(ms(50), ms(0));
        rtt.sample(ms(52), ms(2));
        assert_eq!(rtt.latest(), ms(50));
        rtt.sample(ms(52), ms(40));
        assert_eq!(rtt.latest(), ms(52));
    }
}
