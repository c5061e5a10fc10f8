//! What the server says to a datagram: a decision without a socket, a clock or a copy.
//!
//! The heart of chapter 3's server; `server.rs` only carries out what is decided here. A datagram's
//! source address is whatever its sender wrote there, so the first question is not what to answer but
//! whether to answer at all. Sources: RFC 768; RFC 8085 section 3.2 (sizes); CERT VU#417980 (loops).

use std::fmt;
use std::net::SocketAddr;

use netcommon::net::{DATAGRAM_LEN_MAX_V6, datagram_len_max};

/// What stands before the message in every answer, and by which we recognise our own kind.
pub const PREFIX: &[u8] = b"Server received: ";

/// Below this live the servers that answer anything (echo 7, daytime 13, chargen 19, time 37), and no
/// ordinary client: those get a port from 1024 up.
pub const CLIENT_PORTS_START: u16 = 1024;

/// What to do with one datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Send [`PREFIX`] and the same bytes back.
    Echo,
    /// The answer would not fit into one datagram: say so in a short one, with the limit in bytes.
    Refuse {
        /// The longest message that can be sent back.
        limit: usize,
    },
    /// Say nothing.
    Silence(Reason),
}

/// Why a datagram gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It begins with [`PREFIX`]: it is an answer, and two servers that answer answers never stop.
    OwnKind,
    /// Its source port is below [`CLIENT_PORTS_START`]: a server would hear our answer, and answer it.
    ServerPort,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnKind => "it begins as our own answers do; two servers would answer each other for ever",
            Self::ServerPort => "its source port is below 1024; a server lives there, and would answer our answer",
        })
    }
}

/// Decides what the datagram `message`, which says that it came from `source`, gets.
///
/// # Examples
/// ```
/// use udp_server::answer::{Decision, Reason, decide};
///
/// let client = "127.0.0.1:50312".parse().unwrap();
/// assert_eq!(decide("你好".as_bytes(), client), Decision::Echo);
/// assert_eq!(decide(b"Server received: x", client), Decision::Silence(Reason::OwnKind));
/// ```
#[must_use]
// ANCHOR: decide
pub fn decide(message: &[u8], source: SocketAddr) -> Decision {
    let limit = datagram_len_max(source) - PREFIX.len();
    if source.port() < CLIENT_PORTS_START {
        Decision::Silence(Reason::ServerPort)
    } else if message.starts_with(PREFIX) {
        Decision::Silence(Reason::OwnKind)
    } else if message.len() > limit {
        Decision::Refuse { limit }
    } else {
        Decision::Echo
    }
}
// ANCHOR_END: decide

/// The short answer to a message of `len` bytes that is too long for an answer of its own.
///
/// It begins with [`PREFIX`] like every answer, or a refusal could start the loop that an echo cannot.
/// Without a `limit` it is the sender's system that allows less than a datagram can carry.
#[must_use]
pub fn refusal(len: usize, limit: Option<usize>) -> Vec<u8> {
    let mut answer = PREFIX.to_vec();
    answer.extend_from_slice(format!("{len} bytes, too many to send back").as_bytes());
    if let Some(limit) = limit {
        answer.extend_from_slice(format!(" (at most {limit})").as_bytes());
    }
    answer
}

// ANCHOR: buffer
/// One buffer in which a datagram becomes its own answer, so that nothing is copied.
///
/// ```text
///   ┌───────────────────┬──────────────────────────────────────────────┐
///   │ Server received:  │ room for one datagram of any length          │
///   └───────────────────┴──────────────────────────────────────────────┘
///                       └── message(len) ──┘
///   └──────────── answer(len) ─────────────┘
/// ```
#[derive(Debug)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// A buffer with the prefix in place and room behind it.
    #[must_use]
    pub fn new() -> Self {
        let mut bytes = PREFIX.to_vec();
        // No datagram is longer, so none is ever cut.
        bytes.resize(PREFIX.len() + DATAGRAM_LEN_MAX_V6, 0);
        Self(bytes)
    }

    /// Where the next datagram goes.
    pub fn room(&mut self) -> &mut [u8] {
        &mut self.0[PREFIX.len()..]
    }

    /// The datagram of `len` bytes that was received last.
    #[must_use]
    pub fn message(&self, len: usize) -> &[u8] {
        &self.0[PREFIX.len()..PREFIX.len() + len]
    }

    /// The answer to it: the prefix and the same bytes.
    #[must_use]
    pub fn answer(&self, len: usize) -> &[u8] {
        &self.0[..PREFIX.len() + len]
    }
}
// ANCHOR_END: buffer

impl Default for Buffer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> SocketAddr {
        "127.0.0.1:50312".parse().unwrap()
    }

    #[test]
    fn a_message_is_answered_up_to_what_fits_behind_the_prefix() {
        for (source, fits) in
            [("127.0.0.1:50312", 65_490), ("[::1]:50312", 65_510), ("[::ffff:127.0.0.1]:50312", 65_490)]
        {
            let source = source.parse().unwrap();
            let message = vec![b'x'; fits + 1];
            assert_eq!(decide(&message[..fits], source), Decision::Echo, "{source}");
            assert_eq!(decide(&message, source), Decision::Refuse { limit: fits }, "{source}");
        }
    }

    #[test]
    fn an_empty_datagram_is_a_message_like_any_other() {
        assert_eq!(decide(b"", client()), Decision::Echo);
        assert_eq!(Buffer::new().answer(0), PREFIX);
    }

    #[test]
    fn answers_are_not_answered() {
        for message in ["Server received: ", "Server received: 你好", "Server received: Server received: x"] {
            assert_eq!(decide(message.as_bytes(), client()), Decision::Silence(Reason::OwnKind), "{message}");
        }
        for message in ["Server received:", "server received: x", " Server received: x"] {
            assert_eq!(decide(message.as_bytes(), client()), Decision::Echo, "{message}");
        }
    }

    #[test]
    fn nothing_that_we_send_would_be_answered_by_our_own_kind() {
        let mut buffer = Buffer::new();
        buffer.room()[..6].copy_from_slice("你好".as_bytes());
        for answer in [buffer.answer(6), &refusal(65_500, Some(65_490)), &refusal(12_000, None)] {
            assert_eq!(decide(answer, client()), Decision::Silence(Reason::OwnKind));
        }
    }

    #[test]
    fn ports_of_servers_are_not_answered() {
        for (port, want) in [
            (0, Decision::Silence(Reason::ServerPort)), // RFC 768: no answer is wanted.
            (7, Decision::Silence(Reason::ServerPort)),
            (19, Decision::Silence(Reason::ServerPort)),
            (1023, Decision::Silence(Reason::ServerPort)),
            (1024, Decision::Echo),
            (65_535, Decision::Echo),
        ] {
            assert_eq!(decide("你好".as_bytes(), SocketAddr::new(client().ip(), port)), want, "port {port}");
        }
    }

    #[test]
    fn a_refusal_names_both_lengths() {
        let text = String::from_utf8(refusal(65_500, Some(65_490))).unwrap();
        assert_eq!(text, "Server received: 65500 bytes, too many to send back (at most 65490)");
    }
}
