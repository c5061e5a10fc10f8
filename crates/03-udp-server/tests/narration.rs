//! `--narrate` tells the truth: strace sees the same calls with the same arguments and results.
//!
//! Linux, and only where strace is installed; elsewhere the test says that it skipped.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(target_os = "linux")]

use std::net::UdpSocket;
use std::time::Duration;

use netcommon::testing::strace;

#[test]
fn the_servers_narration_is_what_the_kernel_was_asked() {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("strace.log");
    let exe = env!("CARGO_BIN_EXE_udp-server");
    let Some(mut server) = strace::start(&log, exe, &["127.0.0.1:0", "--narrate=en"]) else { return };
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(server.listening_addr()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for message in ["你好", "", "a, \"b\"\x1b[2J"] {
        client.send(message.as_bytes()).unwrap();
        let mut buffer = [0; 100];
        let len = client.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], format!("Server received: {message}").as_bytes());
    }
    client.send(b"Server received: x").unwrap();
    server.expect_line("Not answered");

    let pid = server.pid();
    server.interrupt();
    let finished = server.wait();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    strace::compare(&finished.stderr, &strace::read_log(&log, pid));
    assert!(finished.stderr.contains("one whole datagram, as it was sent"), "{}", finished.stderr);
}
