//! The client as a user meets it: as a pipe, and at a terminal that the test plays.
//!
//! The room is a few lines of std in `host.rs`, so that a test decides what the server says and when; with our
//! server, and with the Python one of the book, the client is tried in `rooms.rs`. Every wait has a deadline.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod host;
mod pipe;
#[cfg(unix)]
mod prompt;
mod rooms;
#[cfg(unix)]
mod terminal;
