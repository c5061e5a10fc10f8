//! Connections out of packets: sent again, overtaken, reset, and ports that are used again.
//!
//! The packets are rebuilt ones, from `netcommon::pcapng`. Read `streams.rs` before.

use netcommon::pcapng::conversation::{Packet as Rebuilt, Stream as Conversation};

use super::super::decode::{Link, read};
use super::*;
use crate::connection::Connection;
use crate::event::Event;
use crate::ledger::Ledger;

fn addrs() -> (SocketAddr, SocketAddr) {
    ("192.0.2.7:50312".parse().unwrap(), "192.0.2.1:8888".parse().unwrap())
}

/// The packets one second apart; what is over by the end.
fn over(streams: &mut Streams, packets: &[Rebuilt]) -> Vec<Connection> {
    let (mut ledger, mut told, mut connections) = (Ledger::default(), Vec::new(), Vec::new());
    for (second, (_, bytes)) in (0..).zip(packets) {
        let packet = read(Link::Raw, bytes).unwrap();
        streams.take(Moment::from_micros(second * 1_000_000), &packet, &mut told);
    }
    streams.finish(&mut told);
    for (at, seen) in told {
        if let Some(Event::Connection(connection)) = ledger.take(at, seen) {
            connections.push(connection);
        }
    }
    connections
}

/// A whole conversation as the client sees it.
fn talk(question: &[u8], answer: &[u8]) -> Vec<Rebuilt> {
    let (client, server) = addrs();
    let (mut stream, mut packets) = Conversation::connect(client, server);
    packets.extend(stream.send(question));
    packets.extend(stream.receive(answer));
    packets.extend(stream.finish());
    packets.extend(stream.receive(&[]));
    packets
}

#[test]
fn a_conversation_has_its_bytes_its_packets_and_its_end() {
    let all = over(&mut Streams::default(), &talk("你好".as_bytes(), b"Server received: "));
    assert_eq!(all.len(), 1, "the last ack begins no other: {all:#?}");
    let (client, server) = addrs();
    assert_eq!((all[0].peer, all[0].server, all[0].how), (client, server, How::Orderly));
    assert_eq!((all[0].bytes_in, all[0].bytes_out, all[0].bytes_in_is), (6, 17, Mark::Exact));
    assert_eq!((all[0].ended_first, all[0].rtt_us), (Some(Side::Client), Some(1_000_000)));
}

#[test]
fn what_is_sent_again_or_overtaken_counts_once() {
    let mut packets = talk(&vec![b'x'; 200_000], b"y");
    let (early, late) = (packets[3].clone(), packets[4].clone());
    packets.insert(5, early);
    packets.swap(3, 4);
    packets.insert(3, late);
    let all = over(&mut Streams::default(), &packets);
    assert_eq!((all[0].bytes_in, all[0].bytes_out), (200_000, 1));
    assert!(all[0].retransmitted.is_some_and(|bytes| bytes > 0));
}

#[test]
fn a_syn_that_comes_once_more_counts_no_byte_twice() {
    let mut packets = talk(b"hello", b"world");
    // The server's first packet, a second time behind the data.
    packets.insert(5, packets[1].clone());
    let all = over(&mut Streams::default(), &packets);
    assert_eq!((all.len(), all[0].bytes_in, all[0].bytes_out), (1, 5, 5), "{all:#?}");
    assert_eq!((all[0].retransmitted, all[0].rtt_us), (Some(0), Some(1_000_000)));
}

#[test]
fn bytes_that_come_with_the_syn_are_counted_from_the_next_number() {
    use netcommon::pcapng::block::Direction;
    use netcommon::pcapng::packet::{Flags, segment};
    let (client, server) = addrs();
    let first = segment(client, server, 6, 0, Flags::SYN, b"early");
    let next = segment(client, server, 12, 1, Flags::PSH.with(Flags::ACK), b"late");
    let mut streams = Streams::default();
    let mut told = Vec::new();
    for (_, bytes) in [(Direction::Out, first), (Direction::Out, next)] {
        streams.take(Moment::from_micros(0), &read(Link::Raw, &bytes).unwrap(), &mut told);
    }
    let last = told.iter().rev().find_map(|(_, seen)| match seen {
        Observation::Counted { counts, .. } => Some((counts.bytes[0], counts.retransmitted)),
        _ => None,
    });
    assert_eq!(last, Some((9, Some([0, 0]))));
}

#[test]
fn a_flood_is_forgotten_in_batches_and_the_latest_are_kept() {
    let (_, server) = addrs();
    let (mut streams, mut told) = (Streams::default(), Vec::new());
    let count = OPEN_MAX as u32 + 1;
    for number in 0..count {
        let from = SocketAddr::from((number.to_be_bytes(), 50_000));
        let tcp = Tcp { seq: 0, is_syn: true, is_fin: false, is_rst: false, is_ack: false };
        let packet = Packet { from, to: server, payload_len: 0, tcp: Some(tcp) };
        streams.take(Moment::from_micros(number.into()), &packet, &mut told);
    }
    let closed: Vec<u64> = told
        .iter()
        .filter_map(|(_, seen)| match seen {
            Observation::Closed { id, .. } => Some(id.number),
            _ => None,
        })
        .collect();
    assert_eq!(closed, (1..=FORGOTTEN_AT_ONCE as u64).collect::<Vec<_>>());
}

#[test]
fn a_refusal_and_two_resets_are_told_apart() {
    use netcommon::pcapng::block::Direction;
    let (client, server) = addrs();
    let refused = Conversation::attempt(client, server, true);
    assert_eq!(over(&mut Streams::default(), &refused)[0].how, How::Refused);
    for (direction, want) in [(Direction::Out, How::ResetByClient), (Direction::In, How::ResetByServer)] {
        let (mut stream, mut packets) = Conversation::connect(client, server);
        packets.extend(stream.send(b"?"));
        packets.extend(stream.receive(b"!"));
        packets.extend(stream.reset(direction));
        assert_eq!(over(&mut Streams::default(), &packets)[0].how, want);
    }
}

#[test]
fn a_port_that_is_used_again_is_another_connection() {
    let packets = [talk(b"one", b""), talk(b"three", b"")].concat();
    let sizes: Vec<u64> =
        over(&mut Streams::default(), &packets).iter().map(|connection| connection.bytes_in).collect();
    assert_eq!(sizes, [3, 5]);
}

#[test]
fn a_capture_that_begins_in_the_middle_says_at_least() {
    let packets = &talk(b"hello", b"world")[3..];
    let all = over(&mut Streams::default(), packets);
    assert_eq!((all[0].server.port(), all[0].bytes_in, all[0].bytes_in_is), (8888, 5, Mark::AtLeast));
}

#[test]
fn other_ports_are_left_out() {
    assert!(over(&mut Streams::new([7777]), &talk(b"a", b"b")).is_empty());
    assert_eq!(over(&mut Streams::new([8888]), &talk(b"a", b"b")).len(), 1);
}

#[test]
fn an_ack_behind_a_fin_adds_no_byte() {
    let (client, server) = addrs();
    let (mut stream, mut packets) = Conversation::connect(client, server);
    packets.extend(stream.send(b"hello"));
    packets.extend(stream.finish());
    // The client's acks of the answer lie behind its FIN.
    packets.extend(stream.receive(b"world"));
    packets.extend(stream.send(b""));
    packets.extend(stream.receive(&[]));
    packets.extend(stream.finish());
    let ack = netcommon::pcapng::packet::segment(client, server, 7, 7, netcommon::pcapng::packet::Flags::ACK, b"");
    let fin = packets.pop();
    packets.insert(6, (netcommon::pcapng::block::Direction::Out, ack));
    packets.extend(fin);
    let mut streams = Streams::default();
    let all = over(&mut streams, &packets);
    assert_eq!((all.len(), all[0].bytes_in, all[0].bytes_out), (1, 5, 5), "{all:#?}");
}
