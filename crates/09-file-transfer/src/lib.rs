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
//! # Read in this order
//! The exercise: [`simple`] (one datagram, one answer). The seam: [`file`](mod@file) (what the protocol and the disk
//! say to each other) · [`report`] (what is told to people). Both ends' disks: [`disk`] (files to send, and a folder for
//! those that come). What people see: [`view`] · [`trace`] (what became of every datagram, and its picture).
//!
//! # Sources
//! RFC 9002 (loss detection) · RFC 6298 (timers) · RFC 8085 (manners of UDP programs) · RFC 8899 (finding
//! the size of a datagram).

pub mod disk;
pub mod file;
pub mod report;
pub mod simple;
pub mod trace;
pub mod view;
