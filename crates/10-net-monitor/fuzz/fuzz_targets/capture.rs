//! Fuzzes `net-monitor report FILE.pcapng`: packets that make sense, packets that make none, damaged and cut files.
//!
//! What must hold: nothing panics, hangs or fills the memory; a file means the same however its bytes arrive; the sums
//! are those of the connections; and no report carries a command to a terminal, a spreadsheet or a browser. How to run
//! it: `../README.md`. Source of the rules: `src/packets/mod.rs`.
#![no_main]

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use net_monitor::connection::Connection;
use net_monitor::packets::file::read_from;
use net_monitor::record::Record;
use net_monitor::report;
use netcommon::lang::Lang;
use netcommon::pcapng::block;
use netcommon::pcapng::packet::{Flags, datagram, segment};

#[derive(Debug, Arbitrary)]
struct Case {
    form: Form,
    blocks: Vec<Block>,
    /// Where a byte of the file is another one.
    damage: Vec<(u16, u8)>,
    /// How much of its end is missing.
    cut: u8,
    /// The sizes of the pieces in which the file is read, used in turn.
    pieces: Vec<u8>,
}

#[derive(Debug, Arbitrary)]
enum Form {
    Pcapng,
    /// The older format, in one of its byte orders and precisions, with this kind of link.
    Pcap {
        is_big_endian: bool,
        is_nanoseconds: bool,
        link: u8,
    },
    /// A file from nobody in particular.
    Bytes(Vec<u8>),
}

#[derive(Debug, Arbitrary)]
enum Block {
    Section,
    Interface { link: u8 },
    Packet { time: u64, header: Header, payload: Vec<u8>, kept: Option<u8> },
    Any { kind: u8, body: Vec<u8> },
}

/// Few addresses and small numbers, so that packets meet.
#[derive(Debug, Arbitrary)]
struct Header {
    hosts: [bool; 2],
    ports: [bool; 2],
    is_ipv6: bool,
    tcp: Option<(u8, u8, u8)>,
    /// Bytes before the IP header, as a link has them.
    link: Vec<u8>,
}

fuzz_target!(|case: Case| {
    let mut file = case.file();
    for (at, byte) in &case.damage {
        if let Some(place) = file.get_mut(usize::from(*at)) {
            *place = *byte;
        }
    }
    file.truncate(file.len().saturating_sub(usize::from(case.cut)));
    let name = "<b>\x1b]0;教室\u{202e}";
    let whole = read_from(&file[..], name);
    let in_pieces = read_from(Pieces { rest: &file, sizes: &case.pieces, turn: 0 }, name);
    assert_eq!(whole.connections, in_pieces.connections);
    assert_eq!(whole.notes, in_pieces.notes);
    check_sums(&whole);
    check_reports(&whole);
});

fn check_sums(record: &Record) {
    let rows = &record.connections;
    let sum = |bytes: fn(&Connection) -> u64| rows.iter().map(bytes).fold(0, u64::saturating_add);
    let all = &record.sums.all;
    assert_eq!(all.connections, rows.len() as u64);
    assert_eq!(all.endings.values().sum::<u64>(), all.connections);
    assert_eq!((all.bytes_in, all.bytes_out), (sum(|row| row.bytes_in), sum(|row| row.bytes_out)));
    for row in rows {
        assert!(row.start <= row.end, "{row:?}");
    }
}

fn check_reports(record: &Record) {
    let is_command = |c: char| c.is_control() && c != '\n' && c != '\r';
    for lang in [Lang::En, Lang::ZhTw] {
        let text = report::text::text(record, lang, 20);
        assert!(!text.contains(is_command), "{text:?}");
        let page = report::html::page(record, lang);
        assert!(!page.contains(is_command) && !page.contains("<b>\\x1b") && !page.contains('\u{202e}'), "{page}");
    }
    assert!(report::json::json(record).is_object());
    assert_eq!(report::csv::csv(record).lines().count(), 1 + record.connections.len());
}

impl Case {
    fn file(&self) -> Vec<u8> {
        match &self.form {
            Form::Bytes(bytes) => bytes.clone(),
            Form::Pcapng => {
                let mut file = [block::section("fuzz"), block::interface("raw", "")].concat();
                self.blocks.iter().for_each(|block| file.extend(block.pcapng()));
                file
            }
            Form::Pcap { is_big_endian, is_nanoseconds, link } => {
                let number = |number: u32| if *is_big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
                let magic = if *is_nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
                let version = if *is_big_endian { [0, 2, 0, 4] } else { [2, 0, 4, 0] };
                let mut file = [number(magic), version].concat();
                file.extend([0, 0, 65_535, link_number(*link).into()].map(number).concat());
                for block in &self.blocks {
                    if let Block::Packet { time, header, payload, kept } = block {
                        let bytes = header.around(payload);
                        let (kept, len) = (kept_of(&bytes, *kept), bytes.len() as u32);
                        let times = [(*time / 1000) as u32, (*time % 1000) as u32];
                        file.extend([times[0], times[1], kept as u32, len].map(number).concat());
                        file.extend(&bytes[..kept]);
                    }
                }
                file
            }
        }
    }
}

impl Block {
    fn pcapng(&self) -> Vec<u8> {
        match self {
            Self::Section => block::section("again"),
            Self::Interface { link } => block::interface_of(link_number(*link), "lo", ""),
            Self::Packet { time, header, payload, kept } => {
                let bytes = header.around(payload);
                let kept = kept_of(&bytes, *kept);
                block::packet(*time, bytes.len() as u32, &bytes[..kept], None, Some("send(4, \"你好\")"))
            }
            Self::Any { kind, body } => {
                let mut body = body.clone();
                body.resize(body.len().next_multiple_of(4), 0);
                let len = (body.len() as u32 + 12).to_le_bytes();
                [&u32::from(*kind).to_le_bytes()[..], &len, &body, &len].concat()
            }
        }
    }
}

impl Header {
    fn around(&self, payload: &[u8]) -> Vec<u8> {
        let end = |side: usize| {
            let host = u8::from(self.hosts[side]) + 1;
            let v4 = Ipv4Addr::new(192, 0, 2, host);
            let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host.into());
            let ip = if self.is_ipv6 { IpAddr::from(v6) } else { v4.into() };
            SocketAddr::new(ip, if self.ports[side] { 8888 } else { 50_312 })
        };
        let ip = match self.tcp {
            Some((flags, seq, ack)) => segment(end(0), end(1), seq.into(), ack.into(), Flags(flags), payload),
            None => datagram(end(0), end(1), payload),
        };
        [&self.link, &ip[..]].concat()
    }
}

/// The kinds of link that are known, and one that is not.
fn link_number(choice: u8) -> u16 {
    [1, 12, 101, 228, 0, 108, 113, 276, 147][usize::from(choice) % 9]
}

fn kept_of(bytes: &[u8], kept: Option<u8>) -> usize {
    kept.map_or(bytes.len(), |kept| bytes.len().min(kept.into()))
}

/// A file that gives its bytes a few at a time.
struct Pieces<'a> {
    rest: &'a [u8],
    sizes: &'a [u8],
    turn: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let size = if self.sizes.is_empty() { 1 } else { self.sizes[self.turn % self.sizes.len()].max(1) };
        self.turn += 1;
        let len = usize::from(size).min(self.rest.len()).min(into.len());
        into[..len].copy_from_slice(&self.rest[..len]);
        self.rest = &self.rest[len..];
        Ok(len)
    }
}
