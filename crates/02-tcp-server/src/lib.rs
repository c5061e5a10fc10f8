//! Chapter 2, the server: one thread for each connection.
//!
//! # The question
//! One client at a time is easy: accept, read, answer. How does a server serve a second client while
//! the first one is thinking, and how does it end without taking an answer from anybody?
//!
//! # The idea
//! `accept` returns a new socket for each client, and each gets a thread of its own, so waiting for one
//! never keeps another waiting. Everything that a client could use up has a limit: connections, the
//! length of a message, time without one. The end has three steps: accept no more, let each answer
//! finish, cut what is left after a grace period.
//!
//! # On the wire
//! ```text
//! client                                   server
//!   │ ── SYN ──────────────────────────────▶ │   the kernel answers, not our program
//!   │ ◀──────────────────────── SYN, ACK ──  │
//!   │ ── ACK ──────────────────────────────▶ │   accept() returns the stream
//!   │ ── "你好" ───────────────────────────▶ │   read() returns bytes, maybe not all
//!   │ ◀──────── "Server received: 你好" ──── │   write()
//!   │ ── FIN ──────────────────────────────▶ │   read() returns 0: end of stream
//!   │ ◀─────────────────────────────── FIN ─ │   close()
//! ```
//!
//! # Read in this order
//! [`server`] (accept, admit, drain) · [`client`] (the life of one connection) · [`netcommon::echo`] (the
//! protocol: a message in, a message out; the line at a connection's end) · [`patience`] (how long a
//! silent client may stay).
//!
//! # What we left out
//! Encryption and names of users (a later chapter's business), and thousands of clients: a thread costs
//! memory and time to switch to. Chapter 6 serves the same protocol on one thread.
//!
//! # Try breaking it
//! Connect with `nc 127.0.0.1 8888` and say nothing. Send a line of 100,000 bytes. Start more clients
//! than `--max-connections 2` allows. Press Ctrl-C while a client waits, then twice.
//!
//! # Sources
//! RFC 9293 sections 3.5 and 3.6 (opening and closing) · Stevens, Fenner, Rudoff: UNIX Network
//! Programming, volume 1, chapters 4 to 6 · accept(2), listen(2), shutdown(2).

pub mod client;
pub mod patience;
pub mod server;

pub use server::serve;
