//! `--narrate` tells the truth: strace sees the same calls with the same arguments and results.
//!
//! Linux, and only where strace is installed; elsewhere the test says that it skipped.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(target_os = "linux")]

use std::net::Shutdown;

use netcommon::testing::strace;
use tcp_server::serve;

#[path = "../../netcommon/tests/echo/harness.rs"]
mod harness;
use harness::{ask, connect, rest};

#[test]
fn the_servers_narration_is_what_the_kernel_was_asked() {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("strace.log");
    let exe = env!("CARGO_BIN_EXE_tcp-server");
    let Some(mut server) = strace::start(&log, exe, &["127.0.0.1:0", "--narrate=en"]) else { return };
    let addr = server.listening_addr();

    let first = connect(addr);
    ask(&first, "你好".as_bytes(), "Server received: 你好".as_bytes());
    ask(&first, b"a, \"b\"\x1b[2J", b"Server received: a, \"b\"\x1b[2J");
    first.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&first), b"");
    server.expect_line("closed: end of stream");

    let pid = server.pid();
    server.interrupt();
    let finished = server.wait();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    strace::compare(&finished.stderr, &strace::read_log(&log, pid));
    let told = "the kernel does the handshake; accept hands us the finished connection";
    assert!(finished.stderr.contains(told), "{}", finished.stderr);
}

#[test]
fn what_a_shutdown_does_is_not_said_of_the_client() {
    let mut server =
        netcommon::testing::Program::start(env!("CARGO_BIN_EXE_tcp-server"), &["127.0.0.1:0", "--narrate=en"]);
    let addr = server.listening_addr();
    // They stay, silent: each end of stream is our own doing, and behind it a half-close leaves nothing to read.
    let clients: Vec<_> = (0..20).map(|_| connect(addr)).collect();
    clients.iter().for_each(|client| ask(client, b"x", b"Server received: x"));
    server.interrupt();
    clients.iter().for_each(|client| assert_eq!(rest(client), b""));
    drop(clients);
    let told = server.wait().stderr;
    for (call, sentence) in
        [("recv(", "or we have stopped reading"), ("SHUT_WR) = 0", "the other direction stays as it is")]
    {
        // A thread that was not in its recv when the end was asked for makes none any more; most were.
        let mut lines = told.lines().filter(|line| line.contains(call) && !line.contains("8192) = 1 "));
        assert!(lines.any(|line| line.ends_with(sentence)), "{sentence}\n{told}");
    }
    assert!(!told.contains("will send no more") && !told.contains("can still read"), "{told}");
}

#[test]
fn the_narration_speaks_chinese_too() {
    let mut server =
        netcommon::testing::Program::start(env!("CARGO_BIN_EXE_tcp-server"), &["127.0.0.1:0", "--narrate=zh-TW"]);
    let addr = server.listening_addr();
    let line = server.expect_stderr_line("listen(");
    assert!(line.contains("核心會替我們完成三向交握"), "{line}");
    drop(connect(addr));
    server.expect_stderr_line("串流結尾");
}
