//! Sums: of all, of a port, of a peer.
//!
//! The ledger keeps them while it runs, and a report makes the same ones from a log, with the same two functions.
//! Read `connection.rs` before.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use serde::Serialize;

use crate::connection::{Connection, How};
use crate::observation::{Mark, Protocol};

/// Peers that are summed one by one. A flood with invented addresses would otherwise fill the memory; with 200 bytes
/// each these take 2 MB.
pub const PEERS_MAX: usize = 10_000;

/// A watched port.
pub type Port = (Protocol, u16);

/// Sums over connections.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// How many there have been, those that are open included.
    pub connections: u64,
    /// How many are open, or were when the log ended.
    pub open: u64,
    /// The most that were open at the same time.
    pub open_max: u64,
    /// Payload from the clients.
    pub bytes_in: u64,
    /// Payload to the clients.
    pub bytes_out: u64,
    /// How far the two can be trusted: as far as the worst of their parts.
    pub bytes_are: Mark,
    /// How many ended how.
    pub endings: BTreeMap<How, u64>,
}

impl Totals {
    /// Counts a connection that begins.
    pub fn open(&mut self) {
        self.connections += 1;
        self.open += 1;
        self.open_max = self.open_max.max(self.open);
    }

    /// Counts bytes that have passed, from the client and to it.
    pub fn pass(&mut self, [bytes_in, bytes_out]: [u64; 2]) {
        self.bytes_in = self.bytes_in.saturating_add(bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(bytes_out);
    }

    /// Counts how a connection that was open has ended; its bytes have been counted as they passed.
    pub fn close(&mut self, connection: &Connection) {
        self.bytes_are = self.bytes_are.max(connection.bytes_in_is).max(connection.bytes_out_is);
        *self.endings.entry(connection.how).or_default() += 1;
        if connection.how != How::StillOpen {
            self.open = self.open.saturating_sub(1);
        }
    }

    /// Payload both ways.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes_in.saturating_add(self.bytes_out)
    }

    /// Connections that ended as they should not.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.endings.iter().filter(|(how, _)| how.is_error()).map(|(_, count)| count).sum()
    }
}

/// The sums of a run: all, per port, per peer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    /// Of all connections.
    pub all: Totals,
    /// Of each watched port.
    pub ports: BTreeMap<Port, Totals>,
    /// Of each peer's address, whatever its port.
    pub peers: HashMap<IpAddr, Totals>,
    /// Of all peers beyond [`PEERS_MAX`] together.
    pub other_peers: Totals,
}

impl Sums {
    /// Does the same to the three sums that a connection belongs to.
    pub fn each(&mut self, connection: &Connection, mut change: impl FnMut(&mut Totals)) {
        change(&mut self.all);
        change(self.ports.entry((connection.protocol, connection.port)).or_default());
        let peer = connection.peer.ip();
        let known = self.peers.contains_key(&peer) || self.peers.len() < PEERS_MAX;
        change(if known { self.peers.entry(peer).or_default() } else { &mut self.other_peers });
    }

    /// Peers, the one with the most bytes first.
    #[must_use]
    pub fn top_peers(&self) -> Vec<(IpAddr, &Totals)> {
        let mut peers: Vec<_> = self.peers.iter().map(|(peer, totals)| (*peer, totals)).collect();
        peers.sort_by_key(|(peer, totals)| (std::cmp::Reverse((totals.bytes(), totals.connections)), *peer));
        peers
    }
}
