//! The service as chapter 6 gives it, too: the same tests for both, in `crates/netcommon/tests/echo`.
//!
//! Here they get this chapter's function and program.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use tcp_server::serve;

const PROGRAM: &str = "tcp-server";
const SERVER: &str = env!("CARGO_BIN_EXE_tcp-server");

#[path = "../../netcommon/tests/echo/accept.rs"]
mod accept;
#[path = "../../netcommon/tests/echo/cli.rs"]
mod cli;
#[path = "../../netcommon/tests/echo/descriptors.rs"]
mod descriptors;
#[path = "../../netcommon/tests/echo/harness.rs"]
mod harness;
#[path = "../../netcommon/tests/echo/hostile.rs"]
mod hostile;
#[path = "../../netcommon/tests/echo/python.rs"]
mod python;
#[path = "../../netcommon/tests/echo/serve.rs"]
mod serving;
#[path = "../../netcommon/tests/echo/signals.rs"]
mod signals;

#[test]
fn a_server_without_a_place_is_wrong_usage() {
    let ended = netcommon::testing::Program::run(SERVER, &["--max-connections", "0"], "");
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("'--max-connections <N>': expected at least 1\n"), "{}", ended.stderr);
}
