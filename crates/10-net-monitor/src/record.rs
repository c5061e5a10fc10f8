//! A whole run, or several, put together from its events: what every report is made of.
//!
//! The events come from a log (`journal/read.rs`), or from a ledger that has read a capture; the record does not
//! know which. Pure. Read `event.rs` and `totals.rs` before, `report/mod.rs` next.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use crate::connection::{Connection, How};
use crate::event::{Event, Heading};
use crate::moment::Moment;
use crate::observation::{Flow, Id, Mark, Proof, Protocol};
use crate::timeline::{Slot, Timeline};
use crate::totals::{Port, Sums};

/// Connections that are kept one by one, some 250 MB; the sums count the others as well.
pub const CONNECTIONS_MAX: usize = 1_000_000;

/// Notes that are kept; a log full of them says the same thing over and over.
pub const NOTES_MAX: usize = 1_000;

/// What a log tells.
#[derive(Debug, Default)]
pub struct Record {
    /// One for each run, in the order of reading.
    pub runs: Vec<Heading>,
    /// In the order in which they ended.
    pub connections: Vec<Connection>,
    /// Of all connections.
    pub sums: Sums,
    /// Of all ports.
    pub timeline: Timeline,
    /// What was not seen, and when the clock was set: only such events.
    pub notes: Vec<Event>,
    /// Somebody else's counts.
    pub proofs: Vec<Proof>,
    /// The first and the last moment that an event names.
    pub span: Option<(Moment, Moment)>,
    /// Lines that cannot be read: torn by a kill, or by somebody's editor.
    pub lines_torn: u64,
    /// Lines of a newer version of the program.
    pub lines_unknown: u64,
    /// Runs that have no last line: they were killed.
    pub broken_off: u64,
    /// Connections that are counted and not kept.
    pub not_kept: u64,
    begun: HashMap<Id, (Moment, SocketAddr, SocketAddr)>,
    open: BTreeMap<Port, u64>,
    running: bool,
}

impl Record {
    /// Takes the next event.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Started(heading) => self.start(heading),
            Event::Opened { at, number, protocol, from, to } => {
                self.saw(at);
                self.begun.insert(Id { protocol, number }, (at, from, to));
                let flow = Flow { client: from, server: to, target: None };
                let connection = Connection::new(Id { protocol, number }, &flow, at, None);
                self.sums.each(&connection, |totals| totals.open());
            }
            Event::Connection(connection) => self.close(connection),
            Event::Traffic { at, protocol, on, bytes_in, bytes_out, opened, open } => {
                self.saw(at);
                self.open.insert((protocol, on), open);
                let open_max = self.open.values().copied().fold(0, u64::saturating_add);
                self.timeline.add(at, Slot { bytes_in, bytes_out, opened, open_max });
            }
            Event::Missed { at, .. } | Event::ClockSet { at, .. } | Event::Gap { at, .. } => {
                self.saw(at);
                if self.notes.len() < NOTES_MAX {
                    self.notes.push(event);
                }
            }
            Event::Proof(proof) => self.proofs.push(proof),
            Event::Finished { at } => {
                self.saw(at);
                self.running = false;
                self.begun.clear();
            }
            Event::Unknown => self.lines_unknown += 1,
        }
    }

    /// Call it behind the last event: a run that has no last line was broken off.
    pub fn finish(&mut self) {
        if !std::mem::take(&mut self.running) {
            return;
        }
        self.broken_off += 1;
        self.open.clear();
        let at = self.span.map_or(Moment::default(), |(_, last)| last);
        let mut begun: Vec<_> = self.begun.drain().collect();
        begun.sort_unstable_by_key(|(id, _)| *id);
        for (id, (start, client, server)) in begun {
            // All that is known of it is that it began.
            let mut connection = Connection::new(id, &Flow { client, server, target: None }, start, None);
            connection.end = at.max(start);
            (connection.bytes_in_is, connection.bytes_out_is) = (Mark::AtLeast, Mark::AtLeast);
            connection.how = How::Unknown;
            self.sums.each(&connection, |totals| totals.close(&connection));
            self.keep(connection);
        }
    }

    fn start(&mut self, heading: Heading) {
        self.saw(heading.at);
        let same_run = self.runs.last().is_some_and(|last| last.at == heading.at && last.source == heading.source);
        // A rotation begins a file, not a run.
        if same_run && self.running {
            return;
        }
        self.finish();
        self.running = true;
        self.timeline.begin(heading.at);
        self.runs.push(heading);
    }

    fn close(&mut self, connection: Connection) {
        self.saw(connection.start);
        self.saw(connection.end);
        let id = Id { protocol: connection.protocol, number: connection.number };
        // The line of its beginning may stand in a file that was not given.
        if self.begun.remove(&id).is_none() {
            self.sums.each(&connection, |totals| totals.open());
        }
        self.sums.each(&connection, |totals| {
            totals.pass([connection.bytes_in, connection.bytes_out]);
            totals.close(&connection);
        });
        self.keep(connection);
    }

    fn keep(&mut self, connection: Connection) {
        if self.connections.len() < CONNECTIONS_MAX {
            self.connections.push(connection);
        } else {
            self.not_kept += 1;
        }
    }

    fn saw(&mut self, at: Moment) {
        let (first, last) = self.span.get_or_insert((at, at));
        *first = at.min(*first);
        *last = at.max(*last);
    }

    /// Whether something was not seen, or may not have been.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let missed = self.notes.iter().any(|note| matches!(note, Event::Missed { .. } | Event::Gap { .. }));
        let unexplained = self.proofs.iter().any(|proof| proof.unexplained() != 0);
        !missed && !unexplained && self.lines_torn == 0 && self.broken_off == 0 && self.lines_unknown == 0
    }

    /// Which protocols there are.
    #[must_use]
    pub fn has(&self, protocol: Protocol) -> bool {
        self.sums.ports.keys().any(|port| port.0 == protocol)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ledger::Ledger;
    use crate::observation::{Counts, Observation};

    fn at(millis: u64) -> Moment {
        Moment::from_micros(1_700_000_000_000_000).plus(Duration::from_millis(millis))
    }

    fn heading(millis: u64, part: u32) -> Event {
        let watching = vec!["tcp".to_owned()];
        let version = "0".to_owned();
        Event::Started(Heading { at: at(millis), source: "proxy".to_owned(), watching, version, part })
    }

    /// The events of a run with so many connections, of which the last one stays open.
    fn run(start: u64, connections: u64) -> Vec<Event> {
        let mut ledger = Ledger::default();
        let mut events = vec![heading(start, 1)];
        for number in 1..=connections {
            let id = Id { protocol: Protocol::Tcp, number };
            let flow = Flow {
                client: SocketAddr::from(([192, 0, 2, 1], 50_000)),
                server: SocketAddr::from(([127, 0, 0, 1], 8888)),
                target: None,
            };
            let now = at(start + number * 700);
            events.extend(ledger.take(now, Observation::Opened { id, flow, not_before: None }));
            let counts = Counts { bytes: [number, 10 * number], ..Counts::default() };
            ledger.take(now, Observation::Counted { id, counts });
            if number < connections {
                events.extend(ledger.take(now, Observation::Closed { id, how: How::Orderly }));
            }
            events.extend(ledger.tick(now));
        }
        events.extend(ledger.finish(at(start + connections * 700 + 1)));
        events
    }

    fn record(events: impl IntoIterator<Item = Event>) -> Record {
        let mut record = Record::default();
        events.into_iter().for_each(|event| record.take(event));
        record.finish();
        record
    }

    #[test]
    fn tables_chart_and_log_add_up_to_the_same() {
        let record = record(run(0, 10).into_iter().chain(run(100_000, 4)));
        let rows: u64 = record.connections.iter().map(Connection::bytes).sum();
        let chart: u64 = record.timeline.slots().iter().map(Slot::bytes).sum();
        let port = &record.sums.ports[&(Protocol::Tcp, 8888)];
        let peers: u64 = record.sums.top_peers().iter().map(|(_, totals)| totals.bytes()).sum();
        assert_eq!([rows, chart, port.bytes(), peers], [11 * (55 + 10); 4]);
        assert_eq!((port.connections, port.open, record.runs.len()), (14, 2, 2));
        assert!(record.is_complete());
    }

    #[test]
    fn a_log_that_breaks_off_anywhere_tells_what_was_open() {
        let events = run(0, 5);
        for len in 1..events.len() {
            let record = record(events[..len].iter().cloned());
            let opened = events[..len].iter().filter(|event| matches!(event, Event::Opened { .. })).count();
            assert_eq!(record.connections.len(), opened, "after {len} events");
            assert_eq!(record.sums.all.connections, opened as u64);
            assert_eq!((record.broken_off, record.is_complete()), (1, false));
            let still_open = record.connections.iter().filter(|connection| connection.how == How::StillOpen).count();
            assert_eq!(record.sums.all.open, still_open as u64);
        }
    }

    #[test]
    fn a_rotation_is_no_new_run_and_a_lost_first_file_loses_only_its_lines() {
        let mut events = run(0, 5);
        events.insert(7, heading(0, 2));
        assert_eq!(record(events.clone()).runs.len(), 1);
        let later = record(events.drain(7..));
        assert!(later.connections.len() >= 3 && later.broken_off == 0);
        assert_eq!(later.sums.all.connections, later.connections.len() as u64);
    }
}
