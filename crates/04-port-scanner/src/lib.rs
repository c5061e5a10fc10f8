//! Chapter 4: many connections at once, and how sure their answers are.
//!
//! # The question
//! Which ports of a machine are open? One connect tells for one port. How does a program ask 65,535 of
//! them in a second, and how far can it be trusted when a port says nothing at all?
//!
//! # The idea
//! Waiting is all that a scanner does, so it must wait for many answers at once: with a thread for each,
//! or with one thread that the system tells which connections have ended. What to ask when, and when
//! silence is long enough, is decided by a state machine that knows neither sockets nor a clock.
//!
//! # On the wire
//! ```text
//! scanner                                host
//!   │ ── SYN to port 22 ──────────────▶   │
//!   │ ◀────────────────── SYN, ACK ────   │   open
//!   │ ── RST ─────────────────────────▶   │   we only wanted to know
//!   │ ── SYN to port 23 ──────────────▶   │
//!   │ ◀─────────────────────── RST ────   │   closed
//!   │ ── SYN to port 24 ──────╳ firewall  │
//!   │    a third of the timeout           │
//!   │ ── SYN to port 24 ──────╳           │   filtered, or lost twice: who knows?
//! ```
//!
//! # Read in this order
//! [`ports`], [`target`], [`plan`] (what to ask) · [`verdict`] (what an answer means) ·
//! [`engine::threads`] (the first scanner that everybody writes) · [`scan`] with [`scan::rtt`] and
//! [`scan::window`] (the state machine) · [`engine::events`] (the loop that owns the sockets) ·
//! [`engine::team`] (several of them) · [`limits`] · [`report`] (and how sure it is) · [`banner`], [`services`].
//!
//! # What we left out
//! Raw SYNs, which need rights and a TCP of one's own, and find nothing that `connect` does not. UDP
//! ports, whose silence means even less. Guessing versions: a banner is shown, not judged.
//!
//! # Try breaking it
//! `sh -c 'ulimit -n 16; target/debug/port-scanner 127.0.0.1'`. Stop it with Ctrl-C and go on with
//! `--resume`. Scan a listener that never accepts, until its backlog is full.
//!
//! # Sources
//! RFC 9293 sections 3.5 and 3.10.7 · RFC 6298 section 2 · connect(2), "EINPROGRESS" · epoll(7) · UNP
//! sections 16.3 to 16.5.

pub mod banner;
pub mod engine;
pub mod limits;
pub mod plan;
pub mod ports;
pub mod report;
pub mod scan;
pub mod services;
pub mod target;
pub mod verdict;
