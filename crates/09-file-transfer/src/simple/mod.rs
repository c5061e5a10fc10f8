//! The exercise's protocol: one datagram, one answer, and only then the next. Half a page, for any language.
//!
//! ```text
//!  datagram = CRC " " rest             CRC: CRC-32 of all of rest (zlib.crc32), eight hexadecimal digits
//!  rest     = line LF [bytes]          line: UTF-8, words separated by one space, numbers decimal
//!
//!  sender to receiver                  receiver to sender
//!    FILE n size name                    OK n offset     all bytes before offset are here: go on from there
//!    DATA n offset LF 1 to 1,024 bytes   SAVED n         the file is whole, right, and has its name
//!    END n crc-of-the-whole-file         NO n reason     not this file; it is over
//!    BYE n                               (nothing)
//! ```
//! The sender chooses `n` for each file; it tells a late answer from one that is waited for. It sends FILE, then
//! DATA, then END, each again and again (every 250 ms here) until the answer to it has come, and BYE once
//! at the very end. The receiver answers each FILE and DATA with OK and what it has, also one that it had
//! already: its first answer may be lost. What has a wrong CRC, or makes no sense now, is passed over in silence.
//! Read `message.rs`, `sender.rs`, `receiver.rs`, then the loops `send.rs` and `receive.rs`. Sources: the
//! alternating-bit idea of Bartlett, Scantlebury and Wilkinson (1969); RFC 1350 (TFTP) and what RFC 1123 section
//! 4.2.3.1 says is wrong with it.

mod message;
pub mod receive;
mod receiver;
pub mod send;
mod sender;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind};

use netcommon::escape::escape;

pub use message::{CHUNK_LEN_MAX, Message};
pub use receiver::Receiver;
pub use sender::Sender;

/// Whether a signal came while a receive waited: with a timeout the system does not begin such a wait again.
fn is_interrupted(error: &io::Error) -> bool {
    error.kind() == ErrorKind::Interrupted
}

/// `-v` shows the conversation, so that a program in another language can be compared with this one.
fn log_sent(datagram: &[u8]) {
    log::info!("sent     {}", shown(datagram));
}

fn log_received(datagram: &[u8]) {
    log::info!("received {}", shown(datagram));
}

/// The line of a datagram, and how many bytes follow it.
fn shown(datagram: &[u8]) -> String {
    let line_len = datagram.iter().position(|byte| *byte == b'\n').unwrap_or(datagram.len());
    let line = escape(&datagram[..line_len]).at_most(100);
    match datagram.len().saturating_sub(line_len + 1) {
        0 => line.to_string(),
        more => format!("{line} and {more} bytes"),
    }
}
