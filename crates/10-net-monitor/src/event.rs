//! What the ledger says: each event is one line of the log.
//!
//! ```text
//! {"event":"started","at":"…","source":"proxy","watching":["tcp 127.0.0.1:8001 -> 127.0.0.1:8888"],…}
//! {"event":"opened","at":"…","number":1,"from":"127.0.0.1:50312","to":"127.0.0.1:8001"}
//! {"event":"traffic","at":"…","protocol":"tcp","on":8001,"in":6,"out":23,"opened":1,"open":1}
//! {"event":"connection","protocol":"tcp","peer":"127.0.0.1:50312","port":8001,…,"how":"orderly"}
//! {"event":"finished","at":"…"}
//! ```
//! Whoever only wants connections takes the lines with `"event":"connection"`. New kinds of events and new keys may
//! come; a reader leaves out what it does not know. Read `connection.rs` before, `ledger.rs` next.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::connection::Connection;
use crate::moment::Moment;
use crate::observation::{Proof, Protocol};

/// The first line of a run, and of each file that a rotation begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// When the run began.
    pub at: Moment,
    /// Which way of seeing: `proxy`, `watch`, `capture`, `pcapng`.
    pub source: String,
    /// What is watched, as people read it.
    pub watching: Vec<String>,
    /// The version of the program.
    pub version: String,
    /// Which file of the run: 1, then 2 after a rotation.
    pub part: u32,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A run begins.
    Started(Heading),
    /// A connection begins. After a kill this is all that is known of those that were open.
    Opened {
        /// When.
        at: Moment,
        /// The source's number for it.
        number: u64,
        /// What carries it.
        protocol: Protocol,
        /// Who opens it.
        from: SocketAddr,
        /// To which address.
        to: SocketAddr,
    },
    /// A connection is over, or the run is.
    Connection(Connection),
    /// What has passed on a port since its last line of this kind.
    Traffic {
        /// Until when.
        at: Moment,
        /// What carried it.
        protocol: Protocol,
        /// The port.
        on: u16,
        /// Payload from the clients.
        #[serde(rename = "in")]
        bytes_in: u64,
        /// Payload to the clients.
        #[serde(rename = "out")]
        bytes_out: u64,
        /// Connections that began.
        opened: u64,
        /// Connections that are open now.
        open: u64,
    },
    /// Something was not seen.
    Missed {
        /// When that was noticed.
        at: Moment,
        /// What, and why.
        what: String,
        /// How many connections at least.
        at_least: u64,
    },
    /// Somebody has set the system's clock; the times in the log go on as if nobody had.
    ClockSet {
        /// When that was noticed.
        at: Moment,
        /// By how many microseconds, forward or (negative) back.
        by_us: i64,
    },
    /// The log could not be written for a while.
    Gap {
        /// When it could be again.
        at: Moment,
        /// Since when it could not.
        since: Moment,
        /// Lines that are missing.
        lines: u64,
        /// What the system said.
        cause: String,
    },
    /// A count by somebody else.
    Proof(Proof),
    /// The last line of a run that was not killed.
    Finished {
        /// When.
        at: Moment,
    },
    /// A line of a newer version.
    #[serde(other)]
    Unknown,
}
