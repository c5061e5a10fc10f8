//! Chapter 10, exercise 3: a network monitor.
//!
//! # The question
//! Who is connected to my server, how much has passed, and how did it end? Without admin rights, without missing a
//! connection that lives for less than a millisecond, and with a number beside every doubt?
//!
//! # The idea
//! Several ways of seeing, one record. A *source* sees and says what it sees as [`observation::Observation`]s. The
//! [`ledger`] makes connections, sums and a rate of them, and says what belongs into the log. It is pure: what comes
//! from a proxy, from the kernel or from a capture of last year is all the same to it.
//!
//! # On the wire
//! ```text
//!  proxy    client ──▶ net-monitor ──▶ server     in the way: sees every byte, on any system
//!  watch    the kernel's own tables and events    beside the way: sees counters, Linux
//!  capture  packets from an interface or a file   beside the way: sees packets
//! ```
//!
//! # Read in this order
//! [`moment`] (one clock that nobody sets back) · [`observation`] (the seam) · [`connection`] · [`event`] (a line of the
//! log) · [`ledger`] with [`totals`] and [`timeline`] · [`witness`] (from a source to the ledger) · [`missed`] · [`recorder`] ·
//! [`journal`] (whole lines after a kill). Then [`proxy`]: `pairs`, `lane`, `tcp`, `connection`, `udp`. Then [`kernel`], what `watch`
//! sees. Last [`record`], which
//! puts a run together again, and [`report`]. [`screen`] shows a run
//! while it lasts, [`alert`] speaks of it; [`diff`] holds two logs against each other.
//!
//! # What we left out
//! Contents: the monitor counts bytes and does not look at them. A relay's own packets: both of its sides are connections
//! of their own, so round trips and retransmissions of the client's path are not what the server sees. And a client that has
//! half-closed and then resets is heard of at the next byte to it, because the relay has nothing to read from it any more.
//!
//! # Try breaking it
//! Kill it with `kill -9` while it writes. Give its log a full disk. Send it 10,000 clients. Reset a connection in
//! the middle of a megabyte.
//!
//! # Sources
//! RFC 9293 sections 3.6 and 3.10 (how connections end) · RFC 3339 · JSON Lines.

pub mod alert;
pub mod connection;
pub mod diff;
pub mod event;
pub mod journal;
pub mod kernel;
pub mod ledger;
pub mod lines;
pub mod missed;
pub mod moment;
pub mod observation;
pub mod packets;
pub mod proxy;
pub mod record;
pub mod recorder;
pub mod report;
pub mod screen;
pub mod timeline;
pub mod totals;
pub mod witness;
