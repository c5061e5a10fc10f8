//! The server over real sockets: what good clients get, what bad ones may not do, and the program itself.
//!
//! Read `house.rs` first (a server and its guests), then `service.rs`, `hostile.rs`, `limits.rs`, `program.rs`.
//! Every wait has a deadline, and a failing assertion ends the server with the test.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod hostile;
mod house;
mod limits;
#[cfg(unix)]
mod program;
mod service;
