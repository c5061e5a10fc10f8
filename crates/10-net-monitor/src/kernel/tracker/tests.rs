//! The tracker with invented sockets: ends are paired, holes are filled or marked, nothing is told twice.
//!
//! No netlink and no clock: the moments are numbers. Read `tracker.rs` before.

use proptest::prelude::*;

use super::super::tcp_info::TcpInfo;
use super::*;
use crate::connection::Connection;
use crate::event::Event;
use crate::ledger::Ledger;
use crate::observation::Mark;

const CLIENT: &str = "127.0.0.1:50000";
const SERVER: &str = "127.0.0.1:7777";

fn at(millis: u64) -> Moment {
    Moment::from_micros(1_700_000_000_000_000).plus(Duration::from_millis(millis))
}

/// A live socket with a path, as every connection has one.
fn socket(cookie: u64, local: &str, peer: &str, info: TcpInfo) -> Socket {
    Socket {
        state: TcpState::Established,
        local: local.parse().unwrap(),
        peer: peer.parse().unwrap(),
        cookie: Cookie(cookie),
        uid: 0,
        inode: 0,
        receive_queue: 0,
        send_queue: 0,
        is_shadow: false,
        info: Some(TcpInfo { pmtu_bytes: 65_535, ..info }),
    }
}

/// Figures as the kernel counts: `fin` says whose FIN is among the bytes, ours acked and the peer's received.
fn figures(sent: u64, received: u64, syn: u64, fin: [u64; 2]) -> TcpInfo {
    TcpInfo {
        bytes_sent: Some(sent),
        bytes_retransmitted: Some(0),
        bytes_acked: Some(sent + syn + fin[0]),
        bytes_received: Some(received + fin[1]),
        ..TcpInfo::default()
    }
}

fn client(cookie: u64, sent: u64, received: u64, fin: [u64; 2]) -> Socket {
    socket(cookie, CLIENT, SERVER, figures(sent, received, 1, fin))
}

fn server(cookie: u64, sent: u64, received: u64, fin: [u64; 2]) -> Socket {
    socket(cookie, SERVER, CLIENT, figures(sent, received, 0, fin))
}

/// As an abort leaves it: no peer, no figures.
fn wiped(cookie: u64, local: &str) -> Socket {
    socket(cookie, local, "127.0.0.1:0", figures(0, 0, 0, [0, 0]))
}

fn tracker() -> Tracker {
    Tracker::new([7777], at(0))
}

/// All that is over by now, through a ledger, as the log would have it.
fn over(tracker: &mut Tracker, ledger: &mut Ledger) -> Vec<Connection> {
    let events: Vec<_> = tracker.drain().filter_map(|(at, seen)| ledger.take(at, seen)).collect();
    let connections = events.into_iter().filter_map(|event| match event {
        Event::Connection(connection) => Some(connection),
        _ => None,
    });
    connections.collect()
}

/// The one connection that is over.
fn only(tracker: &mut Tracker) -> Connection {
    let mut all = over(tracker, &mut Ledger::default());
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

fn bytes(connection: &Connection) -> ([u64; 2], [Mark; 2]) {
    ([connection.bytes_in, connection.bytes_out], [connection.bytes_in_is, connection.bytes_out_is])
}

#[test]
fn both_ends_on_this_machine_make_one_exact_connection() {
    let mut tracker = tracker();
    assert!(tracker.death(at(10), &client(1, 100, 50, [1, 0])));
    assert!(over(&mut tracker, &mut Ledger::default()).is_empty(), "the other end is not yet heard of");
    assert!(tracker.death(at(11), &server(2, 50, 100, [1, 1])));
    let connection = only(&mut tracker);
    assert_eq!(bytes(&connection), ([100, 50], [Mark::Exact; 2]));
    assert_eq!((connection.how, connection.ended_first), (How::Orderly, Some(Side::Client)));
    assert_eq!((connection.peer.to_string().as_str(), connection.port, connection.end), (CLIENT, 7777, at(11)));
    // It was shorter than the time between two looks: all that is known is that it was not there at the last one.
    assert_eq!((connection.not_before, connection.start), (Some(at(0)), at(10)));
}

#[test]
fn a_server_that_closes_first_is_paired_as_well() {
    let mut tracker = tracker();
    tracker.death(at(10), &server(2, 50, 100, [1, 0]));
    tracker.death(at(11), &client(1, 100, 50, [1, 1]));
    let connection = only(&mut tracker);
    assert_eq!(bytes(&connection), ([100, 50], [Mark::Exact; 2]));
    assert_eq!((connection.how, connection.ended_first), (How::Orderly, Some(Side::Server)));
}

#[test]
fn a_client_on_another_machine_leaves_a_fin_in_doubt_unless_the_kernel_is_asked() {
    for (has_time_wait, want) in [(None, Mark::PlusMinusOne), (Some(false), Mark::Exact)] {
        let (mut tracker, remote) = (tracker(), "192.0.2.7:50000");
        let dead = socket(2, "192.0.2.1:7777", remote, figures(50, 100, 0, [1, 1]));
        tracker.death(at(10), &dead);
        let number = tracker.to_ask(&dead).expect("its other end is not here");
        if let Some(has_time_wait) = has_time_wait {
            tracker.answer(number, has_time_wait);
        }
        tracker.look(at(40), &[]);
        assert!(over(&mut tracker, &mut Ledger::default()).is_empty(), "the other end has 50 ms to be heard of");
        tracker.look(at(70), &[]);
        let connection = only(&mut tracker);
        assert_eq!(bytes(&connection), ([100, 50], [want, Mark::Exact]));
        assert_eq!((connection.how, connection.end), (How::Orderly, at(10)));
    }
}

#[test]
fn an_aborted_server_is_found_by_its_client() {
    let mut tracker = tracker();
    tracker.death(at(10), &wiped(2, SERVER));
    tracker.look(at(100), &[]);
    // The client's program holds its dead socket for a while.
    tracker.death(at(500), &client(1, 100, 50, [0, 0]));
    tracker.look(at(600), &[]);
    let connection = only(&mut tracker);
    assert_eq!(bytes(&connection), ([100, 50], [Mark::Exact, Mark::PlusMinusOne]));
    assert_eq!((connection.how, connection.peer.to_string().as_str()), (How::ResetByServer, CLIENT));
    tracker.finish(at(700));
    assert!(over(&mut tracker, &mut Ledger::default()).is_empty(), "the abort has been told");
}

#[test]
fn an_abort_that_is_announced_after_its_connection_was_told_is_no_second_one() {
    let mut tracker = tracker();
    tracker.death(at(10), &client(1, 100, 50, [0, 0]));
    tracker.look(at(100), &[]);
    assert_eq!(only(&mut tracker).how, How::ResetByServer);
    tracker.death(at(150), &wiped(2, SERVER));
    // Another one is another connection.
    tracker.death(at(160), &wiped(3, SERVER));
    tracker.finish(at(700));
    assert_eq!(over(&mut tracker, &mut Ledger::default()).len(), 1);
}

#[test]
fn an_aborted_server_whose_client_is_elsewhere_is_listed_with_at_least() {
    let mut tracker = tracker();
    tracker.death(at(10), &wiped(2, "192.0.2.1:7777"));
    tracker.look(at(3000), &[]);
    assert!(over(&mut tracker, &mut Ledger::default()).is_empty());
    tracker.look(at(3010), &[]);
    let connection = only(&mut tracker);
    assert_eq!(bytes(&connection), ([0, 0], [Mark::AtLeast; 2]));
    assert_eq!((connection.how, connection.peer.to_string().as_str()), (How::ResetByServer, "0.0.0.0:0"));
}

#[test]
fn an_abort_after_a_look_keeps_what_the_look_saw() {
    let mut tracker = tracker();
    tracker.look(at(100), &[socket(2, "192.0.2.1:7777", "192.0.2.7:50000", figures(50, 100, 0, [0, 0]))]);
    tracker.death(at(150), &wiped(2, "192.0.2.1:7777"));
    tracker.look(at(300), &[]);
    let connection = only(&mut tracker);
    assert_eq!(bytes(&connection), ([100, 50], [Mark::AtLeast; 2]));
    assert_eq!((connection.how, connection.peer.to_string().as_str()), (How::ResetByServer, "192.0.2.7:50000"));
}

#[test]
fn a_client_that_aborts_is_told_by_its_server() {
    let mut tracker = tracker();
    tracker.death(at(10), &wiped(1, CLIENT));
    tracker.death(at(11), &server(2, 50, 100, [0, 0]));
    tracker.look(at(100), &[]);
    let connection = only(&mut tracker);
    assert_eq!(bytes(&connection), ([100, 50], [Mark::PlusMinusOne, Mark::Exact]));
    assert_eq!(connection.how, How::ResetByClient);
}

#[test]
fn a_port_that_is_used_again_at_once_is_told_apart() {
    let (mut tracker, mut ledger) = (tracker(), Ledger::default());
    for round in 0..50 {
        tracker.death(at(10 + round), &client(100 + round, round, 1, [1, 0]));
        tracker.death(at(10 + round), &server(200 + round, 1, round, [1, 1]));
    }
    let sizes: Vec<u64> = over(&mut tracker, &mut ledger).iter().map(|connection| connection.bytes_in).collect();
    assert_eq!(sizes, (0..50).collect::<Vec<_>>());
}

#[test]
fn a_socket_that_its_program_still_holds_is_told_once() {
    let (mut tracker, mut ledger) = (tracker(), Ledger::default());
    // The server's socket got an RST and is in no table; the client has died.
    tracker.death(at(10), &client(1, 100, 0, [1, 0]));
    tracker.look(at(100), &[]);
    assert_eq!(over(&mut tracker, &mut ledger).len(), 1);
    assert!(tracker.death(at(5000), &server(2, 0, 100, [0, 1])));
    tracker.finish(at(6000));
    assert!(over(&mut tracker, &mut ledger).is_empty());
    assert_eq!(ledger.sums().all.connections, 1);
}

#[test]
fn an_end_that_no_look_shows_any_more_is_over_after_some_patience() {
    let mut tracker = tracker();
    let alive = [client(1, 100, 50, [0, 0]), server(2, 50, 100, [0, 0])];
    tracker.look(at(100), &alive);
    tracker.look(at(200), &[]);
    tracker.look(at(3100), &[]);
    assert_eq!(tracker.alive().count(), 2, "a dump may have missed them");
    tracker.look(at(3200), &[]);
    let connection = only(&mut tracker);
    assert_eq!((connection.how, connection.end), (How::Unknown, at(200)));
    assert_eq!(bytes(&connection), ([100, 50], [Mark::AtLeast; 2]));
}

#[test]
fn lost_announcements_are_made_up_for_by_a_look() {
    let (mut tracker, mut ledger) = (tracker(), Ledger::default());
    let still = socket(3, SERVER, "127.0.0.1:50001", figures(1, 1, 0, [0, 0]));
    tracker.look(at(100), &[client(1, 100, 50, [0, 0]), server(2, 50, 100, [0, 0]), still.clone()]);
    tracker.resync(at(150), &[still]);
    let gone = over(&mut tracker, &mut ledger);
    assert_eq!((gone.len(), gone[0].how, gone[0].bytes_in_is), (1, How::Unknown, Mark::AtLeast));
    assert_eq!(ledger.open().len(), 1);
}

#[test]
fn a_look_tells_who_ended_first_and_takes_the_fin_off() {
    let mut tracker = tracker();
    let mut half = server(2, 0, 100, [0, 1]);
    half.state = TcpState::CloseWait;
    tracker.look(at(100), &[half]);
    let told: Vec<_> = tracker.drain().collect();
    let counts = told.iter().find_map(|(_, seen)| match seen {
        Observation::Counted { counts, .. } => Some((counts.bytes[0], counts.marks[0])),
        _ => None,
    });
    assert_eq!(counts, Some((100, Mark::Exact)));
    assert!(told.contains(&(at(100), Observation::Ended { id: id(2), side: Side::Client })), "{told:#?}");
}

#[test]
fn a_connect_that_nobody_answers_or_that_is_refused_is_no_reset() {
    for (retransmits, want) in [(0, How::Refused), (6, How::TimedOut)] {
        let mut tracker = tracker();
        let info = TcpInfo { retransmits, ..figures(0, 0, 0, [0, 0]) };
        tracker.death(at(10), &socket(1, CLIENT, SERVER, info));
        tracker.look(at(100), &[]);
        assert_eq!(only(&mut tracker).how, want);
    }
}

#[test]
fn listeners_unused_sockets_and_other_ports_are_no_connections() {
    let mut tracker = tracker();
    let mut unused = wiped(1, SERVER);
    unused.info = Some(TcpInfo::default());
    assert!(!tracker.death(at(1), &unused));
    assert!(!tracker.death(at(1), &socket(2, "127.0.0.1:80", CLIENT, figures(1, 1, 0, [1, 1]))));
    let mut listener = server(3, 0, 0, [0, 0]);
    listener.state = TcpState::Listen;
    tracker.look(at(100), &[listener]);
    tracker.finish(at(200));
    assert_eq!(tracker.drain().count(), 0);
}

#[test]
fn connections_carry_the_name_of_the_program_that_listens() {
    let mut tracker = tracker();
    tracker.set_owner(7777, "聊天室 (42)");
    tracker.look(at(100), &[server(2, 0, 0, [0, 0])]);
    let owned = Observation::Owned { id: id(2), process: "聊天室 (42)".to_owned() };
    assert!(tracker.drain().any(|(_, seen)| seen == owned));
}

fn any_socket() -> impl Strategy<Value = Socket> {
    let ports = prop_oneof![Just(0_u16), Just(7777), 50_000..50_003_u16];
    let info = (0..3_u64, 0..3_u64, 0..4_u64, any::<bool>());
    (0..8_u64, ports.clone(), ports, info, 0..13_u8).prop_map(|(cookie, local, peer, info, state)| {
        let (sent, received, acked, is_used) = info;
        let mut socket = server(cookie, sent, received, [acked, 0]);
        socket.local.set_port(local);
        socket.peer.set_port(peer);
        socket.state = TcpState::of(state);
        if !is_used {
            socket.info = None;
        }
        socket
    })
}

proptest! {
    #[test]
    fn whatever_the_kernel_says_each_connection_is_opened_and_closed_at_most_once(
        steps in proptest::collection::vec((0..3_u8, proptest::collection::vec(any_socket(), 0..6), 0..5000_u64), 0..40)
    ) {
        let (mut tracker, mut now) = (tracker(), 0);
        // What has died does not come back: cookies are never given again.
        let mut dead = HashSet::new();
        for (what, mut sockets, later) in steps {
            now += later;
            sockets.retain(|socket| !dead.contains(&socket.cookie));
            match what {
                0 => tracker.look(at(now), &sockets),
                1 => tracker.resync(at(now), &sockets),
                _ => for socket in sockets.iter().filter(|socket| dead.insert(socket.cookie)) {
                    tracker.death(at(now), socket);
                },
            }
        }
        tracker.finish(at(now));
        let (mut open, mut opened) = (std::collections::HashSet::new(), 0);
        for (_, seen) in tracker.drain() {
            match seen {
                Observation::Opened { id, .. } => { opened += 1; prop_assert!(open.insert(id)); }
                Observation::Closed { id, .. } => prop_assert!(open.remove(&id)),
                Observation::Counted { id, .. } | Observation::Owned { id, .. } | Observation::Ended { id, .. } => {
                    prop_assert!(open.contains(&id));
                }
                Observation::Missed { .. } | Observation::Proof(_) => {}
            }
        }
        prop_assert!(open.len() <= opened);
    }
}
