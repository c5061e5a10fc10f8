//! Chapter 5: HTTP, a real protocol over TCP.
//!
//! # The question
//! Chapter 2 had to invent where a message ends. HTTP has five answers to that question, they can contradict
//! one another, and the server may be wrong, slow or hostile. How does a client read exactly one response
//! out of a stream, and how does it know that it has all of it?
//!
//! # The idea
//! Three layers that know nothing of each other. A parser takes bytes and says what they mean; it has no
//! socket and no clock, so it can be tried at every split point. A decoder unpacks gzip in bounded memory.
//! A short loop owns the socket and one deadline, and carries bytes from one to the other.
//!
//! # On the wire
//! ```text
//!  GET /教室 HTTP/1.1 ──────────────▶
//!  Host: 127.0.0.1:8080
//!                     ◀────────────── HTTP/1.1 200 OK             status line
//!                                     Content-Encoding: gzip      fields
//!                                     Transfer-Encoding: chunked
//!                                                                 blank line
//!                                     1c ⏎ (28 bytes) ⏎ 0 ⏎ ⏎    content, in chunks
//! ```
//!
//! # Read in this order
//! [`target`] and [`request`] (what is asked) · [`response`] (the state machine; the heart of the chapter) ·
//! [`coding`] (gzip and bombs) · [`deadline`] (one time limit for everything) · [`client`] (the loop) ·
//! [`redirect`], [`proxy`], [`connection`], `tls` · [`output`], [`download`], [`text`] (where it goes) ·
//! `netcommon::pipe` (how it goes there without us).
//!
//! # What we left out
//! HTTP/2 and 3 (other framings of the same meaning), cookies, caches, brotli and zstd, SOCKS, proxies that
//! speak TLS themselves, several connections at once.
//!
//! # Try breaking it
//! `http-client --misbehave 127.0.0.1:8080` is a server that does what a path like `/cut` or `/drip` says.
//! `tests/conformance` has more than two hundred servers that say strange things; add one of your own.
//!
//! # Sources
//! RFC 9110 (what HTTP means) · RFC 9112 (how HTTP/1.1 looks on the wire) · RFC 1950 to 1952 (zlib, deflate,
//! gzip) · RFC 3986 (URLs).

pub mod client;
pub mod coding;
pub mod connection;
pub mod deadline;
pub mod download;
pub mod error;
pub mod fields;
pub mod misbehave;
pub mod output;
pub mod proxy;
mod reading;
pub mod redirect;
pub mod report;
pub mod request;
pub mod response;
pub mod target;
pub mod text;
pub mod timing;
#[cfg(feature = "tls")]
pub mod tls;
