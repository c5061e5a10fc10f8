//! The system gives no thread: the client is told as when the server is full, and the others notice nothing.
//!
//! strace lets clone(2) fail, because a limit on threads counts all of a user's. Linux, and only where strace
//! is installed; elsewhere the test says that it skipped. And a thread's name says whose it is.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(target_os = "linux")]

use std::net::{Shutdown, TcpStream};

use netcommon::testing::{Program, strace};
use tcp_server::serve;

#[path = "../../netcommon/tests/echo/harness.rs"]
mod harness;
use harness::{ask, connect, rest};

/// How often the main thread may call clone(2): for the console, for Ctrl-C, and for the first few clients.
const CLONES: usize = 6;
const CLIENTS: usize = 20;

#[test]
fn a_client_without_a_thread_is_told_and_counted() {
    let scratch = tempfile::tempdir().unwrap();
    let fault = format!("clone,clone3:error=EAGAIN:when={}+", CLONES + 1);
    let log = scratch.path().join("strace.log");
    let args = ["127.0.0.1:0", "--framing", "lines"];
    let Some(mut server) = strace::start_faulty(&fault, &log, env!("CARGO_BIN_EXE_tcp-server"), &args) else { return };
    let addr = server.listening_addr();
    let clients: Vec<TcpStream> = (0..CLIENTS).map(|_| connect(addr)).collect();
    clients.iter().for_each(|client| client.shutdown(Shutdown::Write).unwrap());
    let told: Vec<String> = clients.iter().map(|client| String::from_utf8(rest(client)).unwrap()).collect();
    let served = told.iter().filter(|told| told.is_empty()).count();
    let refused =
        told.iter().filter(|told| *told == "Server is full: no room for another connection; try again later\n");
    let refused = refused.count();
    assert!(served > 0 && refused > 0 && served + refused == CLIENTS, "{told:?}");

    server.interrupt();
    let finished = server.wait();
    let said = |part: &str| finished.stdout.lines().filter(|line| line.contains(part)).count();
    let lines = [said("Accepted connection from "), said(" closed: "), said("no thread is left: ")];
    assert_eq!(lines, [served, served, refused], "{}", finished.stdout);
    let plural = if served == 1 { "" } else { "s" };
    let last = format!("Served {served} connection{plural}, turned away {refused}\n");
    assert!(finished.stdout.ends_with(&last), "{}", finished.stdout);
}

#[test]
fn a_threads_name_has_its_clients_port() {
    let mut server = Program::start(env!("CARGO_BIN_EXE_tcp-server"), &["127.0.0.1:0"]);
    let client = connect(server.listening_addr());
    ask(&client, b"x", b"Server received: x");
    let threads = std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    let names = threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("comm")).unwrap());
    let want = format!("client :{}\n", client.local_addr().unwrap().port());
    assert!(names.collect::<Vec<_>>().contains(&want), "{want}");
}
