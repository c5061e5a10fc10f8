//! Additive increase, multiplicative decrease: what kept the Internet from collapsing in 1988.
//!
//! ```text
//!  window     /|    /|    /|      each round trip one datagram more,
//!            / |   / |   / |      each loss half of it
//!           /  |  /  |  /  |  /
//!    slow  /   | /   | /   | /
//!   start |    |/    |/    |/
//! ```
//! It takes every loss for a full queue. Where datagrams are lost for other reasons it halves for nothing:
//! its rate falls with the square root of the loss (Mathis and others, CCR 27(3), 1997). Source: RFC 5681.
//! Read `bbr.rs` next.

use super::{INITIAL_DATAGRAMS, News, per_second};
use crate::wire::BASE_LEN;

/// The smallest window, in datagrams (RFC 5681 section 3.1).
const MIN_DATAGRAMS: u64 = 2;

/// A window that grows by one datagram each round trip and halves after a loss.
#[derive(Debug, Clone)]
pub struct Aimd {
    cwnd: u64,
    ssthresh: u64,
    /// Losses below this number belong to a round that has been answered already.
    recovered_from: u64,
    pacing_rate: Option<u64>,
}

impl Default for Aimd {
    fn default() -> Self {
        Self { cwnd: INITIAL_DATAGRAMS * BASE_LEN as u64, ssthresh: u64::MAX, recovered_from: 0, pacing_rate: None }
    }
}

impl Aimd {
    // ANCHOR: aimd
    pub(super) fn on_news(&mut self, news: &News) {
        let full = news.in_flight_before + 2 * news.datagram_len >= self.cwnd;
        if news.lost_largest.is_some_and(|number| number >= self.recovered_from) {
            // Once for all losses of one round trip: they have one cause (RFC 6582 section 3.2).
            self.recovered_from = news.next_number;
            self.ssthresh = (self.cwnd / 2).max(MIN_DATAGRAMS * news.datagram_len);
            self.cwnd = self.ssthresh;
        } else if !full {
            // It was not the window that held us back, so an answer says nothing about it (RFC 7661).
        } else if self.cwnd < self.ssthresh {
            self.cwnd += news.arrived;
        } else {
            self.cwnd += news.datagram_len * news.arrived / self.cwnd;
        }
        let gain = if self.cwnd < self.ssthresh { 2 } else { 1 };
        self.pacing_rate = Some(per_second(self.cwnd * gain * 5 / 4, news.srtt));
    }
    // ANCHOR_END: aimd

    pub(super) fn on_silence(&mut self, datagram_len: u64) {
        self.ssthresh = (self.cwnd / 2).max(MIN_DATAGRAMS * datagram_len);
        self.cwnd = MIN_DATAGRAMS * datagram_len;
    }

    pub(super) fn window(&self) -> u64 {
        self.cwnd
    }

    pub(super) fn pacing_rate(&self) -> Option<u64> {
        self.pacing_rate
    }
}
