//! `--narrate` tells the truth here, too: strace sees the same socket calls with the same results.
//!
//! Linux, and only where strace is installed; elsewhere the test says that it skipped.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(target_os = "linux")]

use std::net::Shutdown;

use event_server::serve;
use netcommon::testing::strace;

#[path = "../../netcommon/tests/echo/harness.rs"]
mod harness;
use harness::{ask, connect, rest};

#[test]
fn the_servers_narration_is_what_the_kernel_was_asked() {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("strace.log");
    let exe = env!("CARGO_BIN_EXE_event-server");
    let Some(mut server) = strace::start(&log, exe, &["127.0.0.1:0", "--narrate=en"]) else { return };
    let addr = server.listening_addr();

    let (first, second) = (connect(addr), connect(addr));
    ask(&second, "早安".as_bytes(), "Server received: 早安".as_bytes());
    ask(&first, "你好".as_bytes(), "Server received: 你好".as_bytes());
    first.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&first), b"");
    server.expect_line("closed: end of stream");
    drop(second);
    server.expect_line("closed: end of stream");

    let pid = server.pid();
    server.interrupt();
    let finished = server.wait();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    // The wait is told, too, in a spelling of our own.
    assert!(finished.stderr.contains("epoll_wait("), "{}", finished.stderr);
    strace::compare(&finished.stderr, &strace::read_log(&log, pid));
}
