//! Chapter 8, exercise 1: a chat room.
//!
//! # The question
//! In every chapter so far a client talked with a server. Here people talk with each other, and the server
//! stands between them: what does it owe to a hundred people who read when one of them does not?
//!
//! # The idea
//! The protocol is lines of text, so that `nc` is a client. What both ends must agree on is in
//! [`protocol`], and each end reads it from there.
//!
//! # On the wire
//! ```text
//! server                                             小明
//!   * Welcome to the chat room. What is your name? ──▶
//!                                              ◀── 小明
//!   * In the room: bob, carol ──▶
//!                                              ◀── 大家好
//!   [bob] hello 小明 ──▶
//! ```
//!
//! # Read in this order
//! [`protocol`] (what both ends agree on) · [`join`] (the client).
//!
//! # Sources
//! DESIGN of this course, "Chat" · RFC 3629 (UTF-8).

pub mod bucket;
pub mod command;
pub mod event;
pub mod join;
pub mod limits;
pub mod line;
pub mod name;
pub mod protocol;
pub mod room;
pub mod text;
