//! The system watches no more sockets: whom it does not watch is turned away and counted so.
//!
//! strace lets ioctl(2) fail, which makes a socket non-blocking, because no client can use up what watching takes.
//! Linux, and only where strace is installed; elsewhere the test says that it skipped.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(target_os = "linux")]

use std::io::Read;
use std::net::{Shutdown, TcpStream};

use event_server::serve;
use netcommon::testing::strace;

#[path = "../../netcommon/tests/echo/harness.rs"]
mod harness;
use harness::connect;

const CLIENTS: usize = 20;

#[test]
fn every_client_that_is_accepted_has_its_last_line() {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("strace.log");
    // The first few are for the listener, for waking the loop, and for those who are served.
    let fault = "ioctl:error=ENOMEM:when=8+";
    let Some(mut server) = strace::start_faulty(fault, &log, env!("CARGO_BIN_EXE_event-server"), &["127.0.0.1:0"])
    else {
        return;
    };
    let addr = server.listening_addr();
    let clients: Vec<TcpStream> = (0..CLIENTS).map(|_| connect(addr)).collect();
    for mut client in &clients {
        // Whoever is turned away may be told by a reset: its FIN came too late to be read.
        let _ = client.shutdown(Shutdown::Write);
        let _ = client.read(&mut [0; 1]);
    }
    server.interrupt();
    let finished = server.wait();
    let said = |part: &str| finished.stdout.lines().filter(|line| line.contains(part)).count();
    let (accepted, refused) = (said("Accepted connection from "), said("it cannot be watched: "));
    assert!(refused > 0 && accepted + refused == CLIENTS, "{}", finished.stdout);
    assert_eq!(said(" closed: "), accepted, "{}", finished.stdout);
    assert!(finished.stdout.ends_with(&format!("turned away {refused}\n")), "{}", finished.stdout);
}
