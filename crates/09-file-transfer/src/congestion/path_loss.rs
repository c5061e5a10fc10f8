//! How much a path loses of its own accord: what it loses while less is asked of it than it delivers.
//!
//! ```text
//!   asked of the path     ┌───┐                                      a queue may overflow
//!                     ────┘   │   ┌─────────────────────────────     nobody knows whose losses these are
//!                             └───┘                                  no queue of ours: the path's own
//! ```
//! Who wants a link to be full must put in what it will lose, or it runs at `rate × (1 - loss)`, is measured at
//! that, and so on. What overflows a queue must not be counted: putting in more would only make it worse.
//! The idea that only losses above the usual ones speak of a queue is that of BBR's `LossThresh`
//! (draft-ietf-ccwg-bbr section 5.5.10.2); that the usual ones are measured is ours. Read `bbr.rs` before.

use std::ops::Range;

use super::News;

/// More than this is never made up for, in thousandths: as much again as `PROBE_BW` asks for to try.
const MADE_UP_MAX: u64 = 200;
/// A datagram is taken for lost when so many later ones came: by then the largest is so far on.
const FOUND_LATER: u64 = 3;

/// The share that is lost.
#[derive(Debug, Clone)]
pub(super) struct PathLoss {
    /// The datagrams that were sent while little was asked.
    calm: Range<u64>,
    /// Bytes of them that arrived and that were lost; what is older counts less.
    arrived: u64,
    lost: u64,
}

impl PathLoss {
    pub(super) fn new() -> Self {
        Self { calm: 0..0, arrived: 0, lost: 0 }
    }

    // ANCHOR: path_loss
    /// From this number on less is asked than the path delivers.
    pub(super) fn begin(&mut self, next_number: u64) {
        self.calm = next_number + FOUND_LATER..u64::MAX;
        (self.arrived, self.lost) = (self.arrived * 7 / 8, self.lost * 7 / 8);
    }

    /// And from this number on no longer, if it was so until now.
    pub(super) fn end(&mut self, next_number: u64) {
        self.calm.end = self.calm.end.min(next_number + FOUND_LATER);
    }

    pub(super) fn on_news(&mut self, news: &News) {
        if self.calm.contains(&news.arrived_largest) {
            self.arrived += news.arrived;
            self.lost += news.lost;
        }
    }

    /// In thousandths.
    pub(super) fn share(&self) -> u64 {
        (self.lost * 1_000).checked_div(self.lost + self.arrived).unwrap_or(0)
    }

    /// The rate to send with, if `rate` is to arrive.
    pub(super) fn make_up(&self, rate: u64) -> u64 {
        rate.saturating_mul(1_000) / (1_000 - self.share().min(MADE_UP_MAX))
    }
    // ANCHOR_END: path_loss
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Ten datagrams of 1,000 bytes up to number `largest`, so many of them lost.
    fn news(largest: u64, lost: u64) -> News {
        News {
            now: Duration::ZERO,
            arrived: (10 - lost) * 1_000,
            lost: lost * 1_000,
            lost_largest: None,
            next_number: largest + 1,
            arrived_largest: largest,
            in_flight_before: 0,
            in_flight: 0,
            delivered: 0,
            rtt: None,
            srtt: Duration::ZERO,
            rate: None,
            datagram_len: 1_000,
        }
    }

    #[test]
    fn only_what_was_sent_while_little_was_asked_counts() {
        let mut path_loss = PathLoss::new();
        path_loss.on_news(&news(90, 5));
        assert_eq!((path_loss.share(), path_loss.make_up(900)), (0, 900));
        path_loss.begin(100);
        path_loss.on_news(&news(100, 5)); // Sent before, found later.
        path_loss.on_news(&news(110, 1));
        path_loss.end(120);
        path_loss.on_news(&news(120, 1));
        path_loss.on_news(&news(130, 5));
        path_loss.end(200); // Long over.
        path_loss.on_news(&news(150, 5));
        assert_eq!((path_loss.share(), path_loss.make_up(900)), (100, 1_000));
    }

    #[test]
    fn a_path_that_loses_nearly_everything_is_not_asked_for_ever_more() {
        let mut path_loss = PathLoss::new();
        path_loss.begin(0);
        path_loss.on_news(&news(10, 9));
        assert_eq!((path_loss.share(), path_loss.make_up(800)), (900, 1_000));
    }

    #[test]
    fn what_was_measured_long_ago_fades() {
        let mut path_loss = PathLoss::new();
        path_loss.begin(0);
        path_loss.on_news(&news(10, 4));
        for round in 1..30 {
            path_loss.begin(round * 100);
            path_loss.on_news(&news(round * 100 + 10, 0));
        }
        assert!(path_loss.share() < 10, "{}", path_loss.share());
    }
}
