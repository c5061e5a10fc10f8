//! What the loops tell: sessions, files, progress, and every datagram's fate.
//!
//! The loops (`send`, `receive`) call one function with a [`Report`]; a view turns reports into a bar, plain
//! lines or JSON, and knows nothing of datagrams. [`Fate`] is for `--trace`: only a sender that was asked to
//! trace makes them. All times count from the start of the run.

use std::net::SocketAddr;
use std::time::Duration;

use crate::file::{Digest, Session};

/// Something to tell a person or a program.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// The peer has answered, or a sender has proved its address.
    SessionStarted {
        /// Which session.
        session: Session,
        /// With whom.
        peer: SocketAddr,
        /// How many files it has.
        files: u32,
    },
    /// A file's bytes begin to flow; `from` is above 0 when it is resumed.
    FileStarted {
        /// Whose file.
        session: Session,
        /// Its place in the list, from 0.
        index: u32,
        /// The sender's name for it: a peer's text, to be escaped.
        name: String,
        /// In bytes.
        size: u64,
        /// The first byte that was missing.
        from: u64,
    },
    /// How it goes; told often, so that a view chooses how often it shows it.
    Progress {
        /// Which session.
        session: Session,
        /// The state at this moment.
        totals: Totals,
    },
    /// A file is settled.
    FileEnded {
        /// Whose file.
        session: Session,
        /// Its place in the list, from 0.
        index: u32,
        /// The sender's name for it.
        name: String,
        /// In bytes.
        size: u64,
        /// Its digest when it is verified and in place, or why it is not: a peer's text, to be escaped.
        result: Result<Digest, String>,
    },
    /// A session is over. The last report about it.
    SessionEnded {
        /// Which session.
        session: Session,
        /// What was counted.
        totals: Totals,
        /// Why it ended early, if it did.
        failure: Option<String>,
    },
}

/// What is counted in one session, up to now. A side leaves at 0 what only the other one knows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Totals {
    /// Since the session began.
    pub elapsed: Duration,
    /// Files that are verified and in place.
    pub files_done: u32,
    /// Files that failed.
    pub files_failed: u32,
    /// Bytes of files that are known to have arrived, each counted once, without those of earlier sessions.
    pub bytes_done: u64,
    /// Bytes of all files that are to be sent in this session, as far as known.
    pub bytes_total: u64,
    /// Datagrams sent, of every kind.
    pub datagrams_sent: u64,
    /// Bytes in them, without the headers of UDP and IP.
    pub bytes_sent: u64,
    /// Datagrams received that were understood.
    pub datagrams_received: u64,
    /// Datagrams that were damaged, forged, foreign or late.
    pub datagrams_refused: u64,
    /// Datagrams with bytes that were there already.
    pub duplicates: u64,
    /// Datagrams taken for lost, and why.
    pub lost: Losses,
    /// Of those, how many came after all: they were sent again in vain.
    pub lost_wrongly: u64,
    /// Bytes of files that were sent again.
    pub bytes_again: u64,
    /// Smoothed round-trip time; zero before the first answer.
    pub srtt: Duration,
    /// The shortest one that was seen lately.
    pub rtt_min: Duration,
    /// How many bytes may be on their way.
    pub cwnd: u64,
    /// How many are.
    pub in_flight: u64,
    /// How fast it sends, in bytes a second; 0 when it is not paced.
    pub pacing_rate: u64,
    /// Bytes in one datagram, as the path allows.
    pub datagram_len: usize,
}

/// Datagrams taken for lost, by the reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// Datagrams that were sent after it have arrived (RFC 9002 section 6.1.1).
    pub by_order: u64,
    /// The same, and it was sent too long ago (RFC 9002 section 6.1.2).
    pub by_time: u64,
    /// No answer at all came until the timer ran out.
    pub by_silence: u64,
}

impl Losses {
    /// All of them.
    #[must_use]
    pub fn sum(self) -> u64 {
        self.by_order + self.by_time + self.by_silence
    }
}

/// What became of a datagram, for `--trace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was sent.
    Sent {
        /// Its number; never used twice.
        number: u64,
        /// Which file.
        index: u32,
        /// The first of its bytes in the file.
        offset: u64,
        /// How many.
        len: usize,
        /// Whether these bytes had been sent before.
        again: bool,
    },
    /// Its arrival was confirmed.
    Arrived {
        /// Its number.
        number: u64,
    },
    /// It was taken for lost.
    Lost {
        /// Its number.
        number: u64,
    },
    /// How congestion control stands, after each datagram of the receiver.
    Window {
        /// How many bytes may be on their way.
        cwnd: u64,
        /// How many are.
        in_flight: u64,
        /// Bytes a second, 0 when not paced.
        pacing_rate: u64,
        /// Smoothed round-trip time.
        srtt: Duration,
    },
}
