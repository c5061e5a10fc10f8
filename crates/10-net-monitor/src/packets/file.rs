//! Reading a capture file, pcapng or pcap, for a report: the same ledger, other observations.
//!
//! The blocks are taken apart by pcap-parser. A file that is cut off, or damaged in the middle, is read up to there, and
//! the report says so. Read before: `streams.rs`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use netcommon::error::OpError;
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};

use super::decode::{self, Link};
use super::streams::Streams;
use crate::event::{Event, Heading};
use crate::ledger::{Ledger, TICK};
use crate::missed::{CAPTURE_BROKEN, CUT_OFF, DAMAGED, NO_CAPTURE, NOT_UNDERSTOOD, TOO_LONG, UNREADABLE};
use crate::moment::Moment;
use crate::observation::Observation;
use crate::record::Record;

/// The longest block that is read: several packets that a network card has put together, and a few options.
const BLOCK_LEN_MAX: usize = 256 * 1024;

/// Interfaces of one section; a file that lists more is damaged.
const INTERFACES_MAX: usize = 4096;

/// How captures begin: pcapng, then pcap in both byte orders, with microseconds and with nanoseconds.
const MAGICS: [[u8; 4]; 5] = [
    [0x0a, 0x0d, 0x0d, 0x0a],
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0x4d, 0x3c, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
];

/// Whether a file begins as a capture does.
///
/// # Errors
/// When it cannot be opened or read.
pub fn is_capture(path: &Path) -> Result<bool, OpError> {
    let mut magic = Vec::new();
    let file = File::open(path).map_err(|error| OpError::new("open", path.display(), error))?;
    file.take(4).read_to_end(&mut magic).map_err(|error| OpError::new("read", path.display(), error))?;
    Ok(MAGICS.iter().any(|known| magic == known))
}

/// Reads a capture into a record, as a log would be.
///
/// # Errors
/// When it cannot be opened. What is damaged in it is said in the record's notes.
pub fn read(path: &Path) -> Result<Record, OpError> {
    let file = File::open(path).map_err(|error| OpError::new("open", path.display(), error))?;
    Ok(read_from(file, &path.display().to_string()))
}

/// As [`read`], from anything that gives bytes; `name` is what the report calls it.
#[must_use]
pub fn read_from(source: impl Read + Send, name: &str) -> Record {
    let mut reading = Reading::default();
    let broken = reading.all(source);
    reading.end(name, broken)
}

/// What is known while a file is read.
#[derive(Default)]
struct Reading {
    ledger: Ledger,
    streams: Streams,
    events: Vec<Event>,
    /// Of the section: how packets begin, units of time in a second, and what to add to them.
    interfaces: Vec<(Option<Link>, u64, i64)>,
    span: Option<(Moment, Moment)>,
    packets: u64,
    not_understood: u64,
    tick_due: Option<Moment>,
}

impl Reading {
    /// Reads to the end, or to where the file is damaged; returns what is wrong there.
    fn all(&mut self, source: impl Read + Send) -> Option<String> {
        // The reader looks at the beginning once, however little of it one read gives.
        let (mut source, mut beginning) = (source, Vec::new());
        if let Err(error) = source.by_ref().take(BLOCK_LEN_MAX as u64).read_to_end(&mut beginning) {
            return Some(error.to_string());
        }
        let mut reader = match create_reader(BLOCK_LEN_MAX, io::Cursor::new(beginning).chain(source)) {
            Ok(reader) => reader,
            Err(error) => return Some(what(&error)),
        };
        loop {
            match reader.next() {
                Ok((len, block)) => {
                    self.block(&block);
                    reader.consume(len);
                }
                Err(PcapError::Eof) => return None,
                Err(PcapError::Incomplete(_)) => {
                    if let Err(error) = reader.refill() {
                        return Some(what(&error));
                    }
                }
                Err(error) => return Some(what(&error)),
            }
        }
    }

    fn block(&mut self, block: &PcapBlockOwned<'_>) {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let units = if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
                self.interfaces = vec![(Link::of(header.network.0), units, 0)];
            }
            PcapBlockOwned::Legacy(packet) => {
                let units = self.interfaces.first().map_or(1_000_000, |(_, units, _)| *units);
                let time = u128::from(packet.ts_sec) * u128::from(units) + u128::from(packet.ts_usec);
                self.packet(0, time, packet.data);
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => self.interfaces.clear(),
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) if self.interfaces.len() < INTERFACES_MAX => {
                let units = interface.ts_resolution().filter(|units| *units > 0).unwrap_or(1_000_000);
                self.interfaces.push((Link::of(interface.linktype.0), units, interface.ts_offset()));
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let time = u128::from(packet.ts_high) << 32 | u128::from(packet.ts_low);
                self.packet(packet.if_id as usize, time, packet.packet_data());
            }
            PcapBlockOwned::NG(Block::SimplePacket(_)) => self.not_understood += 1,
            PcapBlockOwned::NG(_) => {}
        }
    }

    /// A packet, so many of its interface's units after 1970.
    fn packet(&mut self, interface: usize, time: u128, bytes: &[u8]) {
        self.packets += 1;
        let Some((Some(link), units, offset)) = self.interfaces.get(interface).copied() else {
            self.not_understood += 1;
            return;
        };
        let micros = i128::try_from(time * 1_000_000 / u128::from(units)).unwrap_or(i128::MAX);
        let micros = micros.saturating_add(i128::from(offset) * 1_000_000);
        let at = Moment::from_micros(u64::try_from(micros.max(0)).unwrap_or(u64::MAX));
        self.tick(at);
        let Some(packet) = decode::read(link, bytes) else {
            self.not_understood += 1;
            return;
        };
        let mut told = Vec::new();
        self.streams.take(at, &packet, &mut told);
        self.take(told);
    }

    fn take(&mut self, told: Vec<(Moment, Observation)>) {
        for (at, seen) in told {
            self.events.extend(self.ledger.take(at, seen));
        }
    }

    /// The ledger's second, by the packets' own times; these may lie far apart, or go back.
    fn tick(&mut self, at: Moment) {
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        let due = *self.tick_due.get_or_insert(at.plus(TICK));
        if at < due {
            return;
        }
        // What has passed by now belongs to the second that ended then, also when nothing has come since for an hour.
        self.events.extend(self.ledger.tick(due));
        let seconds = u32::try_from(at.since(due).as_secs()).unwrap_or(u32::MAX);
        self.tick_due = Some(due.plus(TICK).plus(TICK.saturating_mul(seconds)));
    }

    fn end(mut self, name: &str, broken: Option<String>) -> Record {
        let (first, last) = self.span.unwrap_or_default();
        let mut told = Vec::new();
        self.streams.finish(&mut told);
        if let Some(why) = broken {
            let what = CAPTURE_BROKEN.say(&[&self.packets, &why]);
            told.push((last, Observation::Missed { what, at_least: 0 }));
        }
        if self.not_understood > 0 {
            let what = NOT_UNDERSTOOD.say(&[&self.not_understood, &self.packets]);
            told.push((last, Observation::Missed { what, at_least: 0 }));
        }
        self.take(told);
        self.events.extend(self.ledger.finish(last));
        let mut record = Record::default();
        let (source, watching) = ("capture".to_owned(), vec![name.to_owned()]);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        record.take(Event::Started(Heading { at: first, source, watching, version, part: 1 }));
        self.events.into_iter().for_each(|event| record.take(event));
        record.finish();
        record
    }
}

/// What a parser's error means.
fn what<I>(error: &PcapError<I>) -> String {
    match error {
        PcapError::Eof | PcapError::UnexpectedEof | PcapError::Incomplete(_) => CUT_OFF,
        PcapError::BufferTooSmall => TOO_LONG,
        PcapError::ReadError => UNREADABLE,
        PcapError::HeaderNotRecognized => NO_CAPTURE,
        PcapError::NomError(..) | PcapError::OwnedNomError(..) => DAMAGED,
    }
    .say(&[])
}

#[cfg(test)]
mod tests;
