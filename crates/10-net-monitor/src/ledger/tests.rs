//! The ledger with invented observations: what belongs together, what is counted, what is forgotten.
//!
//! No socket and no clock: the moments are numbers. Read `ledger.rs` before.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;
use crate::observation::{Counts, Mark, Protocol};

fn tcp(number: u64) -> Id {
    Id { protocol: Protocol::Tcp, number }
}

fn flow(client_port: u16) -> Flow {
    let addr = |port| SocketAddr::from(([127, 0, 0, 1], port));
    Flow { client: addr(client_port), server: addr(8888), target: None }
}

fn at(millis: u64) -> Moment {
    Moment::from_micros(1_700_000_000_000_000).plus(Duration::from_millis(millis))
}

fn opened(number: u64, client_port: u16) -> Observation {
    Observation::Opened { id: tcp(number), flow: flow(client_port), not_before: None }
}

fn counted(number: u64, bytes: [u64; 2]) -> Observation {
    Observation::Counted { id: tcp(number), counts: Counts { bytes, ..Counts::default() } }
}

fn closed(number: u64, how: How) -> Observation {
    Observation::Closed { id: tcp(number), how }
}

fn connection(event: Option<Event>) -> Connection {
    match event {
        Some(Event::Connection(connection)) => connection,
        other => panic!("no connection: {other:?}"),
    }
}

#[test]
fn a_connection_has_its_times_its_bytes_and_its_end() {
    let mut ledger = Ledger::default();
    ledger.take(at(0), opened(1, 50_000));
    ledger.take(at(10), counted(1, [6, 0]));
    ledger.take(at(20), Observation::Ended { id: tcp(1), side: Side::Client });
    ledger.take(at(30), counted(1, [6, 23]));
    ledger.take(at(40), Observation::Ended { id: tcp(1), side: Side::Server });
    let over = connection(ledger.take(at(50), closed(1, How::Orderly)));
    assert_eq!((over.start, over.end, over.bytes_in, over.bytes_out), (at(0), at(50), 6, 23));
    assert_eq!((over.ended_first, over.half_closed_ms, over.how), (Some(Side::Client), Some(30), How::Orderly));
    assert_eq!(ledger.open().len(), 0);
}

#[test]
fn a_port_that_is_used_again_at_once_is_another_connection() {
    let mut ledger = Ledger::default();
    for number in 0..50 {
        ledger.take(at(number), opened(number, 50_000));
        ledger.take(at(number), counted(number, [number, 1]));
    }
    for number in 0..50 {
        assert_eq!(connection(ledger.take(at(99), closed(number, How::Orderly))).bytes_in, number);
    }
    let peer = &ledger.sums().top_peers()[0];
    assert_eq!((peer.1.connections, peer.1.bytes_in, peer.1.open), (50, (0..50).sum(), 0));
}

#[test]
fn what_was_never_opened_or_is_over_changes_nothing() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.take(at(0), counted(9, [1, 1])), None);
    assert_eq!(ledger.take(at(0), closed(9, How::Reset)), None);
    ledger.take(at(0), opened(1, 50_000));
    ledger.take(at(0), closed(1, How::Reset));
    assert_eq!(ledger.take(at(0), closed(1, How::Orderly)), None);
    assert_eq!((ledger.sums().all.bytes(), ledger.sums().all.errors()), (0, 1));
}

#[test]
fn each_second_says_what_passed_and_the_lines_add_up_to_the_sums() {
    let mut ledger = Ledger::default();
    ledger.take(at(0), opened(1, 50_000));
    ledger.take(at(500), counted(1, [1000, 0]));
    let first = ledger.tick(at(1000));
    ledger.take(at(1500), counted(1, [1500, 200]));
    let second = ledger.tick(at(3000));
    let line = |bytes_in, bytes_out, opened, millis| Event::Traffic {
        at: at(millis),
        protocol: Protocol::Tcp,
        on: 8888,
        bytes_in,
        bytes_out,
        opened,
        open: 1,
    };
    assert_eq!((first, second), (vec![line(1000, 0, 1, 1000)], vec![line(500, 200, 0, 3000)]));
    assert_eq!(ledger.open().next().map(|open| open.bytes_per_second), Some(350));
    assert_eq!(ledger.tick(at(4000)), [], "a second without traffic needs no line");
    assert_eq!(ledger.sums().all.bytes(), 1700);
}

#[test]
fn the_end_of_the_run_writes_what_is_still_open() {
    let mut ledger = Ledger::default();
    for number in 1..=3 {
        ledger.take(at(0), opened(number, 50_000));
    }
    ledger.take(at(5), closed(2, How::Orderly));
    let proof = Proof { counted_by: "proxy".to_owned(), opened: 4, listed: 1, open: 2 };
    ledger.take(at(6), Observation::Proof(proof));
    let events = ledger.finish(at(7));
    let open: Vec<How> = events
        .iter()
        .filter_map(|event| match event {
            Event::Connection(connection) => Some(connection.how),
            _ => None,
        })
        .collect();
    assert_eq!(open, [How::StillOpen; 2]);
    let text = "proxy opened 4, listed 1, open 2, unexplained 1";
    assert!(events.iter().any(|event| matches!(event, Event::Proof(proof) if proof.to_string() == text)));
    assert_eq!(events.last(), Some(&Event::Finished { at: at(7) }));
    assert_eq!((ledger.sums().all.open, ledger.sums().all.connections), (2, 3));
}

#[test]
fn an_end_before_the_beginning_is_the_beginning() {
    let mut ledger = Ledger::default();
    ledger.take(at(9), opened(1, 50_000));
    assert_eq!(connection(ledger.take(at(0), closed(1, How::Unknown))).end, at(9));
}

#[test]
fn marks_are_kept_and_the_sums_say_the_worst() {
    let mut ledger = Ledger::default();
    for (number, marks) in [(1, [Mark::Exact; 2]), (2, [Mark::PlusMinusOne, Mark::AtLeast])] {
        ledger.take(at(0), opened(number, 50_000));
        let counts = Counts { bytes: [1, 2], marks, packets: Some([3, 4]), ..Counts::default() };
        ledger.take(at(0), Observation::Counted { id: tcp(number), counts });
        let line = serde_json::to_string(&ledger.take(at(0), closed(number, How::Orderly))).unwrap();
        assert_eq!(line.contains("\"bytes_out_is\":\"at least\""), number == 2, "{line}");
        assert!(line.contains("\"packets_out\":4"), "{line}");
    }
    assert_eq!(ledger.sums().all.bytes_are, Mark::AtLeast);
}

#[test]
fn a_flood_of_peers_and_connections_stays_within_bounds() {
    let mut ledger = Ledger::default();
    let mut missed = 0;
    for number in 0..OPEN_MAX as u64 + 5 {
        let client = SocketAddr::from((std::net::Ipv4Addr::from_bits(number as u32), 1));
        let seen = Observation::Opened { id: tcp(number), flow: Flow { client, ..flow(1) }, not_before: None };
        missed += usize::from(matches!(ledger.take(at(0), seen), Some(Event::Missed { .. })));
    }
    assert_eq!((missed, ledger.missed(), ledger.open().len()), (5, 5, OPEN_MAX));
    assert_eq!(ledger.sums().peers.len(), crate::totals::PEERS_MAX);
    assert_eq!(ledger.sums().other_peers.connections, (OPEN_MAX - crate::totals::PEERS_MAX) as u64);
}

fn any_observation() -> impl Strategy<Value = Observation> {
    let id = 0..5_u64;
    prop_oneof![
        (id.clone(), any::<u16>()).prop_map(|(number, port)| opened(number, port)),
        (id.clone(), any::<[u64; 2]>()).prop_map(|(number, bytes)| counted(number, bytes)),
        (id.clone(), any::<bool>()).prop_map(|(number, client)| Observation::Ended {
            id: tcp(number),
            side: if client { Side::Client } else { Side::Server },
        }),
        (id, 0..How::ALL.len()).prop_map(|(number, how)| closed(number, How::ALL[how])),
        any::<u64>().prop_map(|at_least| Observation::Missed { what: "某事".to_owned(), at_least }),
    ]
}

proptest! {
    #[test]
    fn whatever_a_source_says_the_ledger_neither_panics_nor_loses_count(
        seen in proptest::collection::vec((any::<u32>(), any_observation()), 0..60)
    ) {
        let mut ledger = Ledger::default();
        let (mut begun, mut over) = (0, 0);
        for (millis, observation) in seen {
            let event = ledger.take(at(millis.into()), observation);
            begun += u64::from(matches!(event, Some(Event::Opened { .. })));
            over += u64::from(matches!(event, Some(Event::Connection(_))));
            ledger.tick(at(millis.into()));
        }
        prop_assert_eq!(ledger.sums().all.connections, begun);
        prop_assert_eq!(ledger.open().len() as u64, begun - over);
        ledger.finish(at(0));
        prop_assert_eq!(ledger.open().len(), 0);
    }
}
