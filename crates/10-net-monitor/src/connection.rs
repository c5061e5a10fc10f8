//! One connection as the log keeps it: who, when, how much, how it ended.
//!
//! The fields are the keys of a `connection` line in the log, in this order. Read `observation.rs` before.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;
use crate::observation::{Counts, Flow, Id, Mark, Protocol, Side};

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum How {
    /// Both sides have said their last word: FIN from each.
    Orderly,
    /// The client has sent an RST.
    ResetByClient,
    /// The server has sent an RST.
    ResetByServer,
    /// An RST, and nobody knows whose.
    Reset,
    /// Nobody listens there.
    Refused,
    /// There was no answer for too long.
    TimedOut,
    /// There is no way to the server.
    Unreachable,
    /// UDP: nothing came any more, and the place was given to others.
    Silent,
    /// It was open when the monitor ended.
    StillOpen,
    /// It is over; nobody has seen how.
    Unknown,
}

impl How {
    /// All, in the order in which reports list them.
    pub const ALL: [Self; 10] = [
        Self::Orderly,
        Self::ResetByClient,
        Self::ResetByServer,
        Self::Reset,
        Self::Refused,
        Self::TimedOut,
        Self::Unreachable,
        Self::Silent,
        Self::StillOpen,
        Self::Unknown,
    ];

    /// As the log and the reports write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Orderly => "orderly",
            Self::ResetByClient => "reset by client",
            Self::ResetByServer => "reset by server",
            Self::Reset => "reset",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::Unreachable => "unreachable",
            Self::Silent => "silent",
            Self::StillOpen => "still open",
            Self::Unknown => "unknown",
        }
    }

    /// Whether something went wrong, as far as one can see from outside.
    #[must_use]
    pub fn is_error(self) -> bool {
        !matches!(self, Self::Orderly | Self::Silent | Self::StillOpen | Self::Unknown)
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for How {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|how| how.name() == text);
        found.ok_or_else(|| "not a way in which connections end".to_owned())
    }
}

impl From<How> for String {
    fn from(how: How) -> Self {
        how.name().to_owned()
    }
}

impl TryFrom<String> for How {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// A connection, over or still open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The source's number for it, as in its `opened` line; not used again in the same run.
    pub number: u64,
    /// What carried it.
    pub protocol: Protocol,
    /// Who opened it.
    pub peer: SocketAddr,
    /// The watched port.
    pub port: u16,
    /// The address to which it was opened, with that port.
    pub server: SocketAddr,
    /// Where a proxy passed it on to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<SocketAddr>,
    /// When it began, or was first seen.
    pub start: Moment,
    /// When it was first seen late: it began after this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Moment>,
    /// When it was over, or looked at last.
    pub end: Moment,
    /// Payload from the client.
    pub bytes_in: u64,
    /// Payload to the client.
    pub bytes_out: u64,
    /// How far `bytes_in` can be trusted.
    #[serde(default, skip_serializing_if = "Mark::is_exact")]
    pub bytes_in_is: Mark,
    /// How far `bytes_out` can be trusted.
    #[serde(default, skip_serializing_if = "Mark::is_exact")]
    pub bytes_out_is: Mark,
    /// Segments or datagrams from the client, where the source sees them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets_in: Option<u64>,
    /// Segments or datagrams to the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets_out: Option<u64>,
    /// Bytes that had to be sent again, both ways together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retransmitted: Option<u64>,
    /// The round-trip time in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_us: Option<u64>,
    /// Which side sent its last byte first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_first: Option<Side>,
    /// For how many milliseconds the other side was still free to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_closed_ms: Option<u64>,
    /// Whose program it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// How it ended.
    pub how: How,
}

impl Connection {
    /// A connection that begins now.
    #[must_use]
    pub fn new(id: Id, flow: &Flow, start: Moment, not_before: Option<Moment>) -> Self {
        Self {
            number: id.number,
            protocol: id.protocol,
            peer: flow.client,
            port: flow.server.port(),
            server: flow.server,
            target: flow.target,
            start,
            not_before,
            end: start,
            bytes_in: 0,
            bytes_out: 0,
            bytes_in_is: Mark::Exact,
            bytes_out_is: Mark::Exact,
            packets_in: None,
            packets_out: None,
            retransmitted: None,
            rtt_us: None,
            ended_first: None,
            half_closed_ms: None,
            process: None,
            how: How::StillOpen,
        }
    }

    /// Takes what a source has counted since the beginning.
    pub fn count(&mut self, counts: &Counts) {
        [self.bytes_in, self.bytes_out] = counts.bytes;
        [self.bytes_in_is, self.bytes_out_is] = counts.marks;
        if let Some([packets_in, packets_out]) = counts.packets {
            (self.packets_in, self.packets_out) = (Some(packets_in), Some(packets_out));
        }
        if let Some([client, server]) = counts.retransmitted {
            self.retransmitted = Some(client.saturating_add(server));
        }
        if let Some(rtt) = counts.rtt {
            self.rtt_us = Some(u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// How long it lasted, or has lasted.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.end.since(self.start)
    }

    /// Payload both ways.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes_in.saturating_add(self.bytes_out)
    }
}
