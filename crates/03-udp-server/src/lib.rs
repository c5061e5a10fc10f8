//! Chapter 3, the server: one socket and one thread for everybody.
//!
//! # The question
//! A TCP server accepts a connection before it reads a byte. UDP has no `accept`: datagrams simply
//! come, from anyone, each with an address that its sender wrote on it. What does a server look like
//! that has nobody to wait for, and whom may it believe?
//!
//! # The idea
//! Receive a datagram, decide, send a datagram, forget. Nothing is kept about a client, so one thread
//! serves all of them, and a client that dies costs nothing. But a datagram's source address is a claim:
//! whoever answers every datagram can be made to talk to another such server without end. So the server
//! decides for each datagram whether to answer at all.
//!
//! # On the wire
//! ```text
//!   0               16              31
//!  ┌───────────────┬───────────────┐
//!  │ source port   │ dest. port    │   where answers go is written by the sender
//!  ├───────────────┼───────────────┤
//!  │ length        │ checksum      │   length: 8 bytes of header and the message
//!  ├───────────────┴───────────────┤
//!  │ message: 0 to 65,507 bytes    │   over IPv4; 65,527 over IPv6
//!  └───────────────────────────────┘
//! ```
//!
//! # Read in this order
//! [`answer`] (the decision, and the buffer in which a datagram becomes its answer) · [`server`] (the
//! loop that owns the socket) · [`tally`] (what is counted).
//!
//! # What we left out
//! A limit of datagrams per source. The server sends one datagram for one, 17 bytes longer, so it is a
//! poor amplifier, but with a forged source it still sends to somebody who did not ask; and a server of
//! *another* kind, which puts its own words before ours, could still be made to talk to us. Memory of
//! requests: a request that is sent twice is answered twice. The address under which it was asked: bound
//! to `0.0.0.0` on a machine with several addresses, it may answer from another one, and a connected
//! client does not let that in (UNP section 8.8); bind the address that the clients use.
//!
//! # Try breaking it
//! Send it `Server received: x`. Send 65,507 bytes, then none. Send from port 7 (as root). Close the
//! client's socket before the answer comes.
//!
//! # Sources
//! RFC 768 · RFC 8085 sections 3.2 and 5.2 · CERT VU#417980 · UNP sections 8.2 to 8.4 · recvfrom(2),
//! udp(7).

pub mod answer;
pub mod server;
pub mod tally;

pub use server::serve;
