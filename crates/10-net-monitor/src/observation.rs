//! What a way of seeing tells the ledger: the seam between the sources and everything else.
//!
//! ```text
//!  proxy ──┐
//!  watch ──┼── (Moment, Observation) ──▶ Ledger ──▶ Event ──▶ log, screen, report
//!  capture ┘
//! ```
//! Counts are absolute: a source says how many bytes there have been since the connection began, not how many came
//! since it last said so. Then one that was lost, or said twice, changes nothing. Read `moment.rs` before,
//! `ledger.rs` next.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::connection::How;
use crate::moment::Moment;

/// What carries the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// A stream with a beginning and an end.
    Tcp,
    /// Datagrams; who sends from one address counts as one connection until a silence.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Who opened it.
    Client,
    /// Who waited for it.
    Server,
}

impl Side {
    /// Both, the client first.
    pub const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// 0 for the client, 1 for the server: what the client sends is counted at index 0.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The other end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// How far a number can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Mark {
    /// It is the number.
    #[default]
    #[serde(rename = "exact")]
    Exact,
    /// It may be one too many or one too few.
    #[serde(rename = "±1")]
    PlusMinusOne,
    /// It may be more.
    #[serde(rename = "at least")]
    AtLeast,
}

impl Mark {
    /// Whether it is [`Mark::Exact`].
    #[must_use]
    pub fn is_exact(&self) -> bool {
        *self == Self::Exact
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::PlusMinusOne => "±1",
            Self::AtLeast => "at least",
        })
    }
}

/// A source's own name for a connection, never given to another one in the same run: the proxy's number, the
/// socket's cookie, the number of the stream in a capture. Addresses are no name: ports are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id {
    /// TCP and UDP count on their own.
    pub protocol: Protocol,
    /// The name.
    pub number: u64,
}

/// Between whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Who opened it.
    pub client: SocketAddr,
    /// Whom the client opened it to; its port is the one that is watched.
    pub server: SocketAddr,
    /// Where a proxy passes it on to.
    pub target: Option<SocketAddr>,
}

/// What has passed since the connection began, as far as the source knows. What it does not know stays `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Payload from the client and from the server, by [`Side::index`].
    pub bytes: [u64; 2],
    /// How far [`Counts::bytes`] can be trusted.
    pub marks: [Mark; 2],
    /// Segments or datagrams.
    pub packets: Option<[u64; 2]>,
    /// Bytes that were sent again.
    pub retransmitted: Option<[u64; 2]>,
    /// The round-trip time: smoothed where the kernel says so, else that of the handshake.
    pub rtt: Option<Duration>,
}

/// Something that a source has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// A connection begins, or is seen for the first time.
    Opened {
        /// Its name from now on.
        id: Id,
        /// Between whom.
        flow: Flow,
        /// When the source sees it late: it was not there yet at this moment.
        not_before: Option<Moment>,
    },
    /// What has passed by now; told whenever the source likes, and once more before the end.
    Counted {
        /// Which connection.
        id: Id,
        /// Since its beginning.
        counts: Counts,
    },
    /// Whose program it is, where the system says so.
    Owned {
        /// Which connection.
        id: Id,
        /// The process, as `name (pid)`.
        process: String,
    },
    /// One side has sent its last byte; the other may go on.
    Ended {
        /// Which connection.
        id: Id,
        /// Which side.
        side: Side,
    },
    /// The connection is over.
    Closed {
        /// Which connection.
        id: Id,
        /// How.
        how: How,
    },
    /// Something has passed that the source could not see.
    Missed {
        /// What and why, as a clause: `the kernel's queue was full, its events were lost`.
        what: String,
        /// How many connections at least, where that is known.
        at_least: u64,
    },
    /// A count by somebody else, against which the list can be held; of each who counts, the last one counts.
    Proof(Proof),
}

/// Whether everything was seen: who counts without looking at us has opened as many as we have listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Who has counted: `kernel`, `proxy`.
    pub counted_by: String,
    /// Connections that were opened.
    pub opened: u64,
    /// Of these, connections that the source has told the end of, also of ports that are not watched.
    pub listed: u64,
    /// Connections that are open at the end.
    pub open: u64,
}

impl Proof {
    /// Connections that nobody can tell anything about; negative when more were listed than opened.
    #[must_use]
    pub fn unexplained(&self) -> i64 {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        signed(self.opened).saturating_sub(signed(self.listed)).saturating_sub(signed(self.open))
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counted_by, opened, listed, open } = self;
        write!(f, "{counted_by} opened {opened}, listed {listed}, open {open}, unexplained {}", self.unexplained())
    }
}
