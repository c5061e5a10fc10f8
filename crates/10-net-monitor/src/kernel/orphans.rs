//! Aborted ends whose client is not known: their announcement names the server's address and nothing else. Pure.
//!
//! `SO_LINGER` 0 and a close take a socket back to its beginning before it dies: no peer, no counters. If the client is
//! on this machine, its own announcement follows once its program has closed it; until then the abort waits here. What
//! nobody claims is told as a connection with an unknown client. Read before: `tracker.rs`.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::diag::{Cookie, Socket};
use super::tracker::PATIENCE;
use crate::moment::Moment;

/// How long an abort on the loopback interface waits: there the client is on this machine for certain, but its program
/// may hold its dead socket as long as it likes.
const LOOPBACK_PATIENCE: Duration = Duration::from_secs(60);

/// How many wait at once; the oldest are told first when there are more. 64 bytes each.
const WAITING_MAX: usize = 65_536;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orphan {
    /// When it died.
    pub(super) at: Moment,
    /// The look before, which did not show it.
    pub(super) not_before: Moment,
    /// The server's address.
    pub(super) server: SocketAddr,
    /// Which socket.
    pub(super) cookie: Cookie,
}

/// All that wait, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    waiting: VecDeque<Orphan>,
}

impl Orphans {
    pub(super) fn add(&mut self, at: Moment, not_before: Moment, socket: &Socket) {
        self.waiting.push_back(Orphan { at, not_before, server: socket.local, cookie: socket.cookie });
    }

    /// The oldest at this address.
    pub(super) fn take(&mut self, server: SocketAddr) -> Option<Orphan> {
        let index = self.waiting.iter().position(|orphan| orphan.server == server)?;
        self.waiting.remove(index)
    }

    /// Takes those that have waited long enough.
    pub(super) fn overdue(&mut self, now: Moment) -> Vec<Orphan> {
        let excess = self.waiting.len().saturating_sub(WAITING_MAX);
        let mut overdue: Vec<_> = self.waiting.drain(..excess).collect();
        self.waiting.retain(|orphan| {
            let patience = if orphan.server.ip().is_loopback() { LOOPBACK_PATIENCE } else { PATIENCE };
            let keep = now.since(orphan.at) < patience;
            if !keep {
                overdue.push(*orphan);
            }
            keep
        });
        overdue
    }

    /// Takes all.
    pub(super) fn all(&mut self) -> Vec<Orphan> {
        self.waiting.drain(..).collect()
    }
}
