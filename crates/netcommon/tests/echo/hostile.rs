//! The server over real loopback sockets: what hostile clients get, and that the others notice nothing.
//!
//! Every test ends with a good client that is answered.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[cfg(target_os = "linux")]
use crate::harness::clients_that_fit;
use crate::harness::{Server, frame, rest, until};
use netcommon::echo::Config;
use netcommon::framing::Framing;
use netcommon::net::TcpListener;
use netcommon::testing::DEADLINE;
use socket2::SockRef;

/// Short enough for a test.
const IMPATIENT: Duration = Duration::from_millis(300);

fn config(framing: Framing) -> Config {
    Config { framing, quiet: true, message_len_max: 1000, ..Config::default() }
}

/// A good client is answered; again, if it was slower than an impatient server waits, as on a busy machine.
fn assert_serves(server: &Server, framing: Framing) {
    let (message, answer) = match framing {
        Framing::Length => (frame("還在".as_bytes()), frame("Server received: 還在".as_bytes())),
        _ => ("還在\n".into(), "Server received: 還在\n".into()),
    };
    until("a good client is answered", || {
        let client = server.connect();
        let mut got = vec![0; answer.len()];
        let answered = (&client).write_all(&message).is_ok() && (&client).read_exact(&mut got).is_ok();
        assert!(!answered || got == answer, "{}", String::from_utf8_lossy(&got));
        answered
    });
}

#[test]
fn an_endless_line_is_refused_with_the_limit() {
    let server = Server::start(config(Framing::Lines));
    let client = server.connect();
    // The server stops reading at the limit, so the rest may meet a closed connection.
    let _ = (&client).write_all(&[b'x'; 100_000]);
    let told = String::from_utf8(rest_until_reset(&client)).unwrap();
    assert_eq!(told, "Server error: line exceeds the limit of 1000 bytes\n");
    assert_serves(&server, Framing::Lines);
}

#[test]
fn a_length_of_four_gibibytes_is_refused_before_it_is_believed() {
    let server = Server::start(config(Framing::Length));
    let client = server.connect();
    (&client).write_all(&u32::MAX.to_be_bytes()).unwrap();
    assert_eq!(rest(&client), frame(b"Server error: length 4294967295 exceeds the limit of 1000 bytes"));
    assert_serves(&server, Framing::Length);
}

#[test]
fn a_client_that_says_nothing_is_closed_after_the_idle_timeout() {
    let server = Server::start(Config { idle_timeout: IMPATIENT, ..config(Framing::Lines) });
    assert_eq!(rest(&server.connect()), b"");
    assert_serves(&server, Framing::Lines);
}

#[test]
fn a_client_that_drips_bytes_does_not_stay_for_ever() {
    let server = Server::start(Config { idle_timeout: IMPATIENT, ..config(Framing::Lines) });
    let client = server.connect();
    client.set_read_timeout(Some(IMPATIENT / 6)).unwrap();
    let dripped = (0..100).take_while(|_| {
        let sent = (&client).write_all(b"x").is_ok();
        // The read is the pause between two drops; its end says whether the server is still there.
        sent && matches!((&client).read(&mut [0; 1]), Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    });
    assert!(dripped.count() < 100, "the server waited for a hundred drops");
    assert_serves(&server, Framing::Lines);
}

#[test]
fn a_client_that_never_reads_is_closed_and_costs_a_bounded_buffer() {
    let server = Server::start(Config { idle_timeout: IMPATIENT, ..config(Framing::Raw) });
    let client = server.connect();
    SockRef::from(&client).set_recv_buffer_size(4096).unwrap();
    client.set_write_timeout(Some(DEADLINE)).unwrap();
    let block = [b'x'; 8192];
    // Both kernels' buffers fill, the server blocks in write, loses patience and closes: our write fails.
    let mut failed = None;
    until("the server closes", || {
        failed = (&client).write_all(&block).err();
        failed.is_some()
    });
    let error = failed.unwrap();
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    assert_serves(&server, Framing::Raw);
}

#[test]
fn resets_in_the_middle_of_a_message_leave_no_place_taken() {
    let server = Server::start(Config { max_connections: 50, ..config(Framing::Length) });
    for _ in 0..200 {
        let client = server.connect();
        // Half a header, or half a message; a refusal, while many places are still taken, is fine too.
        let _ = (&client).write_all(&frame("只說一半".as_bytes())[..7]);
        SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    }
    wait_until_empty(&server);
    assert_serves(&server, Framing::Length);
}

#[test]
#[cfg(target_os = "linux")]
fn the_backlog_has_room_for_a_burst_that_nobody_accepts() {
    // Nobody accepts, so whoever finds no room stays without a connection however fast the machine is.
    let burst = clients_that_fit(256, 2);
    let somaxconn = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    if somaxconn.trim().parse::<usize>().unwrap() < burst {
        eprintln!("skipped: this system allows a backlog of {}", somaxconn.trim());
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let addr = listener.local_addr().unwrap();
    let clients = (0..burst).map(|_| TcpStream::connect_timeout(&addr, DEADLINE).unwrap());
    assert_eq!(clients.collect::<Vec<_>>().len(), burst);
}

#[test]
fn a_listener_that_is_given_up_resets_whom_nobody_accepted() {
    // What `serve` relies on at its end: closing the listener does not leave clients hanging.
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let client = crate::harness::connect(listener.local_addr().unwrap());
    drop(listener);
    let error = (&client).read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// Everything up to the FIN, or up to the RST that follows bytes which the server did not read.
fn rest_until_reset(mut client: &TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    let mut buf = [0; 1024];
    while let Ok(len @ 1..) = client.read(&mut buf) {
        got.extend_from_slice(&buf[..len]);
    }
    got
}

/// Waits until a client is served instead of turned away, which shows that the places are free again.
fn wait_until_empty(server: &Server) {
    until("a place is free again", || {
        let client = server.connect();
        let _ = (&client).write_all(&frame(b""));
        let mut start = [0; 20];
        (&client).read_exact(&mut start).is_ok() && start.windows(8).any(|part| part == b"received")
    });
}
