//! BBR: measure what the path delivers and how long it takes, and keep just that much on its way.
//!
//! ```text
//!   rate that arrives │      ┌─────────────      round trip │            /
//!                     │     /                               │           /  the queue fills
//!                     │    /                                │__________/
//!                     └────┬──────────── on its way         └──────────┬──── on its way
//!                          └ bandwidth × shortest round trip: here everybody is best served
//! ```
//! A loss says nothing here unless it is followed by silence. Four states: STARTUP doubles until the rate no
//! longer grows, DRAIN takes away the queue that this made, `PROBE_BW` asks for a quarter more in one round of
//! eight, and `PROBE_RTT` steps back for 200 ms every ten seconds to see how short the way is without us.
//! Source: version 1, draft-cardwell-iccrg-bbr-congestion-control-00; names and gains are those of the
//! draft. What was left out: its packet conservation after a loss, and long-term sampling for policers.

use std::collections::VecDeque;
use std::time::Duration;

use super::path_loss::PathLoss;
use super::{INITIAL_DATAGRAMS, News, in_time, per_second};
use crate::wire::BASE_LEN;

/// 4 ln 2: the smallest gain that doubles the rate each round trip (draft-ietf-ccwg-bbr, `StartupPacingGain`);
/// in percent.
const HIGH_GAIN: u64 = 277;
/// Its inverse, so that DRAIN takes one round trip.
const DRAIN_GAIN: u64 = 36;
/// Room for answers that come late or together, and the longest queue that we make: one round trip more.
const CWND_GAIN: u64 = 200;
/// `PROBE_BW`: a quarter more, then a quarter less, then six rounds to cruise; in percent.
const CYCLE: [u64; 8] = [125, 75, 100, 100, 100, 100, 100, 100];
/// How many round trips the highest rate is believed.
const BANDWIDTH_ROUNDS: u64 = 10;
/// The rate is taken for full after so many round trips in which it did not grow by a quarter.
const FULL_ROUNDS: u32 = 3;
/// How long the shortest round trip is believed.
const MIN_RTT_WINDOW: Duration = Duration::from_secs(10);
/// How long `PROBE_RTT` lasts.
const PROBE_RTT_TIME: Duration = Duration::from_millis(200);
/// What stays on its way after the queue has overflowed, in percent: CUBIC's share (RFC 9438 section 4.6).
const GIVE_WAY: u64 = 70;
/// How much more each round trip lets go afterwards: a datagram, as others do (RFC 5681 section 3.1), or this part
/// of it where that would take minutes.
const GROWTH: u64 = 128;
/// So many more losses in a round than the path's own are a queue's (draft-ietf-ccwg-bbr, `LossThresh`); in
/// thousandths.
const LOSSES_MAX: u64 = 20;
/// The smallest window, in datagrams: enough to keep answers coming.
const MIN_DATAGRAMS: u64 = 4;

/// What BBR is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Startup,
    Drain,
    ProbeBw {
        phase: usize,
        since: Duration,
    },
    /// Until when, once little enough is on its way.
    ProbeRtt {
        until: Option<Duration>,
    },
}

/// The model of the path, and what follows from it.
#[derive(Debug, Clone)]
pub struct Bbr {
    pub(super) state: State,
    /// The highest rates, each with its round: the first is the one that is believed, then those that will be.
    bandwidths: VecDeque<(u64, u64)>,
    min_rtt: Option<Duration>,
    min_rtt_at: Duration,
    round: u64,
    /// The round ends when something is answered that was sent after so much had arrived.
    round_ends: u64,
    full_bandwidth: u64,
    full_rounds: u32,
    filled: bool,
    cwnd: u64,
    cwnd_before_probe: u64,
    /// Bytes that were lost and that arrived in this round, and its shortest round trip.
    round_lost: u64,
    round_arrived: u64,
    round_rtt: Option<Duration>,
    /// What was sent before this number was sent to find out how much the path holds: its losses are our own.
    shares_from: u64,
    /// All that this round tells of was sent later.
    round_counts: bool,
    /// What may be on its way while others want their share; `None` while nobody was seen to.
    share: Option<u64>,
    path_loss: PathLoss,
    pacing_rate: Option<u64>,
    /// Which phase `PROBE_BW` begins with, so that two senders do not ask at the same moment.
    first_phase: usize,
}

impl Bbr {
    /// A path of which nothing is known; `chance` spreads the moments at which different sessions probe.
    #[must_use]
    pub fn new(chance: u64) -> Self {
        // Any phase but the second, which is there to take away what the first one added.
        let first_phase = [0, 2, 3, 4, 5, 6, 7][(chance % 7) as usize];
        Self {
            state: State::Startup,
            bandwidths: VecDeque::new(),
            min_rtt: None,
            min_rtt_at: Duration::ZERO,
            round: 0,
            round_ends: 0,
            full_bandwidth: 0,
            full_rounds: 0,
            filled: false,
            cwnd: INITIAL_DATAGRAMS * BASE_LEN as u64,
            cwnd_before_probe: 0,
            round_lost: 0,
            round_arrived: 0,
            round_rtt: None,
            shares_from: u64::MAX,
            round_counts: false,
            share: None,
            path_loss: PathLoss::new(),
            pacing_rate: None,
            first_phase,
        }
    }

    // ANCHOR: bbr
    pub(super) fn on_news(&mut self, news: &News) {
        let new_round = self.measure_bandwidth(news);
        let min_rtt_is_old = self.measure_min_rtt(news);
        if new_round {
            self.look_whether_full(news);
        }
        self.path_loss.on_news(news);
        self.give_way(news, new_round);
        self.next_state(news, min_rtt_is_old);
        self.set_pacing_rate(news);
        self.set_window(news);
    }
    // ANCHOR_END: bbr

    pub(super) fn on_silence(&mut self, datagram_len: u64) {
        // What is on its way may be lost altogether: begin small, and let the answers open the window again.
        self.cwnd = MIN_DATAGRAMS * datagram_len;
    }

    pub(super) fn window(&self) -> u64 {
        self.share.map_or(self.cwnd, |share| share.min(self.cwnd))
    }

    pub(super) fn pacing_rate(&self) -> Option<u64> {
        self.pacing_rate
    }

    #[cfg(test)]
    pub(super) fn min_rtt(&self) -> Option<Duration> {
        self.min_rtt
    }

    fn bandwidth(&self) -> u64 {
        self.bandwidths.front().map_or(0, |(_, rate)| *rate)
    }

    /// What the path holds without a queue, times `gain` percent, and three bursts: one that leaves, one that
    /// arrives, and one whose answer is held back until it is worth sending.
    fn on_its_way(&self, gain: u64, datagram_len: u64) -> u64 {
        let bursts = 3 * crate::pacer::burst(self.bandwidth(), datagram_len);
        in_time(self.bandwidth(), self.min_rtt.unwrap_or_default()) * gain / 100 + bursts
    }

    /// Keeps the highest rate of the last ten rounds; says whether a round has ended.
    fn measure_bandwidth(&mut self, news: &News) -> bool {
        let Some(sample) = news.rate else { return false };
        let new_round = sample.delivered_before >= self.round_ends;
        if new_round {
            self.round_ends = news.delivered;
            self.round += 1;
        }
        // A sender with nothing to send measures itself, not the path; unless even that was more.
        if !sample.app_limited || sample.rate >= self.bandwidth() {
            let oldest = self.round.saturating_sub(BANDWIDTH_ROUNDS);
            self.bandwidths.retain(|(round, rate)| *round > oldest && *rate > sample.rate);
            self.bandwidths.push_back((self.round, sample.rate));
        }
        new_round
    }

    /// Keeps the shortest round trip; says whether it has not been seen for ten seconds.
    fn measure_min_rtt(&mut self, news: &News) -> bool {
        let old = news.now > self.min_rtt_at + MIN_RTT_WINDOW;
        if let Some(rtt) = news.rtt
            && (old || self.min_rtt.is_none_or(|min| rtt <= min))
        {
            self.min_rtt = Some(rtt);
            self.min_rtt_at = news.now;
        }
        old
    }

    fn look_whether_full(&mut self, news: &News) {
        if self.filled || news.rate.is_some_and(|sample| sample.app_limited) {
            return;
        }
        if self.bandwidth() >= self.full_bandwidth * 5 / 4 {
            self.full_bandwidth = self.bandwidth();
            self.full_rounds = 0;
            return;
        }
        self.full_rounds += 1;
        // A queue of half a round trip says the same a round earlier (the idea of HyStart++, RFC 9406).
        let queue = news.rtt.zip(self.min_rtt).is_some_and(|(rtt, min)| rtt > min * 3 / 2);
        self.filled = self.full_rounds >= FULL_ROUNDS || self.full_rounds + 1 == FULL_ROUNDS && queue;
    }

    fn next_state(&mut self, news: &News, min_rtt_is_old: bool) {
        let in_flight = news.in_flight;
        match self.state {
            State::Startup if self.filled => self.state = State::Drain,
            State::Drain if in_flight <= self.on_its_way(100, news.datagram_len) => {
                self.state = State::ProbeBw { phase: self.first_phase, since: news.now };
                self.shares_from = news.next_number;
            }
            State::ProbeBw { phase, since } => {
                let long_enough = news.now.saturating_sub(since) > self.min_rtt.unwrap_or_default();
                let done = match CYCLE[phase] {
                    // Until the path was really asked for more, or has said no.
                    125 => long_enough && (news.lost > 0 || in_flight >= self.on_its_way(125, news.datagram_len)),
                    75 => long_enough || in_flight <= self.on_its_way(100, news.datagram_len),
                    _ => long_enough,
                };
                if done {
                    let next = (phase + 1) % CYCLE.len();
                    match (CYCLE[phase], CYCLE[next]) {
                        (_, 75) => self.path_loss.begin(news.next_number),
                        (75, _) => self.path_loss.end(news.next_number),
                        _ => {}
                    }
                    self.state = State::ProbeBw { phase: next, since: news.now };
                }
            }
            State::ProbeRtt { until: None } if in_flight <= MIN_DATAGRAMS * news.datagram_len => {
                self.state = State::ProbeRtt { until: Some(news.now + PROBE_RTT_TIME) };
            }
            State::ProbeRtt { until: Some(until) } if news.now >= until => {
                self.min_rtt_at = news.now;
                self.cwnd = self.cwnd.max(self.cwnd_before_probe);
                self.state = match self.filled {
                    true => State::ProbeBw { phase: self.first_phase, since: news.now },
                    false => State::Startup,
                };
            }
            _ => {}
        }
        if min_rtt_is_old && !matches!(self.state, State::ProbeRtt { .. }) {
            self.cwnd_before_probe = self.cwnd;
            // Nobody knows in which phase we come back.
            self.path_loss.end(news.next_number);
            self.state = State::ProbeRtt { until: None };
        }
    }

    /// Many losses in a round in which the queue was never short are its overflow: somebody else fills it as
    /// well. Then less is kept on its way, and each round trip without that lets a little more go (BBR version
    /// 2 has the same idea in `inflight_hi`). Losses without a queue have another cause, and are no reason to
    /// be slower.
    fn give_way(&mut self, news: &News, new_round: bool) {
        self.round_lost += news.lost;
        self.round_arrived += news.arrived;
        self.round_rtt = news.rtt.into_iter().chain(self.round_rtt).min();
        if !new_round {
            return;
        }
        let queue = self.round_rtt.zip(self.min_rtt).is_some_and(|(rtt, min)| rtt > min * 3 / 2);
        let usual = self.path_loss.share();
        let many = self.round_lost * 1_000 > (self.round_lost + self.round_arrived) * (usual + LOSSES_MAX);
        if queue && many && self.round_counts && matches!(self.state, State::ProbeBw { .. }) {
            let least = self.on_its_way(50, news.datagram_len);
            self.share = Some((news.in_flight_before * GIVE_WAY / 100).max(least));
        } else {
            let more = |share: u64| share + (share / GROWTH).max(news.datagram_len);
            self.share = self.share.map(more).filter(|share| *share < self.cwnd);
        }
        (self.round_lost, self.round_arrived, self.round_rtt) = (0, 0, None);
        self.round_counts = news.arrived_largest >= self.shares_from;
    }

    fn pacing_gain(&self) -> u64 {
        match self.state {
            State::Startup => HIGH_GAIN,
            State::Drain => DRAIN_GAIN,
            State::ProbeBw { phase, .. } => CYCLE[phase],
            State::ProbeRtt { .. } => 100,
        }
    }

    fn set_pacing_rate(&mut self, news: &News) {
        let rate = match self.bandwidth() {
            // Before the first measurement: the first window in one round trip.
            0 => per_second(self.cwnd * HIGH_GAIN / 100, news.srtt),
            bandwidth => self.path_loss.make_up(bandwidth * self.pacing_gain() / 100),
        };
        // While the pipe is being filled, a first slow sample must not slow everything down.
        if self.filled || self.pacing_rate.is_none_or(|old| rate > old) {
            self.pacing_rate = Some(rate);
        }
    }

    fn set_window(&mut self, news: &News) {
        // In STARTUP too: what was measured is a round trip old, and half of what it will be. More than that, and
        // the first thing that a queue of one round trip sees of us is that it overflows.
        let target = self.on_its_way(CWND_GAIN, news.datagram_len);
        if self.filled {
            self.cwnd = (self.cwnd + news.arrived).min(target);
        } else if self.cwnd < target || news.delivered < INITIAL_DATAGRAMS * news.datagram_len {
            self.cwnd += news.arrived;
        }
        let min = MIN_DATAGRAMS * news.datagram_len;
        self.cwnd = self.cwnd.max(min);
        if matches!(self.state, State::ProbeRtt { .. }) {
            self.cwnd = min;
        }
    }
}
