//! One connection, as the room knows it: where it stands, what it has begun to say, what it is still to get.
//!
//! ```text
//! Naming ──a good name──▶ Member ──/quit, end of stream, stalled, …──▶ Leaving ──all sent, FIN──▶ Released
//!    └────────no name in time, three bad ones, end of stream────────────▲
//! ```
//!
//! Read `mod.rs` before (who moves it from one stage to the next).

use std::time::{Duration, Instant};

use super::log::Log;
use super::mail::Mail;
use super::roster::Ticket;
use crate::bucket::Bucket;
use crate::limits::Limits;
use crate::line::Lines;
use crate::name::Name;
use crate::protocol::LINE_LEN_MAX;

/// How long a connection may go on after our FIN: what the client still sends is read and thrown away.
///
/// Closing a socket with bytes unread sends an RST, and an RST makes the client's system throw away what
/// it has not read yet: our last words among it.
const LINGER: Duration = Duration::from_secs(1);

/// A connection.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) stage: Stage,
    pub(super) mail: Mail,
    pub(super) lines: Lines,
    pub(super) bucket: Bucket,
    /// Lines that came too fast since the member was told of the first.
    pub(super) dropped: u64,
    /// The client has ended its stream.
    pub(super) heard_all: bool,
    /// The connection is of no use any more.
    pub(super) broken: bool,
    /// The last send was not taken whole; since when nothing at all is taken.
    pub(super) stuck_since: Option<Instant>,
}

/// Where a connection stands.
#[derive(Debug)]
pub(super) enum Stage {
    /// It is asked for its name.
    Naming {
        /// Names that were refused.
        tries: u32,
        /// When it must have found one.
        until: Instant,
    },
    /// It is in the room.
    Member {
        /// Under this name.
        name: Name,
        /// The number of its joining.
        ticket: Ticket,
    },
    /// It is not heard any more, and gets what was said before.
    Leaving,
    /// It has our FIN.
    Released {
        /// When we close without having seen its own.
        until: Instant,
    },
}

/// What a connection's socket is to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Wait: for the client's words, for room to send, or for both.
    Wait {
        /// Words are welcome.
        hear: bool,
        /// There is something to send, and the system has no room for it.
        send: bool,
    },
    /// End our direction: everything has been sent.
    Release,
    /// Close: all is done, or nothing can be.
    Close,
}

impl Guest {
    pub(super) fn new(until: Instant) -> Self {
        Self {
            stage: Stage::Naming { tries: 0, until },
            mail: Mail::new(),
            lines: Lines::new(LINE_LEN_MAX),
            bucket: Bucket::default(),
            dropped: 0,
            heard_all: false,
            broken: false,
            stuck_since: None,
        }
    }

    /// Whether its words count.
    pub(super) fn is_heard(&self) -> bool {
        matches!(self.stage, Stage::Naming { .. } | Stage::Member { .. })
    }

    /// What its socket is to do now.
    pub(super) fn step(&self, log: &Log, waiting_max: usize) -> Step {
        let is_sent = self.mail.is_empty(log);
        match self.stage {
            _ if self.broken => Step::Close,
            Stage::Leaving if is_sent => Step::Release,
            Stage::Released { .. } if self.heard_all => Step::Close,
            // Whoever asks and does not read is not heard until it reads, or its answers would pile up.
            _ => {
                let hear = !self.heard_all && (!self.is_heard() || self.mail.waiting() < waiting_max);
                Step::Wait { hear, send: self.stuck_since.is_some() && !is_sent }
            }
        }
    }

    /// Our FIN is out.
    pub(super) fn released(&mut self, now: Instant) {
        self.stage = Stage::Released { until: now + LINGER };
    }

    /// When somebody should look at it again, if nothing happens before.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let stuck = self.stuck_since.map(|since| since + limits.stall_timeout);
        let stage = match self.stage {
            Stage::Naming { until, .. } | Stage::Released { until } => Some(until),
            Stage::Member { .. } | Stage::Leaving => None,
        };
        stuck.into_iter().chain(stage).min()
    }
}
