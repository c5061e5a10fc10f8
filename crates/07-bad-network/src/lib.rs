//! Chapter 7: a bad network that anyone can run.
//!
//! # The question
//! On one machine nothing is lost, nothing is late, and one `read` returns one message: a program with a
//! hundred bugs passes every test at home. How does one see what a real network does to it, again and
//! again, until the bug is found?
//!
//! # The idea
//! A program in the middle. Clients talk to it as if it were the server, it talks to the server as if it
//! were the clients, and on the way it does what bad networks do. Its chance has no history: the fate of a
//! datagram is *computed* from the seed, the flow, the direction and the datagram's number. So a bug that
//! was seen once is seen every time.
//!
//! # On the wire
//! ```text
//!             up ─────────────────────────────▶
//!  client ───── 127.0.0.1:9001  bad-network ───── 127.0.0.1:9999  server
//!             ◀───────────────────────────── down
//! ```
//!
//! # Read in this order
//! [`chance`] (dice without a history) · [`way`] and [`fate`] (what chance decides about a datagram) ·
//! [`network`] (the network itself, without a socket or a clock) · [`udp`] (the loop that owns the
//! sockets). Then TCP, where no chance is: [`stream_way`] · [`pipe`] (late, in other pieces, slowly, or no
//! more) · [`tcp`]. Beside the way: [`quantity`], [`setting`] and [`scenario`] (what people type),
//! [`record`], [`log`], [`totals`] and [`event`] (what is told).
//!
//! # What we left out
//! Packets: a program without admin rights sees datagrams and streams, not the packets that carry them, so
//! there is no fragmentation, no ECN and no real TCP loss here. Where two directions share one medium, as
//! with wifi, they would share its rate; ours have one each, and with TCP each connection has its own. One
//! router, one queue: a path has many. Datagrams that found the kernel's buffer before us full are counted by nobody,
//! and who resets a connection behind a full window is noticed when there is room again.
//!
//! # Try breaking it
//! Send it 65,507 bytes, then none. Stop the server and start it again. Flood it. Press Ctrl-C while its
//! queue is full, then once more.
//!
//! # Sources
//! RFC 7680, 7679, 3393, 4737, 5560 (what loss, delay and their kin mean) · RFC 8085 · netem(8) · udp(7).

pub mod chance;
pub mod event;
pub mod fate;
pub mod log;
pub mod network;
pub mod pipe;
pub mod quantity;
pub mod record;
pub mod scenario;
pub mod setting;
pub mod stream_way;
pub mod tcp;
pub mod totals;
pub mod udp;
pub mod way;
