//! Tests of `diag.rs`, on bytes that a kernel has sent.
//!
//! What had happened before each of them is in `recorded/README.md`. Read `diag.rs` before.

use proptest::prelude::*;

use super::super::netlink::Messages;
use super::*;

/// The bytes of a file with hexadecimal digits.
fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap());
    pairs.collect()
}

fn sockets(hex: &str) -> Vec<Socket> {
    let bytes = bytes(hex);
    Messages::new(&bytes).map(|message| Socket::read(&message.unwrap()).unwrap()).collect()
}

/// The file holds one event.
fn socket(hex: &str) -> Socket {
    let mut sockets = sockets(hex);
    assert_eq!(sockets.len(), 1);
    sockets.remove(0)
}

#[test]
#[cfg(target_endian = "little")]
fn the_two_ends_of_an_orderly_release_carry_their_final_figures() {
    let client = socket(include_str!("../recorded/orderly-client.hex"));
    let server = socket(include_str!("../recorded/orderly-server.hex"));
    assert_eq!((client.local, client.peer), (server.peer, server.local));
    assert_ne!(client.cookie, server.cookie);
    assert_eq!((client.state, client.is_shadow, client.uid, client.inode), (TcpState::Closed, false, 0, 0));

    let (client, server) = (client.info.unwrap(), server.info.unwrap());
    assert_eq!((client.payload_sent(), server.payload_sent()), (Some(100), Some(50)));
    // The server has the client's FIN as one byte; the client's socket was gone before the server's FIN.
    assert_eq!((server.bytes_received, client.bytes_received), (Some(101), Some(50)));
    // The end that accepted has its FIN acked; the end that connected its SYN as well.
    assert_eq!((server.acked_beyond_payload(), client.acked_beyond_payload()), (Some(1), Some(2)));
    assert_eq!((server.segments_in, server.segments_out), (Some(6), Some(4)));
    assert!(server.srtt.is_some_and(|rtt| rtt < std::time::Duration::from_millis(1)));
}

#[test]
#[cfg(target_endian = "little")]
fn who_aborts_has_its_counters_wiped_and_the_other_end_has_not() {
    let server = socket(include_str!("../recorded/abort-server.hex"));
    let client = socket(include_str!("../recorded/abort-client.hex"));
    assert_eq!((server.local, server.peer.port()), (client.peer, 0));
    let (server, client) = (server.info.unwrap(), client.info.unwrap());
    assert_eq!((server.payload_sent(), server.bytes_received), (Some(0), Some(0)));
    assert_eq!((client.payload_sent(), client.bytes_received), (Some(100), Some(50)));
    assert_eq!(client.acked_beyond_payload(), Some(1));
}

#[test]
#[cfg(target_endian = "little")]
fn a_dump_tells_listeners_and_connections_apart() {
    let sockets = sockets(include_str!("../recorded/dump-ipv6.hex"));
    let states: Vec<_> = sockets.iter().map(|socket| socket.state.to_string()).collect();
    assert_eq!(states, ["LISTEN", "ESTABLISHED", "ESTABLISHED"]);
    assert_eq!((sockets[0].receive_queue, sockets[0].send_queue), (0, 128));
    // The two bytes that nobody has read lie at one of the ends.
    assert_eq!(sockets[1].receive_queue + sockets[2].receive_queue, 2);
    assert_eq!((sockets[1].local, sockets[1].peer), (sockets[2].peer, sockets[2].local));
    assert!(sockets.iter().all(|socket| socket.local.is_ipv6() && socket.inode != 0));
}

#[test]
fn a_socket_cut_anywhere_is_an_error_or_lacks_figures_but_never_panics() {
    let whole = bytes(include_str!("../recorded/orderly-server.hex"));
    let payload = &whole[netlink::HEADER_LEN..];
    for cut in 0..payload.len() {
        let message = Message { kind: BY_FAMILY, flags: 0, seq: 0, payload: &payload[..cut] };
        let read = Socket::read(&message);
        assert!(cut >= FIXED_LEN || read.is_err(), "cut at {cut}");
    }
}

#[test]
fn another_family_is_refused() {
    let mut payload = vec![0; FIXED_LEN];
    payload[0] = 1;
    assert!(Socket::read(&Message { kind: BY_FAMILY, flags: 0, seq: 0, payload: &payload }).is_err());
}

#[test]
fn ipv4_through_an_ipv6_socket_reads_as_ipv4() {
    let mut payload = vec![0; FIXED_LEN];
    payload[0] = AF_INET6;
    payload[PORTS..PORTS + 2].copy_from_slice(&7777_u16.to_be_bytes());
    payload[LOCAL + 10..LOCAL + 16].copy_from_slice(&[0xff, 0xff, 192, 0, 2, 1]);
    let socket = Socket::read(&Message { kind: BY_FAMILY, flags: 0, seq: 0, payload: &payload }).unwrap();
    assert_eq!(socket.local, "192.0.2.1:7777".parse().unwrap());
}

#[test]
fn states_have_the_standards_spelling_and_unknown_ones_no_wrong_one() {
    assert_eq!((TcpState::of(8).to_string(), TcpState::of(12)), ("CLOSE-WAIT".into(), TcpState::SynReceived));
    assert_eq!((TcpState::of(0), TcpState::of(99)), (TcpState::Other(0), TcpState::Other(99)));
}

#[test]
fn a_question_is_as_long_as_it_says() {
    let question = dump_request(Family::V6, States::ALIVE, &super::super::filter::either_port(&[7777]), 3);
    let message = Messages::new(&question).next().unwrap().unwrap();
    assert_eq!((message.kind, message.flags, message.seq), (BY_FAMILY, 0x301, 3));
    assert_eq!(message.payload.len(), 56 + 4 + 40);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        for message in Messages::new(&bytes).flatten() {
            let _ = (Socket::read(&message), netlink::errno(&message));
        }
    }

    #[test]
    fn no_damaged_dump_panics_or_is_read_for_ever(at in 0..1232_usize, damage in proptest::collection::vec(any::<u8>(), 1..9)) {
        let mut bytes = bytes(include_str!("../recorded/dump-ipv6.hex"));
        for (index, byte) in damage.into_iter().enumerate() {
            let last = bytes.len() - 1;
            bytes[(at + index).min(last)] = byte;
        }
        let messages: Vec<_> = Messages::new(&bytes).collect();
        prop_assert!(messages.len() <= bytes.len() / netlink::HEADER_LEN);
        for message in messages.into_iter().flatten() {
            let _ = Socket::read(&message);
        }
    }
}
