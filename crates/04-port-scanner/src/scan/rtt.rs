//! How long to wait for an answer, learned from the answers so far.
//!
//! TCP's own estimate: a smoothed round trip and how much it varies. Every try has a socket of its own
//! here, so an answer always says which try it belongs to, and Karn's problem does not arise. Pure.
//! Source: RFC 6298 section 2.

use std::time::Duration;

/// No try is given less time: a host that answers within 0.1 ms may still be busy for a moment.
pub const RTO_MIN: Duration = Duration::from_millis(100);

/// A smoothed round trip and its variation, once there was a first answer.
///
/// # Examples
/// ```
/// use port_scanner::scan::rtt::{RTO_MIN, Rtt};
/// use std::time::Duration;
///
/// let mut rtt = Rtt::default();
/// assert_eq!(rtt.rto(), None);
/// rtt.add(Duration::from_millis(80));
/// assert_eq!(rtt.rto(), Some(Duration::from_millis(240)));
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Rtt {
    estimate: Option<(Duration, Duration)>,
}

impl Rtt {
    /// Learns from one round trip.
    // ANCHOR: add
    pub fn add(&mut self, sample: Duration) {
        self.estimate = Some(match self.estimate {
            // RFC 6298 (2.2): the first measurement.
            None => (sample, sample / 2),
            // RFC 6298 (2.3): rttvar first, because it compares with the old srtt.
            Some((srtt, rttvar)) => ((srtt * 7 + sample) / 8, (rttvar * 3 + srtt.abs_diff(sample)) / 4),
        });
    }
    // ANCHOR_END: add

    /// The smoothed round trip.
    #[must_use]
    pub fn srtt(&self) -> Option<Duration> {
        self.estimate.map(|(srtt, _)| srtt)
    }

    /// After how much silence a try counts as lost: at least [`RTO_MIN`]; `None` before the first answer.
    #[must_use]
    pub fn rto(&self) -> Option<Duration> {
        self.estimate.map(|(srtt, rttvar)| (srtt + 4 * rttvar).max(RTO_MIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_steady_round_trip_is_learned_and_its_margin_shrinks() {
        let mut rtt = Rtt::default();
        (0..50).for_each(|_| rtt.add(ms(200)));
        assert_eq!(rtt.srtt(), Some(ms(200)));
        assert!(rtt.rto() < Some(ms(205)), "{rtt:?}");
    }

    #[test]
    fn a_round_trip_that_jumps_widens_the_margin_at_once() {
        let mut rtt = Rtt::default();
        (0..50).for_each(|_| rtt.add(ms(200)));
        rtt.add(ms(600));
        assert_eq!(rtt.srtt(), Some(ms(250)));
        assert!(rtt.rto() > Some(ms(600)), "{rtt:?}");
    }

    #[test]
    fn a_fast_host_is_still_given_the_least_time() {
        let mut rtt = Rtt::default();
        rtt.add(Duration::from_micros(80));
        assert_eq!(rtt.rto(), Some(RTO_MIN));
    }
}
