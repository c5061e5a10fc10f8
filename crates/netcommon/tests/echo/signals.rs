//! Ctrl-C and SIGTERM on the real program: it drains, and nobody loses an answer.
//!
//! Unix, where a test can send a signal to another process.

#![cfg(unix)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::{ask, clients_that_fit, connect, frame, rest, until};
use netcommon::echo::ANSWER_PREFIX;
use netcommon::testing::{DEADLINE, Program};

use crate::SERVER;

/// A grace period that no test waits for: whoever needs it fails by its length.
const LONG_GRACE: &str = "60s";

fn start(grace: &str) -> (Program, std::net::SocketAddr) {
    start_with(&["127.0.0.1:0", "--grace", grace])
}

fn start_with(args: &[&str]) -> (Program, std::net::SocketAddr) {
    let mut server = Program::start(SERVER, args);
    let addr = server.listening_addr();
    (server, addr)
}

/// After so long without room for a byte, the server is blocked and not only waiting for the processor.
const BLOCKED: Duration = Duration::from_secs(1);

/// A client that has been served once, so the server is certainly in its read.
fn served(addr: std::net::SocketAddr) -> TcpStream {
    let client = connect(addr);
    ask(&client, "在".as_bytes(), "Server received: 在".as_bytes());
    client
}

/// A client whose answers fill every buffer, so the server is certainly in its write.
fn never_reading(server: &mut Program, addr: std::net::SocketAddr) -> TcpStream {
    never_reading_says(&[b'x'; 8192], server, addr)
}

fn never_reading_says(piece: &[u8], server: &mut Program, addr: std::net::SocketAddr) -> TcpStream {
    let client = connect(addr);
    client.set_write_timeout(Some(BLOCKED)).unwrap();
    // Until our own writes block: then the server has stopped reading, because its write blocks.
    until("the server stops reading", || (&client).write_all(piece).is_err());
    server.expect_line("Received from");
    client
}

#[test]
fn an_idle_server_ends_at_once_on_either_signal() {
    for signal in [Program::interrupt, Program::terminate] {
        let (server, _) = start(LONG_GRACE);
        signal(&server);
        let finished = server.wait();
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(finished.stdout.ends_with("Server shutting down...\nServed 0 connections\n"), "{}", finished.stdout);
    }
}

#[test]
fn idle_clients_get_an_end_of_stream_and_do_not_delay_the_end() {
    let (server, addr) = start(LONG_GRACE);
    let clients: Vec<_> = (0..50).map(|_| served(addr)).collect();
    server.interrupt();
    for client in &clients {
        assert_eq!(rest(client), b"");
    }
    let finished = server.wait();
    assert_eq!(finished.code, Some(0));
    assert_eq!(finished.stdout.matches("closed: shutdown (1 message").count(), 50, "{}", finished.stdout);
    assert!(finished.stdout.ends_with("Served 50 connections\n"), "{}", finished.stdout);
}

#[test]
fn an_answer_in_progress_is_finished() {
    // With their lengths before them, answers cannot hide a cut.
    let (mut server, addr) = start_with(&["127.0.0.1:0", "--grace", LONG_GRACE, "--framing", "length"]);
    let message = [b'x'; 8192];
    let client = never_reading_says(&frame(&message), &mut server, addr);
    server.interrupt();
    server.expect_line("Server shutting down...");
    // The server is in the middle of an answer. Now we read: it comes whole, then the end.
    let everything = rest(&client);
    let answer = frame(&[ANSWER_PREFIX, &message].concat());
    let answers = everything.chunks(answer.len());
    for (number, got) in answers.clone().enumerate() {
        assert!(got == answer, "answer {number} of {}: {} bytes", answers.len(), got.len());
    }
    let finished = server.wait();
    assert_eq!(finished.code, Some(0));
    let carried = format!("closed: shutdown ({} messages, ", answers.len());
    assert!(finished.stdout.contains(&carried), "{carried}\n{}", finished.stdout);
    assert!(finished.stdout.contains(&format!(" {} bytes out", everything.len())), "{}", finished.stdout);
}

#[test]
fn a_client_that_never_reads_is_cut_after_the_grace_period() {
    let (mut server, addr) = start("300ms");
    let client = never_reading(&mut server, addr);
    server.interrupt();
    let finished = server.wait();
    assert_eq!(finished.code, Some(0));
    assert!(
        finished.stdout.ends_with("Served 1 connection, cut 1 whose answers were not taken in time\n"),
        "{}",
        finished.stdout
    );
    drop(client);
}

#[test]
fn a_second_signal_cuts_at_once() {
    let (mut server, addr) = start(LONG_GRACE);
    let client = never_reading(&mut server, addr);
    server.interrupt();
    server.expect_line("Server shutting down...");
    let second = Instant::now();
    server.interrupt();
    let finished = server.wait();
    assert!(second.elapsed() < DEADLINE, "waited for the grace period");
    assert_eq!(finished.code, Some(0));
    assert!(finished.stdout.contains("cut 1"), "{}", finished.stdout);
    drop(client);
}

#[test]
fn hundreds_of_clients_drain_in_order() {
    let (server, addr) = start(LONG_GRACE);
    let count = clients_that_fit(500, 1);
    let clients: Vec<_> = (0..count).map(|_| served(addr)).collect();
    server.interrupt();
    for client in &clients {
        assert_eq!(rest(client), b"");
    }
    let finished = server.wait();
    assert_eq!(finished.code, Some(0));
    assert!(finished.stdout.ends_with(&format!("Served {count} connections\n")), "{}", finished.stdout);
}

#[test]
fn a_new_client_is_refused_while_the_server_drains() {
    let (mut server, addr) = start(LONG_GRACE);
    let client = never_reading(&mut server, addr);
    server.interrupt();
    server.expect_line("Server shutting down...");
    match TcpStream::connect(addr) {
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused),
        Ok(mut late) => {
            late.set_read_timeout(Some(DEADLINE)).unwrap();
            assert!(!matches!(late.read(&mut [0; 1]), Ok(1..)), "served while draining");
        }
    }
    drop(client);
    assert_eq!(server.wait().code, Some(0));
}
