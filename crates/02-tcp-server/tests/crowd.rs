//! A crowd of 5,000 clients: as many as there are places are served, each of the others is told, and the
//! server's memory stays small.
//!
//! Fewer where this process may not open so many; the number of places shrinks with it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::{Read, Write};
use std::net::TcpStream;

use netcommon::descriptors::room_for;
use netcommon::testing::Program;
use tcp_server::serve;

#[path = "../../netcommon/tests/echo/harness.rs"]
mod harness;
use harness::{ask, connect};

/// More clients than a server with a thread for each should take.
const CROWD: usize = 5_000;

/// A thread with its stack's touched pages and its buffer; generous, since debug builds need more.
const RESIDENT_MAX_KIB: u64 = 64 * 1024;

#[test]
fn a_crowd_is_served_up_to_the_limit_and_told_beyond_it() {
    let crowd = room_for(CROWD);
    let places = crowd / 10;
    let mut server = Program::start(
        env!("CARGO_BIN_EXE_tcp-server"),
        &["127.0.0.1:0", "--quiet", "--max-connections", &places.to_string()],
    );
    let addr = server.listening_addr();

    let clients: Vec<TcpStream> = (0..crowd).map(|_| connect(addr)).collect();
    let (served, told) = clients.split_at(places);
    served.iter().for_each(|client| ask(client, "擠".as_bytes(), "Server received: 擠".as_bytes()));
    for mut client in told {
        let mut reason = String::new();
        client.read_to_string(&mut reason).unwrap();
        assert_eq!(reason, format!("Server is full: {places} connections at once; try again later"));
    }
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak < RESIDENT_MAX_KIB, "{peak} KiB for {places} clients");
    }
    // Those who were served still are.
    for mut client in served {
        client.write_all(b"!").unwrap();
    }
    server.interrupt();
    let finished = server.wait();
    assert_eq!(finished.code, Some(0));
    let last = format!("Served {places} connections, turned away {}\n", told.len());
    assert!(finished.stdout.ends_with(&last), "{}", &finished.stdout[finished.stdout.len() - 200..]);
}
