//! Chapter 9, exercise 2: files over UDP, nothing lost, as fast as the link allows.
//!
//! # The question
//! A datagram may be lost, come twice, late, or behind those that were sent after it. What must two
//! programs do so that a file comes out whole at the other end, and how do they find out how fast they may
//! send? In other words: what does TCP do for a living?
//!
//! # The idea
//! Number every datagram, and never use a number twice. Say which numbers came, as ranges. What a lost
//! datagram carried goes out again under a new number. Everything else is measuring: how long an answer
//! takes (when to worry), and how much arrives in a second (how fast to send).
//!
//! # On the wire
//! ```text
//!   sender                                 receiver
//!     │ HELLO, 1,200 bytes ──────────────▶ │   keeps nothing
//!     │ ◀───────────────────────── COOKIE  │
//!     │ OFFER, with the cookie ──────────▶ │   keeps a session
//!     │ ◀────────────── ANSWER: from byte 0│
//!     │ DATA 0, DATA 1, DATA 2 ─ ─ ✗ ─ ─ ─▶│
//!     │ ◀──────────────────── ACK 0, 2     │
//!     │ DATA 3: what 1 carried ───────────▶│
//!     │ FINISH, with the digest ──────────▶│   checks, syncs, renames
//!     │ ◀─────────────── VERDICT: complete │
//!     │ BYE ──────────────────────────────▶│   forgets the session
//! ```
//!
//! # Read in this order
//! The exercise: [`simple`] (one datagram, one answer). The seam: [`file`](mod@file) (what the protocol and the disk
//! say to each other) · [`report`] (what is told to people). The protocol: [`wire`] (the datagrams) · [`ranges`] ·
//! [`rtt`] · [`sender`] (one file, what is on its way, the state machine) · [`receiver`]. What makes it fast:
//! [`rate`] · [`congestion`] · [`pacer`] · [`path`]. The loops: [`socket`] · [`send`] · [`receive`]. Both ends' disks:
//! [`disk`] (files to send, and a folder for those that come). What people see: [`view`] · [`trace`] (what became
//! of every datagram, and its picture).
//!
//! # What we left out
//! Encryption: anyone on the path can read and change what goes by, and whoever knows the session number can
//! end it. Explicit congestion notification. A path that changes its address. Several paths at once.
//!
//! # Sources
//! RFC 9002 (loss detection) · RFC 6298 (timers) · RFC 8085 (manners of UDP programs) · RFC 8899 (finding
//! the size of a datagram) · RFC 9000 (numbers that are never used twice, cookies).

pub mod congestion;
pub mod disk;
pub mod file;
pub mod pacer;
pub mod path;
pub mod ranges;
pub mod rate;
pub mod receive;
pub mod receiver;
pub mod report;
pub mod rtt;
pub mod send;
pub mod sender;
pub mod simple;
pub mod socket;
pub mod trace;
pub mod view;
pub mod wire;
