//! The program as a user runs it, for TCP: its lines, its log, refusing, Ctrl-C, a crowd.
//!
//! Read `tcp.rs` before.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(unix)] // Real signals; the library's tests run everywhere.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener as PlainListener, TcpStream as Plain};
use std::thread::{self, Scope};

use netcommon::testing::Program;

use crate::common::{DEADLINE, any_port};

const EXE: &str = env!("CARGO_BIN_EXE_bad-network");

fn start(target: SocketAddr, options: &[&str]) -> (Program, SocketAddr) {
    let mut program = Program::start(EXE, &[&["tcp", "127.0.0.1:0", &target.to_string()], options].concat());
    let addr = program.listening_addr();
    (program, addr)
}

/// Answers each of `count` clients once, all on one thread: reads four bytes and sends them back.
fn answer_once<'scope>(scope: &'scope Scope<'scope, '_>, count: usize) -> SocketAddr {
    let listener = PlainListener::bind(any_port()).unwrap();
    let addr = listener.local_addr().unwrap();
    scope.spawn(move || {
        for _ in 0..count {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            let mut question = [0; 4];
            stream.read_exact(&mut question).unwrap();
            stream.write_all(&question).unwrap();
        }
    });
    addr
}

fn connect(addr: SocketAddr) -> Plain {
    let stream = Plain::connect(addr).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

#[test]
fn a_session_and_its_log_read_from_the_first_line_to_the_totals() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("記錄.jsonl");
    thread::scope(|scope| {
        let target = answer_once(scope, 1);
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
    });
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
    let soft_limit = std::process::Command::new("sh").args(["-c", "ulimit -n"]).output().unwrap();
    let soft_limit = String::from_utf8_lossy(&soft_limit.stdout).trim().parse().unwrap_or(1_000_000);
    // This process has one for each client; the relay has two and takes the rest in turn.
    let count = 1000.min((soft_limit - 60_usize) / 2);
    thread::scope(|scope| {
        let target = answer_once(scope, count);
        let (program, front) = start(target, &[]);
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
    });
}

#[test]
fn few_descriptors_make_clients_wait_and_spin_nothing() {
    thread::scope(|scope| {
        let target = answer_once(scope, 60);
        let command = format!("ulimit -n 40; exec {EXE} tcp 127.0.0.1:0 {target}");
        let mut program = Program::start_command(std::process::Command::new("sh").args(["-c", &command]));
        let front = program.listening_addr();
        let mut refused = 0;
        let mut clients: Vec<Plain> = (0..60).map(|_| connect(front)).collect();
        for client in &mut clients {
            // One for whose target no descriptor was left has been reset.
            refused += usize::from(client.write_all(b"1234").is_err());
        }
        for mut client in clients {
            refused += usize::from(client.read_exact(&mut [0; 4]).is_err());
        }
        assert!(refused < 10, "{refused} of 60 were not served");
        // The target has not had all of its clients then.
        for _ in 0..60 {
            let _ = Plain::connect(target).and_then(|mut last| last.write_all(b"last"));
        }
        program.expect_line("Full: ");
        program.interrupt();
        assert_eq!(program.wait().code, Some(0));
    });
}

#[test]
fn what_makes_no_sense_for_tcp_is_told_with_what_would() {
    let end = Program::run(EXE, &["tcp", "127.0.0.1:0", "127.0.0.1:9", "--up", "loss=5%"], "");
    assert_eq!(end.code, Some(2));
    assert!(end.stderr.contains("unknown impairment `loss`; for TCP there are delay"), "{}", end.stderr);
    let end = Program::run(EXE, &["tcp", "127.0.0.1:0", "127.0.0.1:9", "--stall-for", "5s"], "");
    assert_eq!(end.code, Some(2));
    assert!(end.stderr.contains("add stall-after or stall-at"), "{}", end.stderr);
}
