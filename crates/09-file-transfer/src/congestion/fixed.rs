//! Always the same number of datagrams on their way, whatever the path says.
//!
//! With a window of 1 this is stop-and-wait. Too small, it leaves the path empty for most of each round
//! trip; too large, it fills every queue on the way, its own losses and everybody else's included. Here to
//! be compared with; read `aimd.rs` next.

use super::{News, per_second};

/// A window that nobody moves.
#[derive(Debug, Clone)]
pub struct Fixed {
    datagrams: u64,
    pacing_rate: Option<u64>,
}

impl Fixed {
    /// So many datagrams, at least one.
    #[must_use]
    pub fn new(datagrams: u32) -> Self {
        Self { datagrams: u64::from(datagrams.max(1)), pacing_rate: None }
    }

    pub(super) fn on_news(&mut self, news: &News) {
        // A quarter faster than the window alone would be: pacing shall spread it, not slow it down.
        self.pacing_rate = Some(per_second(self.datagrams * news.datagram_len * 5 / 4, news.srtt));
    }

    pub(super) fn window(&self, datagram_len: u64) -> u64 {
        self.datagrams * datagram_len
    }

    pub(super) fn pacing_rate(&self) -> Option<u64> {
        self.pacing_rate
    }
}
