//! The ledger: observations and the time go in, events come out. It has no socket, no clock and no file.
//!
//! It keeps the connections that are open, and sums. What is over leaves as an [`Event`] and is forgotten, so its memory
//! depends on how many are open, never on how long it runs. Every source feeds the same one. Read `observation.rs` and
//! `event.rs` before.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use crate::connection::{Connection, How};
use crate::event::Event;
use crate::missed::TOO_MANY_OPEN;
use crate::moment::Moment;
use crate::observation::{Flow, Id, Observation, Proof, Side};
use crate::timeline::Slot;
use crate::totals::{Port, Sums};

#[cfg(test)]
mod tests;

/// How often [`Ledger::tick`] should be called: rates are by the second.
pub const TICK: Duration = Duration::from_secs(1);

/// Seconds of which the rate is kept for whoever looks on: two minutes.
pub const RATES_MAX: usize = 120;

/// Connections that are open at once; a capture of a flood of SYNs would otherwise fill the memory. With half a
/// kilobyte each they take 128 MB.
pub const OPEN_MAX: usize = 262_144;

/// A connection that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// As it would be written if it ended now.
    pub connection: Connection,
    /// Payload both ways in the second before the last tick.
    pub bytes_per_second: u64,
    /// Its bytes at the last tick.
    bytes_at_tick: u64,
    /// When the first side ended.
    half_closed: Option<Moment>,
}

/// What is known by now.
///
/// # Examples
/// ```
/// use net_monitor::connection::How;
/// use net_monitor::event::Event;
/// use net_monitor::ledger::Ledger;
/// use net_monitor::moment::Moment;
/// use net_monitor::observation::{Counts, Flow, Id, Observation, Protocol};
///
/// let (client, server) = ("127.0.0.1:50312".parse().unwrap(), "127.0.0.1:8888".parse().unwrap());
/// let id = Id { protocol: Protocol::Tcp, number: 1 };
/// let mut ledger = Ledger::default();
/// let at = Moment::from_micros(0);
/// ledger.take(at, Observation::Opened { id, flow: Flow { client, server, target: None }, not_before: None });
/// ledger.take(at, Observation::Counted { id, counts: Counts { bytes: [6, 23], ..Counts::default() } });
/// let event = ledger.take(at, Observation::Closed { id, how: How::Orderly });
/// assert!(matches!(event, Some(Event::Connection(connection)) if connection.bytes_out == 23));
/// assert_eq!(ledger.sums().all.connections, 1);
/// ```
#[derive(Debug, Default)]
pub struct Ledger {
    open: HashMap<Id, Open>,
    sums: Sums,
    /// Payload per second both ways, the newest last.
    rates: VecDeque<u64>,
    /// By port, since the last tick.
    since_tick: BTreeMap<Port, Slot>,
    last_tick: Option<Moment>,
    /// By who has counted.
    proofs: BTreeMap<String, Proof>,
    missed: u64,
}

impl Ledger {
    /// Takes one observation; returns what belongs into the log because of it.
    ///
    /// An observation of a connection that was never opened, or is over, changes nothing.
    // ANCHOR: take
    pub fn take(&mut self, at: Moment, seen: Observation) -> Option<Event> {
        match seen {
            Observation::Opened { id, flow, not_before } => self.begin(at, id, &flow, not_before),
            Observation::Counted { id, counts } => {
                let open = self.open.get_mut(&id)?;
                let before = [open.connection.bytes_in, open.connection.bytes_out];
                open.connection.count(&counts);
                // A count that a source takes back does not take back what was shown.
                let passed = [0, 1].map(|side| counts.bytes[side].saturating_sub(before[side]));
                self.sums.each(&open.connection, |totals| totals.pass(passed));
                let slot = Slot { bytes_in: passed[0], bytes_out: passed[1], ..Slot::default() };
                self.since_tick.entry(port_of(&open.connection)).or_default().add(slot);
                None
            }
            Observation::Owned { id, process } => {
                self.open.get_mut(&id)?.connection.process = Some(process);
                None
            }
            Observation::Ended { id, side } => {
                self.open.get_mut(&id)?.end_side(at, side);
                None
            }
            Observation::Closed { id, how } => self.end(at, id, how),
            Observation::Missed { what, at_least } => {
                self.missed = self.missed.saturating_add(at_least);
                Some(Event::Missed { at, what, at_least })
            }
            Observation::Proof(proof) => {
                self.proofs.insert(proof.counted_by.clone(), proof);
                None
            }
        }
    }
    // ANCHOR_END: take

    fn begin(&mut self, at: Moment, id: Id, flow: &Flow, not_before: Option<Moment>) -> Option<Event> {
        if self.open.contains_key(&id) {
            return None;
        }
        if self.open.len() >= OPEN_MAX {
            let what = TOO_MANY_OPEN.say(&[&OPEN_MAX]);
            return self.take(at, Observation::Missed { what, at_least: 1 });
        }
        let connection = Connection::new(id, flow, at, not_before);
        self.sums.each(&connection, |totals| totals.open());
        let slot = Slot { opened: 1, ..Slot::default() };
        self.since_tick.entry(port_of(&connection)).or_default().add(slot);
        self.open.insert(id, Open { connection, bytes_per_second: 0, bytes_at_tick: 0, half_closed: None });
        let (from, to) = (flow.client, flow.server);
        Some(Event::Opened { at, number: id.number, protocol: id.protocol, from, to })
    }

    fn end(&mut self, at: Moment, id: Id, how: How) -> Option<Event> {
        let Open { mut connection, half_closed, .. } = self.open.remove(&id)?;
        connection.end = at.max(connection.start);
        connection.how = how;
        if let Some(since) = half_closed {
            connection.half_closed_ms = Some(u64::try_from(at.since(since).as_millis()).unwrap_or(u64::MAX));
        }
        self.sums.each(&connection, |totals| totals.close(&connection));
        self.since_tick.entry(port_of(&connection)).or_default();
        Some(Event::Connection(connection))
    }

    /// Once every [`TICK`]: what has passed since, per port, for the log and for the chart.
    pub fn tick(&mut self, at: Moment) -> Vec<Event> {
        let seconds = self.last_tick.map_or(TICK, |last| at.since(last)).as_secs_f64().max(f64::MIN_POSITIVE);
        let rate = |bytes: u64| (bytes as f64 / seconds) as u64;
        self.last_tick = Some(at);
        for open in self.open.values_mut() {
            let bytes = open.connection.bytes();
            open.connection.end = at.max(open.connection.start);
            open.bytes_per_second = rate(bytes.saturating_sub(open.bytes_at_tick));
            open.bytes_at_tick = bytes;
        }
        let mut passed = 0_u64;
        let mut events = Vec::new();
        for ((protocol, on), slot) in std::mem::take(&mut self.since_tick) {
            passed = passed.saturating_add(slot.bytes());
            let open = self.sums.ports.get(&(protocol, on)).map_or(0, |totals| totals.open);
            let Slot { bytes_in, bytes_out, opened, .. } = slot;
            events.push(Event::Traffic { at, protocol, on, bytes_in, bytes_out, opened, open });
        }
        if self.rates.len() == RATES_MAX {
            self.rates.pop_front();
        }
        self.rates.push_back(rate(passed));
        events
    }

    /// Ends the run: everything that is open leaves as "still open", and the last traffic with it.
    pub fn finish(&mut self, at: Moment) -> Vec<Event> {
        let mut ids: Vec<Id> = self.open.keys().copied().collect();
        ids.sort_unstable();
        let mut events: Vec<Event> = ids.into_iter().filter_map(|id| self.end(at, id, How::StillOpen)).collect();
        events.extend(self.tick(at));
        events.extend(self.proofs.values().cloned().map(Event::Proof));
        events.push(Event::Finished { at });
        events
    }

    /// The connections that are open, in no order.
    pub fn open(&self) -> impl ExactSizeIterator<Item = &Open> {
        self.open.values()
    }

    /// The sums since the beginning.
    #[must_use]
    pub fn sums(&self) -> &Sums {
        &self.sums
    }

    /// Payload per second both ways, one number for each of the last [`RATES_MAX`] ticks, the newest last.
    pub fn rates(&self) -> impl ExactSizeIterator<Item = u64> {
        self.rates.iter().copied()
    }

    /// The last count of everybody else who counts.
    pub fn proofs(&self) -> impl Iterator<Item = &Proof> {
        self.proofs.values()
    }

    /// How many connections were not seen, at least.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

impl Open {
    fn end_side(&mut self, at: Moment, side: Side) {
        if self.connection.ended_first.is_none() {
            self.connection.ended_first = Some(side);
            self.half_closed = Some(at);
        }
    }
}

fn port_of(connection: &Connection) -> Port {
    (connection.protocol, connection.port)
}
