//! The ports that are being asked, and the tries under way for each: a table with places used again.
//!
//! A try is known by its [`TryId`] to the engine, which has its socket; a port may have several tries under
//! way when its host may be slow. Pure.

use std::net::SocketAddr;
use std::time::Instant;

use super::hosts::HostId;
use crate::plan::Question;

/// The place of a port among those that are being asked.
pub type PortId = u32;

/// The number of a try under way; given to another one after it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TryId(u32);

impl TryId {
    /// Small and dense, to index a table with.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A port that is being asked.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) question: Question,
    pub(super) host: HostId,
    /// When the first try began.
    pub(super) asked_at: Instant,
    /// When the last try began.
    pub(super) tried_at: Instant,
    /// The number of the last try, from 1.
    pub(super) attempt: u8,
    /// The number of the last try among all tries of the scan; 0 while none is under way.
    serial: u64,
    tries: Vec<TryId>,
}

impl Asking {
    pub(super) fn new(question: Question, host: HostId, now: Instant) -> Self {
        let tries = Vec::new();
        Self { question, host, asked_at: now, tried_at: now, attempt: 0, serial: 0, tries }
    }
}

/// A try under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try {
    pub(super) port: PortId,
    pub(super) attempt: u8,
    pub(super) began: Instant,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Tries {
    ports: Vec<Option<Asking>>,
    ports_empty: Vec<PortId>,
    tries: Vec<Option<Try>>,
    tries_empty: Vec<TryId>,
    /// How many tries there have been.
    started: u64,
}

impl Tries {
    /// How many tries are under way.
    pub(super) fn in_flight(&self) -> usize {
        self.tries.len() - self.tries_empty.len()
    }

    /// The ports that are being asked.
    pub(super) fn ports(&self) -> impl Iterator<Item = &Asking> {
        self.ports.iter().flatten()
    }

    pub(super) fn begin(&mut self, asking: Asking) -> PortId {
        let id = self.ports_empty.pop().unwrap_or_else(|| {
            self.ports.push(None);
            number(self.ports.len() - 1)
        });
        self.ports[id as usize] = Some(asking);
        id
    }

    pub(super) fn asking(&self, id: PortId) -> &Asking {
        self.ports[id as usize].as_ref().expect("a port keeps its place until `finish`")
    }

    /// The port, if the try with this serial number is still its last one.
    pub(super) fn asking_if(&self, id: PortId, serial: u64) -> Option<&Asking> {
        self.ports[id as usize].as_ref().filter(|asking| asking.serial == serial)
    }

    /// Starts one more try of a port: its number, whom to ask, and its serial number.
    pub(super) fn start(&mut self, port: PortId, now: Instant) -> (TryId, SocketAddr, u64) {
        self.started += 1;
        let id = self.tries_empty.pop().unwrap_or_else(|| {
            self.tries.push(None);
            TryId(number(self.tries.len() - 1))
        });
        let asking = self.ports[port as usize].as_mut().expect("a port keeps its place until `finish`");
        asking.attempt += 1;
        asking.tried_at = now;
        if asking.attempt == 1 {
            asking.asked_at = now;
        }
        asking.serial = self.started;
        asking.tries.push(id);
        self.tries[id.index()] = Some(Try { port, attempt: asking.attempt, began: now });
        (id, asking.question.addr, asking.serial)
    }

    /// A try has ended by itself; `None` if it had been dropped before.
    pub(super) fn end(&mut self, id: TryId) -> Option<Try> {
        let ended = self.tries.get_mut(id.index())?.take()?;
        self.tries_empty.push(id);
        let asking = self.ports[ended.port as usize].as_mut().expect("a port outlives its tries");
        asking.tries.retain(|other| *other != id);
        Some(ended)
    }

    /// The last try of a port never left this machine.
    pub(super) fn not_asked(&mut self, port: PortId) {
        let asking = self.ports[port as usize].as_mut().expect("a port keeps its place until `finish`");
        asking.attempt -= 1;
        asking.serial = 0;
    }

    /// Ends all tries of a port that are under way; `dropped` gets their numbers.
    pub(super) fn drop_tries(&mut self, port: PortId, dropped: &mut Vec<TryId>) {
        let asking = self.ports[port as usize].as_mut().expect("a port keeps its place until `finish`");
        for id in asking.tries.drain(..) {
            self.tries[id.index()] = None;
            self.tries_empty.push(id);
            dropped.push(id);
        }
    }

    /// A port is settled; its tries have been dropped before.
    pub(super) fn finish(&mut self, id: PortId) -> Asking {
        self.ports_empty.push(id);
        self.ports[id as usize].take().expect("a port is settled once")
    }
}

/// Tables have at most as many places as the system gives sockets.
fn number(index: usize) -> u32 {
    u32::try_from(index).expect("no system gives a process four thousand million sockets")
}
