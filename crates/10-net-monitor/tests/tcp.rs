//! The TCP relay over real loopback sockets: every connection, every byte, and every way to end.
//!
//! What the ledger makes of what it is told is tried without sockets in `src/ledger/tests.rs`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown as Direction, SocketAddr, TcpStream as Plain};
use std::time::Duration;

use net_monitor::connection::{Connection, How};
use net_monitor::event::Event;
use net_monitor::observation::Side;
use net_monitor::proxy::{CONNECTIONS_MAX, tcp::Relay};
use netcommon::net::TcpListener;
use netcommon::shutdown::Shutdown;
use netcommon::testing::{ClosedPort, aside};

use crate::common::{DEADLINE, abort, any_port, connect, connections, send_all, serve, watched};

/// Runs `talk` against a relay to `target`; returns what was seen.
fn relayed(target: SocketAddr, grace: Duration, talk: impl FnOnce(SocketAddr, &Shutdown)) -> Vec<Event> {
    relayed_to(vec![target], grace, talk)
}

/// The same for a target with several addresses.
fn relayed_to(targets: Vec<SocketAddr>, grace: Duration, talk: impl FnOnce(SocketAddr, &Shutdown)) -> Vec<Event> {
    let listener = TcpListener::bind(any_port()).unwrap();
    let front = listener.local_addr().unwrap();
    watched(
        move |witness, shutdown| {
            let relay = Relay::new(vec![(listener, targets)], CONNECTIONS_MAX, witness).unwrap();
            relay.run(grace, shutdown).unwrap();
        },
        |shutdown| talk(front, shutdown),
    )
}

fn rest(mut stream: &Plain) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    all
}

fn only(events: &[Event]) -> Connection {
    let mut connections = connections(events);
    assert_eq!(connections.len(), 1, "{connections:?}");
    connections.remove(0)
}

fn bytes_and_end(connection: &Connection) -> (u64, u64, How) {
    (connection.bytes_in, connection.bytes_out, connection.how)
}

/// Bytes that are wrong when one is missing, twice or elsewhere.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|number| (number % 251) as u8).collect()
}

#[test]
fn a_half_close_passes_and_the_answer_comes_after_it() {
    let target = serve(|mut stream| {
        let question = rest(&stream);
        stream.write_all(format!("{} bytes", question.len()).as_bytes()).unwrap();
    });
    let events = relayed(target.addr, DEADLINE, |front, _| {
        let client = connect(front);
        send_all(&client, "你好".as_bytes());
        assert_eq!(rest(&client), b"6 bytes");
    });
    let one = only(&events);
    assert_eq!(bytes_and_end(&one), (6, 7, How::Orderly));
    assert_eq!((one.ended_first, one.target), (Some(Side::Client), Some(target.addr)));
    assert!(one.rtt_us.is_some() && one.half_closed_ms.is_some());
}

#[test]
fn much_comes_back_whole_both_ways_at_once() {
    let target = serve(|stream| {
        let (mut reading, mut writing) = (&stream, &stream);
        std::io::copy(&mut reading, &mut writing).unwrap();
        stream.shutdown(Direction::Write).unwrap();
    });
    let data = pattern(20_000_000);
    let events = relayed(target.addr, DEADLINE, |front, _| {
        let client = connect(front);
        let (sender, sent) = (client.try_clone().unwrap(), data.clone());
        let sending = aside("sending", move || send_all(&sender, &sent));
        assert!(rest(&client) == data);
        let () = sending.wait();
    });
    assert_eq!(bytes_and_end(&only(&events)), (20_000_000, 20_000_000, How::Orderly));
}

#[test]
fn a_reset_by_the_client_reaches_the_server_as_a_reset() {
    let (tell, told) = crossbeam_channel::bounded(1);
    let target = serve(move |mut stream| {
        stream.read_exact(&mut [0; 4]).unwrap();
        stream.write_all(b"ok").unwrap();
        tell.send(stream.read(&mut [0; 9]).map_err(|error| error.kind())).unwrap();
    });
    let events = relayed(target.addr, DEADLINE, |front, _| {
        let mut client = connect(front);
        client.write_all(b"1234").unwrap();
        client.read_exact(&mut [0; 2]).unwrap();
        abort(client);
        assert_eq!(told.recv_timeout(DEADLINE).unwrap(), Err(ErrorKind::ConnectionReset));
    });
    assert_eq!(bytes_and_end(&only(&events)), (4, 2, How::ResetByClient));
}

#[test]
fn a_reset_by_the_server_reaches_the_client_behind_the_last_byte() {
    let target = serve(|mut stream| {
        stream.read_exact(&mut [0; 4]).unwrap();
        stream.write_all(&pattern(30_000)).unwrap();
        abort(stream);
    });
    for _ in 0..20 {
        let events = relayed(target.addr, DEADLINE, |front, _| {
            let mut client = connect(front);
            client.write_all(b"1234").unwrap();
            let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
            let end = loop {
                match client.read(&mut buffer) {
                    Ok(0) => break ErrorKind::UnexpectedEof,
                    Ok(len) => all.extend_from_slice(&buffer[..len]),
                    Err(error) => break error.kind(),
                }
            };
            assert_eq!((all.len(), end), (30_000, ErrorKind::ConnectionReset));
        });
        assert_eq!(bytes_and_end(&only(&events)), (4, 30_000, How::ResetByServer));
    }
}

#[test]
fn a_target_that_is_not_there_resets_the_client_and_is_called_refused() {
    let nobody = ClosedPort::new();
    let events = relayed(nobody.addr, DEADLINE, |front, _| {
        let mut client = connect(front);
        assert_eq!(client.read(&mut [0; 9]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
    assert_eq!(bytes_and_end(&only(&events)), (0, 0, How::Refused));
}

#[test]
fn of_a_targets_addresses_the_one_that_listens_is_found_and_kept() {
    let nobody = [(); 2].map(|()| ClosedPort::new());
    let [first, second] = [nobody[0].addr, nobody[1].addr];
    let target = serve(|mut stream| stream.write_all(b"ok").unwrap());
    let events = relayed_to(vec![first, second, target.addr], DEADLINE, |front, _| {
        for _ in 0..3 {
            assert_eq!(rest(&connect(front)), b"ok");
        }
    });
    let seen = connections(&events);
    assert!(seen.iter().all(|one| one.bytes_out == 2), "{seen:?}");
    assert_eq!(seen.iter().filter(|one| one.target == Some(target.addr)).count(), 2, "from the second one on");
    let events = relayed_to(vec![first, second], DEADLINE, |front, _| {
        assert!(connect(front).read(&mut [0; 9]).is_err());
    });
    assert_eq!(only(&events).how, How::Refused);
}

#[test]
fn a_reader_that_does_not_read_stops_its_sender() {
    let (go, wait) = crossbeam_channel::bounded::<()>(0);
    let (tell, told) = crossbeam_channel::bounded(1);
    let target = serve(move |mut stream| {
        // Ends when the test has seen that nothing more goes in, or has failed.
        let _ = wait.recv_timeout(DEADLINE);
        tell.send(stream.read_to_end(&mut Vec::new()).map_err(|error| error.kind())).unwrap();
    });
    let events = relayed(target.addr, DEADLINE, |front, _| {
        let mut client = connect(front);
        client.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
        let (block, mut sent) = (pattern(65_536), 0);
        // The kernel's buffers, four of them, hold some megabytes; the relay adds 64 KiB, or what a pipe holds.
        while client.write_all(&block).is_ok() {
            sent += block.len();
            assert!(sent < 256 << 20, "nobody reads, and {sent} bytes have gone in");
        }
        abort(client);
        drop(go);
        assert_eq!(told.recv_timeout(DEADLINE).unwrap(), Err(ErrorKind::ConnectionReset));
    });
    assert_eq!(only(&events).how, How::ResetByClient);
}

#[test]
fn what_is_open_at_the_end_is_cut_after_the_grace_and_said_to_be_open() {
    // The one ends when its client does; the other never does.
    for obstinate in [false, true] {
        let (go, wait) = crossbeam_channel::bounded::<()>(0);
        let target = serve(move |mut stream| {
            stream.write_all(b"ok").unwrap();
            drop(rest(&stream));
            if obstinate {
                let _ = wait.recv_timeout(DEADLINE);
            }
        });
        let events = relayed(target.addr, Duration::from_millis(100), |front, shutdown| {
            let mut client = connect(front);
            client.write_all("再見".as_bytes()).unwrap();
            client.read_exact(&mut [0; 2]).unwrap();
            shutdown.advance();
            let end = client.read(&mut [0; 9]);
            assert_eq!(end.is_err(), obstinate, "{end:?}");
        });
        drop(go);
        assert_eq!(bytes_and_end(&only(&events)), (6, 2, How::StillOpen));
    }
}

#[test]
fn two_hundred_connections_of_every_kind_are_all_there_with_every_byte() {
    // Each says in its first bytes what it wants: how long the answer is and how it ends.
    let (tell, told) = crossbeam_channel::bounded(200);
    let target = serve(move |mut stream| {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let [question, answer] = [1, 5].map(|at| u32::from_be_bytes(head[at..at + 4].try_into().unwrap()) as usize);
        let mut buffer = vec![0; question - head.len()];
        stream.read_exact(&mut buffer).unwrap();
        stream.write_all(&pattern(answer)).unwrap();
        match head[0] {
            0 => {}
            1 => drop(rest(&stream)),
            2 => abort(stream),
            _ => drop(stream.read(&mut [0; 1])),
        }
        tell.send(()).unwrap();
    });
    let lens = |number: usize| (9 + number * 7919 % 20_000, number * 104_729 % 20_000);
    let events = relayed(target.addr, DEADLINE, |front, _| {
        for number in 0..200 {
            let (question, answer) = lens(number);
            let kind = (number % 4) as u8;
            let mut client = connect(front);
            let mut bytes = vec![kind];
            bytes.extend((question as u32).to_be_bytes());
            bytes.extend((answer as u32).to_be_bytes());
            bytes.resize(question, b'x');
            client.write_all(&bytes).unwrap();
            client.read_exact(&mut vec![0; answer]).unwrap();
            match kind {
                0 => assert_eq!(client.read(&mut [0; 1]).unwrap(), 0),
                1 => client.shutdown(Direction::Write).unwrap(),
                2 => assert!(client.read(&mut [0; 1]).is_err()),
                _ => abort(client),
            }
        }
        // The last reset has come through.
        (0..200).for_each(|_| told.recv_timeout(DEADLINE).unwrap());
    });
    let mut seen = connections(&events);
    seen.sort_by_key(|connection| connection.number);
    assert_eq!(seen.len(), 200);
    for (number, connection) in seen.iter().enumerate() {
        let (question, answer) = lens(number);
        let how = [How::Orderly, How::Orderly, How::ResetByServer, How::ResetByClient][number % 4];
        assert_eq!(bytes_and_end(connection), (question as u64, answer as u64, how), "number {number}");
    }
    let proof = events.iter().find_map(|event| match event {
        Event::Proof(proof) => Some(proof.to_string()),
        _ => None,
    });
    assert_eq!(proof.as_deref(), Some("proxy (tcp) opened 200, listed 200, open 0, unexplained 0"));
}
