//! Chapter 6: chapter 2's service for thousands of clients, on one thread.
//!
//! # The question
//! Chapter 2 gives every client a thread, and most of these threads do nothing: each waits for one
//! client. Ten thousand clients would need ten thousand of them. How does one thread serve them all?
//!
//! # The idea
//! Wait for readiness, never for a peer. Sockets are made non-blocking, so no call on one of them ever
//! waits; the thread waits in one place only, where the system tells it *which* of all its sockets can
//! be read or written now. What a thread's stack remembered of a client while it waited, a struct has to
//! remember instead: that struct is a state machine.
//!
//! # On the wire
//! Exactly what chapter 2 sends: no client can tell the two servers apart. The difference is on this side:
//! ```text
//! chapter 2, thread of 小明          chapter 6, the only thread
//!   recv ............ waits            epoll_wait ... waits for everybody
//!   recv = 6                           epoll_wait = 小明, bob
//!   send = 23                          recv = 6, send = 23        (小明)
//!   recv ............ waits            recv = 3, send = 20        (bob)
//!                                      epoll_wait ... waits for everybody
//! ```
//!
//! # Read in this order
//! [`server`] (the loop) · [`connection`] (what one client needs, without a socket) · `admission.rs`
//! (who is let in). Then `netcommon`: `deadlines` (whose time is up), `descriptors` (how many may come), `readiness`.
//!
//! # What we left out
//! A second thread: one is enough until it is busy all the time; then each core gets a loop of its own.
//! Work that takes long: whatever computes for a second here keeps everybody waiting for a second.
//!
//! # Try breaking it
//! Send a megabyte and do not read. Open 200 connections under `ulimit -n 64`. Reset a hundred at once.
//!
//! # Sources
//! epoll(7), kqueue(2) · Dan Kegel: The C10K problem · UNIX Network Programming, volume 1, chapters 6 and 16.

mod admission;
pub mod connection;
pub mod server;

pub use server::serve;

/// Connections at once unless the user says otherwise.
///
/// Twice the ten thousand that the chapter is about. A client that does not read may keep a read and
/// its answers waiting, some 150 KiB; 20,000 of those are what a machine of today survives.
pub const CONNECTIONS_MAX: usize = 20_000;
