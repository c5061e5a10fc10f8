//! A load generator for echo servers: how many round trips a second, how long each takes, what they
//! cost the server, and whether every byte of every answer is right.
//!
//! One thread serves all sockets through readiness (`epoll_wait(2)` on Linux), so that the generator
//! leaves the other core to the server. It measures what a closed loop can show: each connection
//! sends its next message when the last one has been answered whole.
//!
//! Read in this order: [`exchange`] (what is sent and what must come back), [`histogram`],
//! [`readiness`], [`fleet`] (opening many connections), [`tcp`] (the closed loop), [`udp`],
//! [`spoof`], [`process`] and [`report`].

pub mod exchange;
pub mod fleet;
pub mod histogram;
pub mod process;
pub mod readiness;
pub mod report;
pub mod spoof;
pub mod tcp;
pub mod udp;
