//! Packets: what a capture file holds, and what a packet socket sees.
//!
//! ```text
//! a file ──▶ file ──┐
//!                   ├──▶ decode ──▶ streams ──▶ observations ──▶ the same ledger
//! an interface ─────┘
//! ```
//! Read in this order: [`decode`], [`streams`], [`file`](mod@file).

pub mod decode;
pub mod file;
pub mod streams;
