//! Chapter 8, exercise 1: a chat room.
//!
//! # The question
//! In every chapter so far a client talked with a server. Here people talk with each other, and the server
//! stands between them: what does it owe to a hundred people who read when one of them does not?
//!
//! # The idea
//! The room is one bounded log of lines, and a member is a cursor into it. A line is kept once however many
//! are to read it; all read the same order, because there is only one; and a member that is too slow costs
//! no memory: when the log has forgotten what it had not read, it is told how many lines that were, and goes
//! on. What to send to whom is decided by a state machine without a socket; the loop of chapter 6 hears
//! everybody, then sends each member once, whatever has gathered.
//!
//! # On the wire
//! ```text
//! server                                             小明
//!   * Welcome to the chat room. What is your name? ──▶
//!                                              ◀── 小明
//!   * In the room: bob, carol ──▶
//!                                              ◀── 大家好
//!   [bob] hello 小明 ──▶
//!   [carol -> you] 只給你看 ──▶
//!                                              ◀── /quit
//!   * Goodbye ──▶                                      then a FIN each way
//! ```
//!
//! # Read in this order
//! [`protocol`] (what both ends agree on) · [`room::log`] (the conversation) · [`room::mail`] (what one member is
//! still to be sent) · [`room`] (who is here, what a line does) · [`server`] (the loop) · [`limits`], [`bucket`]
//! (what a peer may use up) · [`name`], [`text`], [`line`](mod@line), [`command`] (what peers write) · [`event`] (what
//! the operator sees) · [`join`] (the client).
//!
//! # What we left out
//! Passwords: whoever comes first has the name. Encryption: chapter 5's TLS would go between stream and
//! room. Several rooms, and a second thread: one core passes on half a million lines a second.
//!
//! # Try breaking it
//! Join and do not read while others talk. Send a line of a megabyte, bytes that are no text, `/who` ten thousand
//! times. Call yourself `ＢＯＢ`. Reset a connection in the middle of a line. Open five thousand at once.
//!
//! # Sources
//! The course's contract for chat · RFC 3629 (UTF-8) · UTS #39 (names that look alike) · epoll(7), tcp(7).

pub mod bucket;
pub mod command;
pub mod event;
pub mod join;
pub mod limits;
pub mod line;
pub mod name;
pub mod protocol;
pub mod room;
pub mod server;
pub mod text;
