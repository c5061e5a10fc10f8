//! Chapter 1: look at sockets before using them.
//!
//! # The question
//! What does a program hold in its hand when it has made a socket, and what does the system say when
//! something goes wrong with it?
//!
//! # The idea
//! A socket is a number that stands for a structure in the kernel. Three numbers choose its kind
//! ([`families`]); fresh, it has options and buffers but no name ([`fresh`], [`options`]); it gets a
//! name of its own and a peer's name step by step ([`names`]). Names are addresses: bytes in network
//! order ([`address`], [`byte_order`]), often found through a name for people ([`resolve`]). What can go
//! wrong has a small vocabulary, the same in every language ([`errors`]).
//!
//! # On the wire
//! Almost nothing, which is the point: `socket`, `bind`, `getsockopt` and `getsockname` send no byte.
//! `connect` is the first call that does:
//!
//! ```text
//! refused      SYN ->           reset        SYN ->            timeout      SYN ->
//!              <- RST                        <- SYN,ACK                     <- SYN,ACK
//!                                            ACK ->                         ACK ->
//!                                            <- RST                         (silence)
//! ```
//!
//! # Read in this order
//! 1. [`families`]: the numbers. 2. [`fresh`] and [`options`]: a new socket. 3. [`names`]: its life.
//! 4. [`address`], [`byte_order`], [`resolve`]: what a name is. 5. [`errors`]: seven mishaps; `provoke.rs`
//!    makes them happen, `advice.rs` explains them. 6. `table.rs`, `page.rs`, [`topic`]: how it is shown.
//!
//! # What we left out
//! Raw and Unix-domain sockets (only their numbers are shown), multicast, and options that one system
//! alone has.
//!
//! # Try breaking it
//! Run `socket-basics errors permission` as root and as another user; switch the network off and run
//! `socket-basics errors unreachable` and `socket-basics errors name-not-found` again.
//!
//! # Sources
//! socket(2), socket(7), ip(7), tcp(7), udp(7); POSIX.1-2024; RFC 791, 4291, 6890, 9293; Stevens, UNP
//! chapters 3, 4, 7 and 11.

pub mod address;
mod advice;
pub mod byte_order;
pub mod errors;
pub mod families;
pub mod fresh;
pub mod names;
pub mod options;
pub mod page;
mod provoke;
pub mod resolve;
pub mod system_error;
pub mod table;
pub mod topic;
