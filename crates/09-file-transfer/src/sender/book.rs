//! What a sender knows of one file: how far it is, and what of it has to go out (again).
//!
//! ```text
//!   0                       fresh              size
//!   ├███████░░███████████████┼──────────────────┤      █ arrived   ░ lost, to be sent again
//!            └ lost          └ sent from here on, in order
//!
//!   Waiting → Offered → Flowing → Finishing → Settled
//!             OFFER     DATA      FINISH      VERDICT
//! ```
//! Offers and digests are questions: they are asked again until they are answered. Read `ranges.rs` before.

use std::time::Duration;

use crate::file::{Digest, Offer};
use crate::ranges::RangeSet;
use crate::rtt::Rtt;

/// A question that is asked until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ask {
    pub due: Duration,
    at: Duration,
    times: u32,
}

impl Ask {
    /// To be asked at once.
    pub(super) fn new(now: Duration) -> Self {
        Self { due: now, at: now, times: 0 }
    }

    /// It was asked; the next time is after a timer that doubles.
    pub(super) fn asked(&mut self, now: Duration, rtt: &Rtt) {
        self.due = now + rtt.rto_after(self.times);
        self.at = now;
        self.times += 1;
    }

    /// When it was asked, if only once: otherwise nobody knows which question an answer belongs to (Karn's
    /// rule, RFC 6298 section 3).
    pub(super) fn asked_once_at(self) -> Option<Duration> {
        (self.times == 1).then_some(self.at)
    }
}

/// Where a file is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Waiting,
    Offered(Ask),
    Flowing,
    Finishing(Digest, Ask),
    Settled,
}

/// One file.
#[derive(Debug)]
pub(super) struct Book {
    pub offer: Offer,
    pub stage: Stage,
    /// The second try: the receiver shall use nothing of the first.
    pub afresh: bool,
    /// The first byte that was never sent.
    pub fresh: u64,
    arrived: RangeSet,
    lost: RangeSet,
}

impl Book {
    pub(super) fn new(offer: Offer) -> Self {
        let (arrived, lost) = (RangeSet::default(), RangeSet::default());
        Self { offer, stage: Stage::Waiting, afresh: false, fresh: 0, arrived, lost }
    }

    /// The receiver wants the bytes from `from` on.
    pub(super) fn begin(&mut self, from: u64) {
        self.stage = Stage::Flowing;
        self.fresh = from;
        self.arrived = RangeSet::default();
        self.arrived.insert(0..from);
        self.lost = RangeSet::default();
    }

    /// Whether bytes may flow: they may be lost also while the digest is on its way.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Flowing | Stage::Finishing(..))
    }

    /// The next bytes to send, at most `len_max`, and whether they were sent before.
    pub(super) fn next_piece(&self, len_max: u64) -> Option<(u64, u64, bool)> {
        if !self.is_open() {
            return None;
        }
        if let Some(lost) = self.lost.first() {
            return Some((lost.start, len_max.min(lost.end - lost.start), true));
        }
        let left = self.offer.size - self.fresh;
        (left > 0).then(|| (self.fresh, len_max.min(left), false))
    }

    pub(super) fn on_sent(&mut self, offset: u64, len: u64) {
        self.lost.remove(offset..offset + len);
        self.fresh = self.fresh.max(offset + len);
    }

    /// Returns how many of the bytes are known to be there only now.
    pub(super) fn on_arrived(&mut self, offset: u64, len: u64) -> u64 {
        let range = offset..offset + len;
        let new = self.arrived.missing(range.clone()).map(|gap| gap.end - gap.start).sum();
        self.arrived.insert(range.clone());
        self.lost.remove(range);
        new
    }

    pub(super) fn on_lost(&mut self, offset: u64, len: u64) {
        // Some of it may have come with another datagram.
        for gap in self.arrived.missing(offset..offset + len) {
            self.lost.insert(gap);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_goes_first_and_what_came_after_all_not_again() {
        let mut book = Book::new(Offer { name: "報告.txt".to_owned(), size: 100, modified_ns: 0 });
        assert_eq!(book.next_piece(40), None, "not before the receiver wants it");
        book.begin(10);
        assert_eq!(book.next_piece(40), Some((10, 40, false)));
        book.on_sent(10, 40);
        book.on_sent(50, 40);
        assert_eq!(book.next_piece(40), Some((90, 10, false)));
        book.on_lost(10, 40);
        assert_eq!(book.next_piece(30), Some((10, 30, true)));
        assert_eq!(book.on_arrived(20, 10), 10);
        assert_eq!(book.on_arrived(20, 10), 0);
        assert_eq!(book.next_piece(30), Some((10, 10, true)));
        book.on_sent(10, 10);
        assert_eq!(book.next_piece(30), Some((30, 20, true)));
        book.on_lost(20, 10);
        book.on_sent(30, 20);
        assert_eq!(book.next_piece(30), Some((90, 10, false)), "what has arrived is not lost");
    }
}
