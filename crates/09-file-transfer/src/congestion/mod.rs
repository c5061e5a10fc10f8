//! How much may be on its way, and how fast it may leave: three answers to one question.
//!
//! Nobody tells a sender how fast its path is. It must find out, and leave others their share. [`Fixed`]
//! does not ask; [`Aimd`] takes every loss for a full queue and halves (Jacobson 1988, RFC 5681); [`Bbr`]
//! measures what arrives and how long it takes, and sends as much as the path holds (Cardwell and others,
//! ACM Queue 14(5), 2016). On a path that loses datagrams for other reasons than a full queue, only the
//! last one stays fast. Read `rate.rs` before (how what arrives is measured), then `fixed.rs`, `aimd.rs`
//! and `bbr.rs`.

mod aimd;
mod bbr;
mod fixed;
mod path_loss;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::aimd::Aimd;
pub use self::bbr::Bbr;
pub use self::fixed::Fixed;
use crate::rate::Sample;

/// What may be on its way before the first answer. RFC 6928 says ten; measured networks take 32 as well, which
/// saves two round trips (Langley and others, "The QUIC Transport Protocol", SIGCOMM 2017), and they are paced.
pub const INITIAL_DATAGRAMS: u64 = 32;

/// What one ACK told.
#[derive(Debug, Clone, Copy)]
pub struct News {
    /// When it came.
    pub now: Duration,
    /// Bytes that it confirmed for the first time.
    pub arrived: u64,
    /// Bytes that were taken for lost because of it.
    pub lost: u64,
    /// The largest number among the lost ones, and the next number to be used.
    pub lost_largest: Option<u64>,
    /// The next number that will be used.
    pub next_number: u64,
    /// The largest number that is known to have arrived.
    pub arrived_largest: u64,
    /// Bytes on their way before it.
    pub in_flight_before: u64,
    /// Bytes on their way now.
    pub in_flight: u64,
    /// Bytes that have arrived since the session began.
    pub delivered: u64,
    /// The round trip of its newest datagram, without the peer's own waiting.
    pub rtt: Option<Duration>,
    /// `srtt`.
    pub srtt: Duration,
    /// How fast bytes arrived.
    pub rate: Option<Sample>,
    /// Bytes in one datagram.
    pub datagram_len: u64,
}

/// Which of them a session uses.
#[derive(Debug, Clone)]
pub enum Congestion {
    /// Always as much.
    Fixed(Fixed),
    /// One datagram more each round trip, half after a loss.
    Aimd(Aimd),
    /// What the path holds, measured.
    Bbr(Box<Bbr>),
}

impl Congestion {
    /// Learns from an ACK.
    pub fn on_news(&mut self, news: &News) {
        match self {
            Self::Fixed(fixed) => fixed.on_news(news),
            Self::Aimd(aimd) => aimd.on_news(news),
            Self::Bbr(bbr) => bbr.on_news(news),
        }
    }

    /// Nothing at all was heard for several timers: whatever was believed is not true any more.
    pub fn on_silence(&mut self, datagram_len: u64) {
        match self {
            Self::Fixed(_) => {}
            Self::Aimd(aimd) => aimd.on_silence(datagram_len),
            Self::Bbr(bbr) => bbr.on_silence(datagram_len),
        }
    }

    /// How many bytes may be on their way.
    #[must_use]
    pub fn window(&self, datagram_len: u64) -> u64 {
        match self {
            Self::Fixed(fixed) => fixed.window(datagram_len),
            Self::Aimd(aimd) => aimd.window(),
            Self::Bbr(bbr) => bbr.window(),
        }
    }

    /// How fast they may leave, in bytes a second; `None` before anything is known.
    #[must_use]
    pub fn pacing_rate(&self) -> Option<u64> {
        match self {
            Self::Fixed(fixed) => fixed.pacing_rate(),
            Self::Aimd(aimd) => aimd.pacing_rate(),
            Self::Bbr(bbr) => bbr.pacing_rate(),
        }
    }
}

/// `bytes` in `time`, as bytes a second; a time of zero counts as a microsecond.
#[must_use]
pub fn per_second(bytes: u64, time: Duration) -> u64 {
    let micros = time.as_micros().max(1);
    u64::try_from(u128::from(bytes) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

/// What `rate` bytes a second make in `time`.
#[must_use]
pub fn in_time(rate: u64, time: Duration) -> u64 {
    u64::try_from(u128::from(rate) * time.as_nanos() / 1_000_000_000).unwrap_or(u64::MAX)
}
