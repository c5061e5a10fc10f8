//! Thousands of clients on one thread: all are served, none waits for another, and memory stays small.
//!
//! Fewer where this process may not open so many.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use event_server::serve;
use netcommon::descriptors::room_for;
use netcommon::testing::{Program, aside};

#[path = "../../netcommon/tests/echo/harness.rs"]
mod harness;
use harness::{ask, connect, expect};

const SERVER: &str = env!("CARGO_BIN_EXE_event-server");

/// As many as the issue of the C10K problem is about, and a test can open in a second.
const CROWD: usize = 5_000;

/// Descriptors for the tests that run beside it.
const OTHERS: usize = 120;

/// The program itself and a struct for each client; generous, since debug builds need more.
const RESIDENT_MAX_KIB: u64 = 16 * 1024;

#[test]
fn a_crowd_is_served_by_two_threads_in_little_memory() {
    // The server inherits the limit; the other tests of this file want some, too.
    let crowd = room_for(CROWD + OTHERS) - OTHERS;
    let mut server = Program::start(SERVER, &["127.0.0.1:0", "--quiet"]);
    let addr = server.listening_addr();
    let clients: Vec<TcpStream> = (0..crowd).map(|_| connect(addr)).collect();
    for _ in 0..2 {
        clients.iter().for_each(|client| ask(client, "擠".as_bytes(), "Server received: 擠".as_bytes()));
    }
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
        let field = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            value.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
        };
        assert!(field("VmHWM:") < RESIDENT_MAX_KIB, "{} KiB for {crowd} clients", field("VmHWM:"));
        // The loop, the console, and the one that waits for signals.
        assert_eq!(field("Threads:"), 3);
    }
    server.interrupt();
    // They end when the server does: each one's FIN lets the server close without lingering.
    drop(clients);
    let finished = server.wait();
    assert_eq!(finished.code, Some(0));
    assert!(finished.stdout.ends_with(&format!("Served {crowd} connections\n")), "{}", finished.stderr);
}

#[test]
fn each_turn_reads_once_and_sends_once_for_each_client() {
    const LINES: usize = 600_000;
    let args = ["127.0.0.1:0", "--framing=lines", "--quiet", "--narrate=en"];
    let mut server = Program::start(SERVER, &args);
    let addr = server.listening_addr();
    let (greedy, modest) = (connect(addr), connect(addr));
    let (mut reader, mut writer) = (greedy.try_clone().unwrap(), greedy);
    let writes = aside("greedy writer", move || writer.write_all(&vec![b'\n'; LINES]));
    let reads = aside("greedy reader", move || reader.read_exact(&mut vec![0; LINES * "Server received: \n".len()]));
    for _ in 0..50 {
        ask(&modest, "還有我\n".as_bytes(), "Server received: 還有我\n".as_bytes());
    }
    writes.wait().unwrap();
    reads.wait().unwrap();
    server.interrupt();
    drop(modest);
    let finished = server.wait();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);

    // All calls in their order: how many of one kind on one socket, from one wait to the next?
    let (mut turn, mut all) = (BTreeMap::new(), BTreeMap::new());
    for line in finished.stderr.lines() {
        if line.contains(" sockets) = ") || line.contains(" socket) = ") {
            turn.clear();
        } else if let Some((call @ ("recv" | "send"), rest)) = line.split_once('(') {
            let fd = rest.split_once(',').unwrap().0;
            assert_eq!(turn.insert((call, fd), line), None, "twice in one turn: {line}");
            *all.entry(call).or_insert(0) += 1;
        }
    }
    assert!(all["send"] > all["recv"], "no read was too much for one send: {all:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn who_waits_for_a_descriptor_is_served_as_soon_as_one_is_free() {
    use std::time::{Duration, Instant};

    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -n 64 && exec \"$0\" 127.0.0.1:0 --quiet", SERVER]);
    let mut server = Program::start_command(&mut shell);
    let addr = server.listening_addr();
    let mut clients: Vec<TcpStream> = (0..100).map(|_| connect(addr)).collect();
    clients.iter().for_each(|mut client| client.write_all("等".as_bytes()).unwrap());
    server.expect_stderr_line("clients wait in the backlog until a connection ends");
    // The first ones are inside; each that leaves lets one in, and nobody waits for the retry of a second.
    let inside = clients.iter().position(|client| {
        client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        (&*client).read(&mut [0; 100]).is_err()
    });
    let waiting = clients.split_off(inside.unwrap());
    let started = Instant::now();
    for (leaving, next) in clients.into_iter().zip(&waiting).take(20) {
        drop(leaving);
        next.set_read_timeout(Some(netcommon::testing::DEADLINE)).unwrap();
        expect(next, "Server received: 等".as_bytes());
    }
    // Twenty retries would be twenty seconds.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}
