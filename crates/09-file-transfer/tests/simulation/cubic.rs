//! TCP with CUBIC, as far as a queue notices it: the flow that ours must share a line with.
//!
//! Only windows and numbers, no bytes: slow start with `HyStart`'s end, CUBIC's growth (RFC 9438), one reduction
//! for all losses of a round trip, selective acknowledgement of every second packet. Read `bottleneck.rs`
//! before.

use std::collections::BTreeMap;
use std::time::Duration;

/// A packet of Ethernet's length.
pub(crate) const PACKET_LEN: u64 = 1_500;
pub(crate) const ACK_LEN: u64 = 52;

/// RFC 9438 sections 4.2 and 4.6.
const C: f64 = 0.4;
const BETA: f64 = 0.7;

#[derive(Debug)]
pub(crate) struct Cubic {
    cwnd: f64,
    ssthresh: f64,
    w_max: f64,
    /// When growth began again, and how many seconds from there to `w_max`.
    epoch: Option<(Duration, f64)>,
    /// What Reno would have, which CUBIC is never below (section 4.3).
    reno: f64,
    next: u64,
    /// When each packet that is neither answered nor lost was sent.
    in_flight: BTreeMap<u64, Duration>,
    largest: u64,
    recovered_from: u64,
    again: u64,
    rtt: Duration,
    rtt_min: Duration,
    round_ends: u64,
    round_rtt: Option<Duration>,
    heard: Duration,
    /// The receiver's side: answers every second packet.
    unanswered: Vec<u64>,
    answer_at: Option<Duration>,
    /// Packets that arrived.
    pub(crate) arrived: u64,
}

impl Cubic {
    pub(crate) fn new() -> Self {
        Self {
            cwnd: 10.0,
            ssthresh: f64::MAX,
            w_max: 0.0,
            epoch: None,
            reno: 0.0,
            next: 0,
            in_flight: BTreeMap::new(),
            largest: 0,
            recovered_from: 0,
            again: 0,
            rtt: Duration::from_millis(100),
            rtt_min: Duration::MAX,
            round_ends: 0,
            round_rtt: None,
            heard: Duration::ZERO,
            unanswered: Vec::new(),
            answer_at: None,
            arrived: 0,
        }
    }

    /// The number of the next packet, if the window lets it go.
    pub(crate) fn transmit(&mut self, now: Duration) -> Option<u64> {
        if self.deadline().is_some_and(|at| at <= now) {
            // The timer: everything is lost.
            self.in_flight.clear();
            (self.ssthresh, self.cwnd, self.epoch) = ((self.cwnd * BETA).max(2.0), 1.0, None);
            self.heard = now;
        }
        if self.in_flight.len() as f64 >= self.cwnd.floor() {
            return None;
        }
        let number = self.next;
        self.next += 1;
        if self.in_flight.is_empty() {
            self.heard = now;
        }
        self.in_flight.insert(number, now);
        Some(number)
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        let rto = (self.rtt * 2).max(Duration::from_millis(200));
        (!self.in_flight.is_empty()).then(|| self.heard + rto)
    }

    /// A packet comes to the receiver; its answer, if one is due.
    pub(crate) fn on_packet(&mut self, now: Duration, number: u64) -> Option<Vec<u64>> {
        self.arrived += 1;
        self.unanswered.push(number);
        self.answer_at.get_or_insert(now + Duration::from_millis(40));
        (self.unanswered.len() >= 2).then(|| self.answer())
    }

    pub(crate) fn answer_at(&self) -> Option<Duration> {
        self.answer_at
    }

    pub(crate) fn answer(&mut self) -> Vec<u64> {
        self.answer_at = None;
        std::mem::take(&mut self.unanswered)
    }

    pub(crate) fn on_ack(&mut self, now: Duration, numbers: &[u64]) {
        self.heard = now;
        let mut answered = 0;
        for number in numbers {
            if let Some(sent) = self.in_flight.remove(number) {
                answered += 1;
                self.rtt = now - sent;
                self.rtt_min = self.rtt_min.min(self.rtt);
            }
            self.largest = self.largest.max(*number);
        }
        let lost: Vec<_> = self.in_flight.range(..self.largest.saturating_sub(2)).map(|(number, _)| *number).collect();
        lost.iter().for_each(|number| _ = self.in_flight.remove(number));
        self.again += lost.len() as u64;
        if lost.last().is_some_and(|number| *number >= self.recovered_from) {
            self.recovered_from = self.next;
            // Section 4.7: who had less than the last time leaves room.
            self.w_max = if self.cwnd < self.w_max { self.cwnd * f64::midpoint(1.0, BETA) } else { self.cwnd };
            self.cwnd = (self.cwnd * BETA).max(2.0);
            (self.ssthresh, self.epoch) = (self.cwnd, None);
        } else if self.largest >= self.recovered_from {
            self.grow(now, f64::from(answered));
        }
    }

    fn grow(&mut self, now: Duration, answered: f64) {
        if self.cwnd < self.ssthresh {
            self.cwnd += answered;
            self.hystart();
            return;
        }
        let (epoch, k) = *self.epoch.get_or_insert_with(|| {
            self.reno = self.cwnd;
            (now, ((self.w_max - self.cwnd).max(0.0) / C).cbrt())
        });
        let t = (now - epoch + self.rtt).as_secs_f64();
        let target = (C * (t - k).powi(3) + self.w_max).clamp(self.cwnd, 1.5 * self.cwnd);
        self.cwnd += (target - self.cwnd) / self.cwnd * answered;
        self.reno += 3.0 * (1.0 - BETA) / (1.0 + BETA) * answered / self.reno;
        self.cwnd = self.cwnd.max(self.reno);
    }

    /// Slow start ends when the shortest round trip of a round is longer than the shortest of all (RFC 9406).
    fn hystart(&mut self) {
        if self.largest >= self.round_ends {
            (self.round_ends, self.round_rtt) = (self.next, None);
        }
        let shortest = self.round_rtt.map_or(self.rtt, |rtt| rtt.min(self.rtt));
        self.round_rtt = Some(shortest);
        let more = (self.rtt_min / 8).clamp(Duration::from_millis(4), Duration::from_millis(16));
        if shortest > self.rtt_min + more && self.cwnd >= 16.0 {
            self.ssthresh = self.cwnd;
            self.w_max = self.cwnd;
        }
    }
}
