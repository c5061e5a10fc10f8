//! Chapter 2, the client: wait for the user and for the server at once.
//!
//! # The question
//! A client that waits in `input()` does not notice that the server has gone; one that waits in `recv()`
//! does not notice the user. And when it has sent three messages, what does one `recv()` return?
//!
//! # The idea
//! Each wait gets a thread: one reads the user's lines, one reads the server's answers, one writes, and all put
//! what they have into channels. The main thread waits for whichever comes first, asks a small state machine
//! what that means, and does it.
//!
//! # On the wire
//! ```text
//!  raw, as the client wrote it:   你好 | 早安 | 再見        three writes
//!  raw, as a server may read it:  你好早 ¦ 安再見           two reads: glued, and cut inside a message
//!  lines:                         你好\n 早安\n 再見\n      the LF says where a message ends
//!  length:                        0006你好 0006早安 …       the length says it beforehand
//! ```
//! `tcp-client --lesson` shows it happening.
//!
//! # Read in this order
//! [`dialogue`] (what happens next, pure) · [`session`] (the threads and the loop) · [`sending`] (how a
//! message is written, and how badly it can be) · `writer` (why not on the thread that waits) · [`lesson`] (raw against lines and length).
//!
//! # What we left out
//! A prompt that survives incoming text while you type (the chat room needs one), and TLS.
//!
//! # Try breaking it
//! Stop the server while the prompt waits. Use `--framing lines` against a server that speaks `raw`, and
//! the other way round. Send `--slice 1`.
//!
//! # Sources
//! RFC 9293 sections 3.6 (closing) and 3.9.1 (the calls) · UNP sections 5.12 to 6.6 (a client that waits
//! for two things).

pub mod dialogue;
pub mod lesson;
pub mod sending;
pub mod session;
mod writer;
