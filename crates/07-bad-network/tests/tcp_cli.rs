//! The program as a user runs it, for TCP: its lines, its log, refusing, Ctrl-C, a crowd.
//!
//! Read `tcp.rs` before.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(unix)] // Real signals; the library's tests run everywhere.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener as PlainListener, TcpStream as Plain};

use netcommon::descriptors::room_for;
use netcommon::net::TcpListener;
use netcommon::testing::Program;

use crate::common::{Guard, any_port, connect, serve_on};

const EXE: &str = env!("CARGO_BIN_EXE_bad-network");

fn start(target: SocketAddr, options: &[&str]) -> (Program, SocketAddr) {
    let mut program = Program::start(EXE, &[&["tcp", "127.0.0.1:0", &target.to_string()], options].concat());
    let addr = program.listening_addr();
    (program, addr)
}

/// Answers each client once, all on one thread: reads four bytes and sends them back.
fn answer_once() -> Guard {
    serve_on(TcpListener::bind(any_port()).unwrap(), |mut stream| {
        let mut question = [0; 4];
        // One that has left is not answered; its test knows.
        let _ = stream.read_exact(&mut question).and_then(|()| stream.write_all(&question));
    })
}

#[test]
fn a_session_and_its_log_read_from_the_first_line_to_the_totals() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("記錄.jsonl");
    let guard = answer_once();
    let target = guard.addr;
    let (mut program, front) =
        start(target, &["--up", "slice=3", "--slice-gap", "5ms", "--log", log.to_str().unwrap()]);
    let mut client = connect(front);
    let from = client.local_addr().unwrap();
    client.write_all("好!".as_bytes()).unwrap();
    let mut answer = [0; 4];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, "好!".as_bytes());
    drop(client);
    program.expect_line("ended");
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert_eq!(
        end.stdout,
        format!(
            "Bad network for TCP listening on {front}\nTarget {target}\nFlow 1 is {from}\n\
             Flow 1 ended: 4 bytes up, 4 bytes down, closed\nServer shutting down...\n\
             Connections: 1 accepted, 0 cut at the end; 4 bytes up, 4 bytes down\n"
        )
    );
    let log = std::fs::read_to_string(log).unwrap();
    let pieces: Vec<serde_json::Value> = log.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<String> =
        pieces.iter().map(|piece| format!("{} {} {}", piece["direction"], piece["size"], piece["fate"])).collect();
    let up: Vec<&String> = told.iter().filter(|piece| piece.starts_with("\"up\"")).collect();
    assert_eq!(up, ["\"up\" 3 \"passed\"", "\"up\" 1 \"passed\"", "\"up\" 0 \"end\""]);
}

#[test]
fn refusing_is_done_by_the_system() {
    let nobody = PlainListener::bind(any_port()).unwrap();
    let (mut program, front) = start(nobody.local_addr().unwrap(), &["--refuse"]);
    program.expect_line("Target");
    for _ in 0..3 {
        assert_eq!(Plain::connect(front).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(0));
    assert!(end.stdout.starts_with("Refusing instead of listening on 127.0.0.1:"), "{}", end.stdout);
}

#[test]
fn a_port_of_a_moment_ago_can_be_refused_at() {
    let target = answer_once();
    let (mut program, front) = start(target.addr, &["--down", "close-after=1"]);
    let mut client = connect(front);
    client.write_all(b"hello").unwrap();
    // The relay closes first, so the connection's end is remembered at its port (TIME-WAIT).
    client.read_to_end(&mut Vec::new()).unwrap();
    drop(client);
    program.expect_line("ended");
    program.interrupt();
    assert_eq!(program.wait().code, Some(0));
    let mut program = Program::start(EXE, &["tcp", &front.to_string(), &target.addr.to_string(), "--refuse"]);
    program.expect_line("Refusing instead of listening on");
}

#[test]
fn ctrl_c_waits_for_the_grace_and_a_second_one_does_not() {
    // The target accepts in its backlog and never answers.
    let target = PlainListener::bind(any_port()).unwrap();
    let (mut program, front) = start(target.local_addr().unwrap(), &["--grace", "1h"]);
    let mut client = connect(front);
    client.write_all("再見".as_bytes()).unwrap();
    program.expect_line("Flow 1");
    program.interrupt();
    program.expect_line("shutting down");
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert!(end.stdout.contains("1 accepted, 1 cut at the end"), "{}", end.stdout);
    assert!(client.read(&mut [0; 9]).is_err(), "a reset");
}

#[test]
fn a_thousand_connections_at_once_or_as_many_as_descriptors_allow() {
    // This process has one for each client; the relay has two and takes the rest in turn.
    let count = room_for(2 * 1000) / 2;
    let target = answer_once();
    let (program, front) = start(target.addr, &[]);
    let mut clients: Vec<Plain> = (0..count).map(|_| connect(front)).collect();
    for (number, client) in (0_u32..).zip(&mut clients) {
        client.write_all(&number.to_be_bytes()).unwrap();
    }
    for (number, mut client) in (0_u32..).zip(clients) {
        let mut answer = [0; 4];
        client.read_exact(&mut answer).unwrap_or_else(|error| panic!("client {number}: {error}"));
        assert_eq!(answer, number.to_be_bytes());
    }
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert!(end.stdout.contains(&format!("{count} accepted")), "{}", end.stdout);
}

/// Sixty clients at once, each of whom needs two descriptors, under a limit that the shell sets; what was said.
fn sixty_clients_under(limit: &str) -> String {
    let target = answer_once();
    let command = format!("ulimit {limit}; exec {EXE} tcp 127.0.0.1:0 {}", target.addr);
    let mut program = Program::start_command(std::process::Command::new("sh").args(["-c", &command]));
    let front = program.listening_addr();
    let mut clients: Vec<Plain> = (0..60).map(|_| connect(front)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.write_all(b"1234").unwrap_or_else(|error| panic!("limit {limit}, client {number}: {error}"));
    }
    for (number, mut client) in clients.into_iter().enumerate() {
        let answered = client.read_exact(&mut [0; 4]);
        answered.unwrap_or_else(|error| panic!("limit {limit}, client {number} was not served: {error}"));
    }
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert!(end.stdout.contains("60 accepted"), "{}", end.stdout);
    end.stdout
}

#[test]
fn few_descriptors_make_clients_wait_and_reset_nobody() {
    // With one of the two, a descriptor is left over behind the last pair, whatever we have inherited.
    for limit in ["-n 40", "-n 41"] {
        let said = sixty_clients_under(limit);
        // Once for the whole shortage, and not again with each connection that ends.
        assert_eq!(said.matches("Full: ").count(), 1, "limit {limit}: {said}");
    }
}

#[test]
fn a_limit_that_is_soft_is_raised_and_nobody_waits() {
    let said = sixty_clients_under("-S -n 40");
    assert!(!said.contains("Full: "), "{said}");
}

#[test]
fn what_makes_no_sense_for_tcp_is_told_with_what_would() {
    let end = Program::run(EXE, &["tcp", "127.0.0.1:0", "127.0.0.1:9", "--up", "loss=5%"], "");
    assert_eq!(end.code, Some(2));
    assert!(end.stderr.contains("unknown impairment `loss`; for TCP there are delay"), "{}", end.stderr);
    let end = Program::run(EXE, &["tcp", "127.0.0.1:0", "127.0.0.1:9", "--stall-for", "5s"], "");
    assert_eq!(end.code, Some(2));
    assert!(end.stderr.contains("add stall-after or stall-at"), "{}", end.stderr);
    let end = Program::run(EXE, &["tcp", "127.0.0.1:0", "127.0.0.1:9", "--loss", "5%"], "");
    assert_eq!(end.code, Some(2));
    assert!(end.stderr.contains("tip: `--loss` is for `bad-network udp`\n"), "{}", end.stderr);
    let end = Program::run(EXE, &["tcp", "127.0.0.1:0", "127.0.0.1:9", "--refuse", "--delay", "1s"], "");
    assert_eq!(end.code, Some(2));
    assert!(end.stderr.contains("--delay <TIME>") && !end.stderr.contains("--rate"), "{}", end.stderr);
    let end = Program::run(EXE, &["scenarios", "nope"], "");
    assert!(end.code == Some(2) && !end.stderr.contains("is for"), "{}", end.stderr);
    let end = Program::run(EXE, &["tcp", "127.0.0.1:0", "127.0.0.1:0"], "");
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.starts_with("bad-network: target 127.0.0.1:0: no server is at port 0; name"), "{}", end.stderr);
}
