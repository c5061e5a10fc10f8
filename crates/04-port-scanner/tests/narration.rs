//! `--narrate` tells the truth: strace sees the same socket calls with the same results.
//!
//! Linux, and only where strace is installed; elsewhere the test says that it skipped. Read `engine/` before.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(target_os = "linux")]

use std::net::TcpListener;

use netcommon::testing::strace;

/// Scans an open port and some that nobody listens on, and compares the two stories.
fn compare(engine: &str, sentence: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("strace.log");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ports = format!("1-5,{}", listener.local_addr().unwrap().port());
    let args = ["127.0.0.1", "-p", &ports, "--engine", engine, "--narrate=en"];
    let Some(scanner) = strace::start(&log, env!("CARGO_BIN_EXE_port-scanner"), &args) else { return };
    let pid = scanner.pid();
    let finished = scanner.wait();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.contains("Found 1 open ports\n"), "{}", finished.stdout);
    assert!(finished.stderr.contains(sentence), "{}", finished.stderr);
    strace::compare(&finished.stderr, &strace::read_log(&log, pid));
}

#[test]
fn the_narration_of_one_thread_is_what_the_kernel_was_asked() {
    compare("events", "= ECONNREFUSED");
}

#[test]
fn the_narration_of_a_hundred_threads_is_what_the_kernel_was_asked() {
    compare("threads", "= ECONNREFUSED");
}
