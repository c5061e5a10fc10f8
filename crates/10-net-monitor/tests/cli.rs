//! The program as a user runs it: first lines, log, Ctrl-C, kill, a full disk, a crowd, few descriptors.
//!
//! Read `tcp.rs` before.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(unix)] // Real signals; the library's tests run everywhere.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener as PlainListener, TcpStream as Plain};
use std::path::Path;
use std::process::Command;

use net_monitor::connection::How;
use net_monitor::event::Event;
use netcommon::testing::{ClosedPort, Program};

use crate::common::{Guard, any_port, connect, connections, log, serve};

const EXE: &str = env!("CARGO_BIN_EXE_net-monitor");

fn start(target: SocketAddr, options: &[&str]) -> (Program, SocketAddr) {
    let mut program = Program::start(EXE, &[&["proxy", "127.0.0.1:0", &target.to_string()], options].concat());
    let addr = program.listening_addr();
    (program, addr)
}

fn shell(command: &str) -> (Program, SocketAddr) {
    let mut program = Program::start_command(Command::new("sh").args(["-c", command]));
    let addr = program.listening_addr();
    (program, addr)
}

/// Sends everything back.
fn echo() -> Guard {
    serve(|stream| {
        let (mut reading, mut writing) = (&stream, &stream);
        let _ = std::io::copy(&mut reading, &mut writing);
    })
}

fn ask(mut client: &Plain, question: &[u8]) {
    client.write_all(question).unwrap();
    let mut answer = vec![0; question.len()];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(answer, question);
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_run_reads_from_the_first_line_to_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("記錄.jsonl");
    let target = echo();
    let (mut program, front) = start(target.addr, &["--log", text(&path)]);
    let client = connect(front);
    let from = client.local_addr().unwrap();
    ask(&client, "你好".as_bytes());
    drop(client);
    program.expect_line("orderly");
    let held = connect(front);
    ask(&held, "再見".as_bytes());
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    let lines: Vec<&str> = end.stdout.lines().collect();
    assert_eq!(lines[0], format!("Recording tcp for {}, listening on {front}", target.addr));
    assert!(lines[1].starts_with(&format!("tcp {from} -> {front}: 6 bytes in, 6 bytes out, 0.")), "{}", lines[1]);
    assert!(lines[1].ends_with(" s, orderly, the client first"), "{}", lines[1]);
    assert_eq!(lines[2], "Server shutting down...");
    assert!(lines[3].ends_with(", still open"), "{}", lines[3]);
    assert_eq!(lines[4], "Recorded 2 connections: 12 bytes in, 12 bytes out; 1 still open");
    assert_eq!(lines[5], "Complete? proxy (tcp) opened 2, listed 2, open 0, unexplained 0");
    let events = log(&path);
    assert!(matches!(&events[0], Event::Started(heading) if heading.watching.len() == 1));
    assert!(matches!(events.last(), Some(Event::Finished { .. })));
    let rows = connections(&events);
    assert_eq!((rows[0].peer, rows[0].port, rows[0].bytes_in, rows[0].how), (from, front.port(), 6, How::Orderly));
    assert_eq!((rows[1].bytes_out, rows[1].how), (6, How::StillOpen));
    assert!(rows.iter().all(|row| row.start <= row.end));
}

#[test]
fn several_pairs_of_both_protocols_at_once_and_json_for_programs() {
    let target = echo();
    let closed = ClosedPort::new();
    let dead = closed.addr;
    let pairs = [target.addr, dead].map(|addr| format!("127.0.0.1:0={addr}"));
    let udp = format!("udp:127.0.0.1:0={dead}");
    let mut program = Program::start(EXE, &["proxy", "--json", &pairs[0], &pairs[1], &udp]);
    let fronts = [(); 3].map(|()| program.listening_addr());
    ask(&connect(fronts[0]), b"1");
    assert!(connect(fronts[1]).read(&mut [0; 1]).is_err());
    program.expect_line("\"how\":\"refused\"");
    std::net::UdpSocket::bind(any_port()).unwrap().send_to(b"hi", fronts[2]).unwrap();
    program.expect_line("\"protocol\":\"udp\"");
    program.terminate();
    let end = program.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    let events: Vec<Event> = end.stdout.lines().skip(3).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(connections(&events).len(), 3, "{}", end.stdout);
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_the_grace() {
    let silent = PlainListener::bind(any_port()).unwrap();
    let (mut program, front) = start(silent.local_addr().unwrap(), &["--grace", "1h"]);
    let mut client = connect(front);
    client.write_all("再見".as_bytes()).unwrap();
    let (mut held, _) = silent.accept().unwrap();
    held.read_exact(&mut [0; 6]).unwrap();
    program.interrupt();
    program.expect_line("shutting down");
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert!(end.stdout.contains("6 bytes in, 0 bytes out; 1 still open"), "{}", end.stdout);
    assert!(client.read(&mut [0; 9]).is_err(), "a reset");
}

#[test]
fn a_kill_leaves_whole_lines_and_the_next_run_continues_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let target = echo();
    for run in 1..=5 {
        let (mut program, front) = start(target.addr, &["--log", text(&path)]);
        let clients: Vec<Plain> = (0..20).map(|_| connect(front)).collect();
        clients.iter().for_each(|client| ask(client, b"1234"));
        drop(clients);
        program.expect_line("orderly");
        // Dropping it kills it, at whatever it was doing.
        drop(program);
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let started = whole.lines().filter(|line| line.contains("\"started\"")).count();
        assert_eq!(started, run);
        whole.lines().for_each(|line| drop(serde_json::from_str::<Event>(line).unwrap()));
    }
}

#[test]
fn a_full_disk_is_said_and_counting_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let target = echo();
    // Files of this process may have 4 blocks; the signal that comes with the error is ignored.
    let command =
        format!("trap '' XFSZ; ulimit -f 4; exec {EXE} proxy 127.0.0.1:0 {} --log {}", target.addr, path.display());
    let (mut program, front) = shell(&command);
    for _ in 0..30 {
        ask(&connect(front), b"1234");
    }
    let said = program.expect_stderr_line("counting goes on, the log has a gap");
    assert!(said.starts_with(&format!("net-monitor: write to {}: ", path.display())), "{said}");
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert!(end.stdout.contains("Recorded 30 connections: 120 bytes in, 120 bytes out"), "{}", end.stdout);
    let rows = connections(&log(&path)).len();
    assert!(rows > 0 && rows < 30, "{rows}");
}

#[test]
fn a_log_that_cannot_be_written_at_all_is_told_before_anything_is_relayed() {
    let end = Program::run(EXE, &["proxy", "127.0.0.1:0", "127.0.0.1:9", "--log", "/沒有這個資料夾/log"], "");
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.starts_with("net-monitor: open log /沒有這個資料夾/log: No such file"), "{}", end.stderr);
}

#[test]
fn a_crowd_is_relayed_and_none_is_missing() {
    let soft_limit = Command::new("sh").args(["-c", "ulimit -n"]).output().unwrap();
    let soft_limit = String::from_utf8_lossy(&soft_limit.stdout).trim().parse().unwrap_or(1_000_000);
    // This process has three for each client: its own, and the two ends behind the relay.
    let count = 500.min((soft_limit - 60_usize) / 3);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let target = echo();
    let (program, front) = start(target.addr, &["--log", text(&path)]);
    let clients: Vec<Plain> = (0..count).map(|_| connect(front)).collect();
    for (number, client) in (0_u32..).zip(&clients) {
        ask(client, &number.to_be_bytes());
    }
    drop(clients);
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    let rows = connections(&log(&path));
    assert_eq!(rows.len(), count);
    assert!(rows.iter().all(|row| (row.bytes_in, row.bytes_out) == (4, 4)));
}

#[test]
fn few_descriptors_make_clients_wait_and_none_is_refused() {
    let target = echo();
    let command = format!("ulimit -n 32; exec {EXE} proxy 127.0.0.1:0 {} --max-connections 1000", target.addr);
    let (program, front) = shell(&command);
    let clients: Vec<Plain> = (0..40).map(|_| connect(front)).collect();
    for client in clients {
        ask(&client, b"1234");
    }
    program.interrupt();
    let end = program.wait();
    assert!(end.stdout.contains("Recorded 40 connections: 160 bytes in, 160 bytes out"), "{}", end.stdout);
}

#[test]
fn what_makes_no_sense_is_told_with_what_would() {
    for (arguments, want) in [
        (&["proxy", "127.0.0.1:8001"][..], "expected LISTEN TARGET, or LISTEN=TARGET"),
        (&["proxy", "127.0.0.1:0", "127.0.0.1"], "address `127.0.0.1`: "),
        (&["proxy"], "<LISTEN TARGET | LISTEN=TARGET>"),
        (&["watch", "80", "--pcapng", "/dev/null"], "sees the kernel's figures and no packets"),
    ] {
        let end = Program::run(EXE, arguments, "");
        assert_eq!(end.code, Some(2), "{arguments:?}");
        assert!(end.stderr.contains(want), "{}", end.stderr);
    }
}

#[test]
fn an_alert_is_told_and_ends_the_run_with_a_code_for_scripts() {
    let target = echo();
    let (mut program, front) = start(target.addr, &["--alert", "new-connections > 0/s", "--alert", "open > 1000"]);
    for _ in 0..20 {
        ask(&connect(front), b"1234");
    }
    let said = program.expect_stderr_line("alert: ");
    assert!(said.starts_with("net-monitor: alert: new-connections > 0/s: "), "{said}");
    program.interrupt();
    assert_eq!(program.wait().code, Some(1));
    let end = Program::run(EXE, &["proxy", "127.0.0.1:0", "127.0.0.1:9", "--alert", "open > 3/s"], "");
    assert_eq!(end.code, Some(2));
    assert!(end.stderr.contains("rates end in /s"), "{}", end.stderr);
}

#[test]
fn a_log_of_several_files_is_one_report_and_differs_from_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let target = echo();
    let (program, front) = start(target.addr, &["--log", text(&path), "--rotate", "1kB", "--keep", "100"]);
    for _ in 0..30 {
        ask(&connect(front), b"1234");
    }
    program.interrupt();
    assert_eq!(program.wait().code, Some(0));
    let mut files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() > 1, "{files:?}");
    files.sort_by_key(|file| std::cmp::Reverse(file.clone()));
    let names: Vec<&str> = files.iter().map(|file| text(file)).collect();
    let end = Program::run(EXE, &[&["report", "--lang", "en"], &names[..]].concat(), "");
    assert!(end.stdout.contains("30 connections") && end.stdout.contains("Everything was seen"), "{}", end.stdout);
    // A file may hold the beginnings of connections only.
    let has_ended = |name: &&&str| std::fs::read_to_string(name).unwrap().contains("\"event\":\"connection\"");
    let one = *names.iter().find(has_ended).unwrap();
    let end = Program::run(EXE, &["diff", "--lang", "en", one, one], "");
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert!(end.stdout.contains(" agree, 0 do not; only in A: 0, only in B: 0"), "{}", end.stdout);
}
