//! Chapter 3, the client: wait, send again, and recognise the answer.
//!
//! # The question
//! A datagram may be lost on the way, and so may its answer; nobody tells. How long does a client wait,
//! how often does it try, and how does it know that what comes is the answer to *this* request?
//!
//! # The idea
//! The client sends, waits with a limit, sends again and waits twice as long: three times in all. Each
//! copy may be answered, so an answer may come late or twice; it is taken only if it is what the server
//! says to this very message. And where nothing listens at all, the system of the other side may say so
//! (ICMP): then waiting is pointless, and the client says at once what is wrong.
//!
//! # On the wire
//! ```text
//! client                              server
//!   │ ── "你好" ──────────────╳         │   lost: nobody knows
//!   │    1 s of silence                 │
//!   │ ── "你好" ──────────────────────▶ │
//!   │         ╳────── "Server rec…" ─── │   the answer is lost: looks the same from here
//!   │    2 s of silence                 │
//!   │ ── "你好" ──────────────────────▶ │   the server does its work a second time
//!   │ ◀──── "Server received: 你好" ─── │
//! ```
//!
//! # Read in this order
//! [`exchange`] (the state machine: datagrams and the time in, what to do next out) · [`datagram`] (how
//! long one may be, and whether it was cut) · [`client`] (the loop that owns the socket) · [`error`]
//! (what the user is told) · [`session`] (the conversation) · [`lesson`] (UDP beside TCP).
//!
//! # What we left out
//! A number in each request: the course's plain format has none, so two equal messages have equal
//! answers. A measured round-trip time instead of a fixed first wait (a later chapter has one). Windows of
//! several requests at once.
//!
//! # Try breaking it
//! Start it without a server. Ask a Python server that cuts at 1,024 bytes 2,000 of them. Type
//! `Server received: x`. Keep only 10 bytes with `--buffer 10`.
//!
//! # Sources
//! RFC 768 · RFC 8085 sections 3.1.1, 3.2, 3.3 and 5.2 · UNP sections 8.8 to 8.11 and 22.5 · udp(7).

pub mod client;
pub mod datagram;
pub mod error;
pub mod exchange;
pub mod lesson;
pub mod session;
