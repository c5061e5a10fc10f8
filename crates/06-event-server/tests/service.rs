//! The service as chapter 2 gives it, too: the same tests for both, in `crates/netcommon/tests/echo`.
//!
//! Here they get this chapter's function and program.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use event_server::serve;

const PROGRAM: &str = "event-server";
const SERVER: &str = env!("CARGO_BIN_EXE_event-server");

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
