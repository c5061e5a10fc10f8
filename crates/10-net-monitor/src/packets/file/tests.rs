//! Capture files of our own writing: whole, cut anywhere, damaged, and in the older format.
//!
//! Read `file.rs` before.

use netcommon::pcapng::block::{interface, packet, section};
use netcommon::pcapng::conversation::Stream;
use proptest::prelude::*;

use super::*;
use crate::connection::How;

/// One connection in a pcapng, with 6 bytes in and 17 out.
fn capture() -> Vec<u8> {
    let (client, server) = ("192.0.2.7:50312".parse().unwrap(), "192.0.2.1:8888".parse().unwrap());
    let (mut stream, mut packets) = Stream::connect(client, server);
    packets.extend(stream.send("你好".as_bytes()));
    packets.extend(stream.receive(b"Server received: "));
    packets.extend(stream.finish());
    packets.extend(stream.receive(&[]));
    let mut file = section("測試");
    file.extend(interface("chat", "headers are rebuilt"));
    for (index, (direction, bytes)) in (0..).zip(&packets) {
        let nanos = 1_795_420_800_000_000_000 + index * 1_000_000;
        file.extend(packet(nanos, bytes.len() as u32, bytes, Some(*direction), Some("send(4, \"你好\") = 6")));
    }
    file
}

/// The same packet in the older format, in a byte order.
fn legacy(big_endian: bool) -> Vec<u8> {
    let number = |number: u32| if big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
    let short = |number: u16| if big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
    let (client, server) = ("192.0.2.7:50312".parse().unwrap(), "192.0.2.1:9999".parse().unwrap());
    let bytes = netcommon::pcapng::packet::datagram(client, server, "你好".as_bytes());
    let mut file = number(0xa1b2_c3d4).to_vec();
    file.extend([short(2), short(4)].concat());
    file.extend([number(0), number(0), number(65_535), number(101)].concat());
    let len = bytes.len() as u32;
    file.extend([number(1_795_420_800), number(250_000), number(len), number(len)].concat());
    file.extend(bytes);
    file
}

#[test]
fn a_capture_reads_as_a_log_would() {
    let record = read_from(&capture()[..], "樣本.pcapng");
    assert_eq!((record.connections.len(), record.notes.len()), (1, 0), "{record:#?}");
    let connection = &record.connections[0];
    assert_eq!((connection.bytes_in, connection.bytes_out, connection.how), (6, 17, How::Orderly));
    assert_eq!(connection.start.to_string(), "2026-11-23T08:00:00.000000Z");
    assert_eq!(record.runs[0].watching, ["樣本.pcapng"]);
}

#[test]
fn traffic_stands_at_the_second_in_which_it_passed_also_when_nothing_follows_for_long() {
    let (client, server) = ("192.0.2.7:50312".parse().unwrap(), "192.0.2.1:9999".parse().unwrap());
    let mut file = [section("測試"), interface("chat", "")].concat();
    // Twice in the first second, then after two and a half minutes.
    for (millis, len) in [(0, 1), (900, 2), (150_500, 4)] {
        let bytes = netcommon::pcapng::packet::datagram(client, server, &vec![7; len]);
        let nanos = 1_795_420_800_000_000_000 + millis * 1_000_000;
        file.extend(packet(nanos, bytes.len() as u32, &bytes, None, None));
    }
    let record = read_from(&file[..], "sparse");
    let slots = record.timeline.slots();
    let with_traffic: Vec<_> = (0..).zip(slots).filter(|(_, slot)| slot.bytes() > 0).collect();
    let found: Vec<(usize, u64)> = with_traffic.iter().map(|(second, slot)| (*second, slot.bytes_in)).collect();
    assert_eq!((record.timeline.start(), found), (record.span.map(|span| span.0), vec![(0, 3), (150, 4)]));
}

#[test]
fn the_older_format_is_read_in_both_byte_orders() {
    for big_endian in [false, true] {
        let record = read_from(&legacy(big_endian)[..], "old.pcap");
        let found: Vec<_> = record.connections.iter().map(|connection| (connection.bytes_in, connection.how)).collect();
        assert_eq!(found, [(6, How::Silent)], "{:?}", record.notes);
        assert_eq!(record.connections[0].start.to_string(), "2026-11-23T08:00:00.250000Z");
    }
}

#[test]
fn a_file_cut_anywhere_is_read_up_to_there_and_says_so() {
    let whole = capture();
    let mut block_ends = Vec::new();
    let mut at = 0;
    while at < whole.len() {
        at += u32::from_le_bytes(whole[at + 4..at + 8].try_into().unwrap()) as usize;
        block_ends.push(at);
    }
    for cut in (0..whole.len()).step_by(3).chain(block_ends.iter().copied()) {
        let record = read_from(&whole[..cut], "cut");
        let is_whole = block_ends.contains(&cut);
        assert_eq!(record.notes.is_empty(), is_whole, "cut at {cut}: {:?}", record.notes);
    }
}

#[test]
fn a_block_that_says_it_is_four_gigabytes_long_is_no_danger() {
    let mut file = capture();
    let at = section("測試").len();
    file[at + 4..at + 8].copy_from_slice(&u32::MAX.to_le_bytes());
    let record = read_from(&file[..], "long");
    assert_eq!((record.connections.len(), record.notes.len()), (0, 1));
}

#[test]
fn what_is_no_capture_is_said_to_be_none() {
    let record = read_from("{\"event\":\"started\"}".as_bytes(), "log");
    assert_eq!(record.notes.len(), 1);
}

proptest! {
    #[test]
    fn no_damaged_file_panics_or_is_read_for_ever(at in 0..1000_usize, bytes in proptest::collection::vec(any::<u8>(), 1..9)) {
        let mut file = capture();
        let at = at % file.len();
        let end = (at + bytes.len()).min(file.len());
        file[at..end].copy_from_slice(&bytes[..end - at]);
        let record = read_from(&file[..], "damaged");
        prop_assert!(record.connections.len() < 50);
    }
}
