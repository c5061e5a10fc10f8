//! The two ends of one connection, and what has been told of it. Pure.
//!
//! What has been told is kept, so that nothing is told twice. Read before: `verdict.rs`. Read next: `tracker.rs`.

use super::verdict::{self, End};
use crate::connection::How;
use crate::moment::Moment;
use crate::observation::{Counts, Flow, Id, Observation, Side};

/// A connection that is not over.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) flow: Flow,
    /// By [`Side::index`]; `None` for an end that nobody has seen here.
    pub(super) ends: [Option<End>; 2],
    /// When the first end was seen.
    pub(super) since: Moment,
    /// Nothing was there yet at this moment.
    pub(super) not_before: Moment,
    /// Since when an end is missing in the looks though nobody announced its death.
    pub(super) missing_since: Option<Moment>,
    is_told: bool,
    told: Counts,
}

impl Pair {
    pub(super) fn new(flow: Flow, since: Moment, not_before: Moment) -> Self {
        let (ends, told) = ([None, None], Counts::default());
        Self { flow, ends, since, not_before, missing_since: None, is_told: false, told }
    }

    /// Says what is known, unless it has been said; `owner` is the program that listens on the server's port.
    pub(super) fn tell(&mut self, id: Id, at: Moment, owner: Option<&String>, told: &mut Vec<(Moment, Observation)>) {
        if !self.is_told {
            self.is_told = true;
            let not_before = Some(self.not_before).filter(|moment| *moment < self.since);
            told.push((self.since, Observation::Opened { id, flow: self.flow.clone(), not_before }));
            let is_served_here = self.ends[Side::Server.index()].is_some();
            if let Some(process) = owner.filter(|_| is_served_here) {
                told.push((self.since, Observation::Owned { id, process: process.clone() }));
            }
        }
        let counts = verdict::counts(&self.ends);
        if counts != self.told {
            self.told = counts;
            told.push((at, Observation::Counted { id, counts }));
        }
    }

    /// Whether an end that was seen has not died.
    pub(super) fn is_alive(&self) -> bool {
        self.ends.iter().flatten().any(|end| end.died.is_none())
    }

    /// When the last of its ends died.
    pub(super) fn died(&self) -> Option<Moment> {
        self.ends.iter().flatten().filter_map(|end| end.died).max()
    }

    /// Whether the server's end may have been aborted without anybody having looked: then its announcement, which
    /// names no client, is among the orphans.
    pub(super) fn misses_aborted_server(&self) -> bool {
        let [client, server] = &self.ends;
        let is_whole = client.as_ref().is_some_and(|client| !client.aborted && !client.unheard);
        server.is_none() && is_whole && verdict::how(&self.ends) == How::ResetByServer
    }

    /// The side that nobody has seen here.
    pub(super) fn unseen(&self) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| self.ends[side.index()].is_none())
    }
}
