//! The UDP relay over real loopback sockets: datagrams whole, clients told apart, silence as an end.
//!
//! Read `tcp.rs` before.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::net::{SocketAddr, UdpSocket as Plain};
use std::time::Duration;

use net_monitor::connection::How;
use net_monitor::event::Event;
use net_monitor::moment::Clock;
use net_monitor::observation::Observation;
use net_monitor::proxy::udp::Relay;
use net_monitor::witness::Witness;
use netcommon::net::UdpSocket;
use netcommon::shutdown::Shutdown;
use netcommon::testing::aside;

use crate::common::{DEADLINE, StopAtEnd, any_port, connections, watched};

fn client(peer: SocketAddr) -> Plain {
    let client = Plain::bind(any_port()).unwrap();
    client.connect(peer).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client
}

fn relayed(target: SocketAddr, idle_max: Duration, talk: impl FnOnce(SocketAddr)) -> Vec<Event> {
    let front = UdpSocket::bind(any_port()).unwrap();
    let addr = front.local_addr().unwrap();
    let source = move |witness, shutdown: &_| {
        Relay::new(vec![(front, target)], idle_max, witness).unwrap().run(shutdown).unwrap();
    };
    watched(source, |_| talk(addr))
}

/// Sends `count` datagrams back.
fn echo(count: usize) -> SocketAddr {
    let socket = Plain::bind(any_port()).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let addr = socket.local_addr().unwrap();
    let _ends_by_its_count = aside("echo", move || {
        let mut buffer = vec![0; 70_000];
        for _ in 0..count {
            let (len, peer) = socket.recv_from(&mut buffer).unwrap();
            socket.send_to(&buffer[..len], peer).unwrap();
        }
    });
    addr
}

#[test]
fn every_datagram_and_its_bytes_are_counted_for_its_client() {
    let lens = [6, 0, 1, 1_400, 60_000];
    let events = relayed(echo(2 * lens.len()), DEADLINE, |front| {
        let clients = [client(front), client(front)];
        for len in lens {
            for client in &clients {
                client.send(&vec![7; len]).unwrap();
                assert_eq!(client.recv(&mut vec![0; 70_000]).unwrap(), len);
            }
        }
    });
    let seen = connections(&events);
    assert_eq!(seen.len(), 2);
    for one in seen {
        let bytes: usize = lens.iter().sum();
        assert_eq!((one.bytes_in, one.bytes_out, one.how), (bytes as u64, bytes as u64, How::StillOpen));
        assert_eq!((one.packets_in, one.packets_out), (Some(5), Some(5)));
    }
}

#[test]
fn a_target_that_is_not_there_is_heard_of_and_ends_nothing() {
    let nobody = Plain::bind(any_port()).unwrap().local_addr().unwrap();
    let front = UdpSocket::bind(any_port()).unwrap();
    let addr = front.local_addr().unwrap();
    let (witness, seen) = Witness::new(Clock::start());
    let stop = StopAtEnd(Shutdown::new());
    let token = stop.0.clone();
    let relay = aside("relay", move || {
        Relay::new(vec![(front, nobody)], Duration::from_millis(1), witness).unwrap().run(&token).unwrap();
    });
    let client = client(addr);
    client.send("有人嗎".as_bytes()).unwrap();
    let mut bytes = 0;
    // Forgotten at the second tick after it has fallen silent.
    let how = loop {
        match seen.recv_timeout(DEADLINE).unwrap().1 {
            Observation::Counted { counts, .. } => bytes = counts.bytes[0],
            Observation::Closed { how, .. } => break how,
            _ => {}
        }
    };
    assert_eq!((bytes, how), (9, How::Refused));
    drop(stop);
    let () = relay.wait();
}
