//! Nothing is left behind: the test of both servers in `crates/netcommon/tests/echo`, alone in its program.
//!
//! It counts what the whole process has, so no other test may run beside it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use event_server::serve;

#[path = "../../netcommon/tests/echo/harness.rs"]
mod harness;
#[path = "../../netcommon/tests/echo/leaks.rs"]
mod leaks;
