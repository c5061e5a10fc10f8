//! How fast bytes arrive: delivery-rate samples, one an ACK.
//!
//! ```text
//!  sent      |---------- send time ----------|          rate = bytes that arrived between the two ACKs
//!            P                                Q                divided by the longer of the two times
//!  answered            |------ ack time ------|
//! ```
//! Each datagram remembers, when it leaves, how much had arrived by then. When it is answered, the
//! difference arrived in one round trip or so. The longer of the two times counts, because answers that
//! were held up and then come together would make the path look faster than it is. Source: Cheng, Cardwell,
//! Hassas Yeganeh, Jacobson, "Delivery Rate Estimation", draft-cheng-iccrg-delivery-rate-estimation.

use std::time::Duration;

use crate::congestion::per_second;

/// What one ACK says about the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Bytes a second.
    pub rate: u64,
    /// How much had arrived when the newest answered datagram was sent: tells round trips apart.
    pub delivered_before: u64,
    /// The sender had nothing to send, so the path may be faster than this.
    pub app_limited: bool,
}

/// What a datagram remembers of the moment when it was sent.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    delivered: u64,
    delivered_at: Duration,
    first_sent_at: Duration,
    app_limited: bool,
}

/// Counts what arrives.
#[derive(Debug, Clone, Default)]
pub struct Rate {
    delivered: u64,
    delivered_at: Duration,
    /// When the datagram was sent whose answer came last: the start of the send time.
    first_sent_at: Duration,
    /// What is sent until so much has arrived says nothing about the path.
    app_limited_until: Option<u64>,
    /// The newest datagram that the ACK at hand answered.
    newest: Option<(Stamp, Duration)>,
}

impl Rate {
    /// A datagram leaves; `idle` when nothing was on its way.
    pub fn on_sent(&mut self, now: Duration, idle: bool) -> Stamp {
        if idle {
            // Time in which nothing was asked of the path does not count against it.
            self.first_sent_at = now;
            self.delivered_at = now;
        }
        let app_limited = self.app_limited_until.is_some();
        Stamp {
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
            app_limited,
        }
    }

    /// A datagram that was sent at `sent_at` has arrived.
    pub fn on_arrived(&mut self, now: Duration, bytes: u64, sent_at: Duration, stamp: Stamp) {
        self.delivered += bytes;
        self.delivered_at = now;
        if self.newest.is_none_or(|(newest, newest_at)| (stamp.delivered, sent_at) > (newest.delivered, newest_at)) {
            self.newest = Some((stamp, sent_at));
            self.first_sent_at = sent_at;
        }
    }

    /// The sample of an ACK, after all its datagrams; `None` when it answered nothing new.
    pub fn sample(&mut self, rtt_min: Duration) -> Option<Sample> {
        self.app_limited_until = self.app_limited_until.filter(|until| self.delivered <= *until);
        let (stamp, sent_at) = self.newest.take()?;
        let send_time = sent_at.saturating_sub(stamp.first_sent_at);
        let ack_time = self.delivered_at.saturating_sub(stamp.delivered_at);
        let time = send_time.max(ack_time);
        // Shorter than any round trip: the answers came in one heap and say nothing.
        let sure = time >= rtt_min && !time.is_zero();
        sure.then(|| Sample {
            rate: per_second(self.delivered - stamp.delivered, time),
            delivered_before: stamp.delivered,
            app_limited: stamp.app_limited,
        })
    }

    /// There was room on the path and nothing to send.
    pub fn on_app_limited(&mut self, in_flight: u64) {
        self.app_limited_until = Some(self.delivered + in_flight);
    }

    /// Bytes that have arrived.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.delivered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// One datagram of 1,000 bytes a millisecond over 10 ms; answers as `answered_at` says.
    fn samples(answered_at: impl Fn(u64) -> u64) -> Vec<u64> {
        let mut rate = Rate::default();
        let mut stamps = Vec::new();
        let mut samples = Vec::new();
        for now in 0..200 {
            for number in (0..now).filter(|number| answered_at(*number) == now) {
                rate.on_arrived(ms(now), 1_000, ms(number), stamps[usize::try_from(number).unwrap()]);
            }
            samples.extend(rate.sample(ms(10)).map(|sample| sample.rate));
            stamps.push(rate.on_sent(ms(now), now == 0));
        }
        samples
    }

    #[test]
    fn a_steady_stream_is_measured_as_it_is() {
        let samples = samples(|number| number + 10);
        assert!(samples[20..].iter().all(|rate| (990_000..=1_100_000).contains(rate)), "{samples:?}");
    }

    #[test]
    fn answers_in_heaps_do_not_make_the_path_faster() {
        let samples = samples(|number| (number + 10).next_multiple_of(8));
        assert!(samples[5..].iter().all(|rate| *rate <= 1_100_000), "{samples:?}");
    }

    #[test]
    fn a_sample_of_a_sender_with_nothing_to_send_says_so() {
        let mut rate = Rate::default();
        rate.on_app_limited(0);
        let stamp = rate.on_sent(ms(0), true);
        rate.on_arrived(ms(10), 1_000, ms(0), stamp);
        assert!(rate.sample(ms(10)).unwrap().app_limited);
        let stamp = rate.on_sent(ms(10), true);
        rate.on_arrived(ms(20), 1_000, ms(10), stamp);
        assert!(!rate.sample(ms(10)).unwrap().app_limited);
    }
}
