//! `accept` fails: for one client, and for good. strace lets it fail, because no client can.
//!
//! Linux, and only where strace is installed; elsewhere the tests say that they skipped.

#![cfg(target_os = "linux")]

use std::io::Read;
use std::time::Duration;

use crate::harness::{ask, connect};
use netcommon::accept::FAILURES_MAX;
use netcommon::testing::{Program, strace};

use crate::SERVER;

/// How often a server may have asked again after its warning: once a second, and a test has not so many.
const PATIENT: usize = 100;

fn server(fault: &str, test: impl FnOnce(Program, &std::path::Path)) {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("strace.log");
    if let Some(server) = strace::start_faulty(fault, &log, SERVER, &["127.0.0.1:0", "--quiet"]) {
        test(server, &log);
    }
}

#[test]
fn an_error_of_one_connection_does_not_end_the_server() {
    server("accept4:error=EOPNOTSUPP:when=2", |mut server, _| {
        let addr = server.listening_addr();
        for _ in 0..3 {
            ask(&connect(addr), "在".as_bytes(), "Server received: 在".as_bytes());
        }
        server.interrupt();
        assert_eq!(server.wait().code, Some(0));
    });
}

#[test]
fn an_error_that_lasts_is_told_and_waited_for() {
    server("accept4:error=EPERM:when=2+", |mut server, log| {
        let addr = server.listening_addr();
        let first = connect(addr);
        ask(&first, "在".as_bytes(), "Server received: 在".as_bytes());
        let _in_the_backlog = connect(addr);
        server.expect_stderr_line("clients wait in the backlog until a connection ends, or a second");
        // Nothing comes: the read is our stopwatch.
        first.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        assert!((&first).read(&mut [0; 1]).is_err());
        let failed = std::fs::read_to_string(log).unwrap().matches("INJECTED").count();
        assert!(failed <= FAILURES_MAX as usize + PATIENT, "{failed} times");
        ask(&first, "還在".as_bytes(), "Server received: 還在".as_bytes());
        server.interrupt();
        assert_eq!(server.wait().code, Some(0));
    });
}
