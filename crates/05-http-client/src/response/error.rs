//! What can be wrong with a response, in words.
//!
//! Each variant says what was wrong, shows the bytes that were, and how much content had come where some
//! could have. What is shown comes from the network, so it goes through `netcommon::escape`, shortened.
//! Read `mod.rs` first.

use netcommon::escape::{Escaped, quote};

use super::{HEAD_BYTES_MAX, INTERIM_MAX};

/// How many bytes of a bad line an error shows: enough to recognise it, less than a terminal's line.
const SHOWN_MAX: usize = 48;

fn shown(bytes: &[u8]) -> Escaped<'_> {
    quote(bytes, SHOWN_MAX)
}

/// Why bytes are not a whole and well-formed response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Another protocol, or HTTP before 1.0.
    #[error("not an HTTP/1 response: it begins with {}", shown(.start))]
    NotHttp {
        /// The first bytes.
        start: Vec<u8>,
    },
    /// Neither `HTTP/1.0` nor `HTTP/1.1`, three digits and a reason.
    #[error("malformed status line {}", shown(.line))]
    StatusLine {
        /// The line.
        line: Vec<u8>,
    },
    /// Not a name, a colon and a value.
    #[error("malformed field {}", shown(.line))]
    Field {
        /// The line.
        line: Vec<u8>,
    },
    /// A line that continues the one before it, where none may.
    #[error("folded field: the line {} begins with white space, and {why}", shown(.line))]
    Folded {
        /// The line.
        line: Vec<u8>,
        /// Why it is not joined.
        why: &'static str,
    },
    /// No blank line in all these bytes.
    #[error("the header section or trailer section does not end within {HEAD_BYTES_MAX} bytes")]
    HeadTooLong,
    /// One interim response after the other.
    #[error("more than {INTERIM_MAX} interim (1xx) responses and no final one")]
    EndlessInterim,
    /// The server wants to speak another protocol.
    #[error("101 Switching Protocols, which was not asked for")]
    Upgrade,
    /// A length that is no number, too large, or given twice.
    #[error("Content-Length {}: {why}", shown(.value))]
    ContentLength {
        /// The value.
        value: Vec<u8>,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Content wrapped in something that we cannot unwrap.
    #[error("Transfer-Encoding {}: {why}", shown(.value.as_bytes()))]
    TransferCoding {
        /// The list of codings.
        value: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A chunk's line that is not a hexadecimal size and extensions.
    #[error("chunk size {}: {why}, after {came} bytes of content", shown(.line))]
    ChunkSize {
        /// The line.
        line: Vec<u8>,
        /// What is wrong with it.
        why: &'static str,
        /// Content before it, in bytes.
        came: u64,
    },
    /// A chunk that is longer than its size.
    #[error("no CR LF behind a chunk, after {came} bytes of content")]
    ChunkEnd {
        /// Content up to there, in bytes.
        came: u64,
    },
    /// The end of stream before the first byte.
    #[error("the server closed the connection without an answer")]
    NoAnswer,
    /// The end of stream inside the head.
    #[error("truncated: the connection ended inside the header section, after {came} bytes of it")]
    HeadCut {
        /// Bytes of the head.
        came: usize,
    },
    /// The end of stream before the announced length.
    #[error("truncated: the connection ended after {came} of {of} bytes of content")]
    ContentCut {
        /// Content in bytes.
        came: u64,
        /// What was announced.
        of: u64,
    },
    /// The end of stream before the last chunk or inside the trailers.
    #[error("truncated: the connection ended before the last chunk was complete, after {came} bytes of content")]
    ChunksCut {
        /// Content in bytes.
        came: u64,
    },
}

impl ResponseError {
    /// Whether the peer ended a connection on which it had not said anything: a kept connection may have
    /// been closed just as we used it, and one more try is in order.
    #[must_use]
    pub fn is_no_answer(&self) -> bool {
        *self == Self::NoAnswer
    }
}
