//! What can go wrong with framed messages, each kind with its own words.
//!
//! Two families stay apart on the way in: the peer broke the framing ([`FrameError`]: close the
//! connection and say why), or the system could not read ([`std::io::Error`]: reset, timeout).
//! [`ReadError`] holds either. The text names neither the operation nor the address: the program that
//! knows them puts them in front (`read message from 127.0.0.1:50312: peer closed after 3 of 12 bytes`).

use std::fmt;
use std::io;

use thiserror::Error;

use crate::units::counted;

/// A name that is none of the framings.
///
/// # Examples
///
/// ```
/// let error = "line".parse::<netcommon::framing::Framing>().unwrap_err();
/// assert_eq!(error.to_string(), "unknown framing `line`: expected raw, lines or length");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown framing `{}`: expected raw, lines or length", text.escape_debug())]
pub struct ParseFramingError {
    /// What was given.
    pub text: String,
}

/// The bytes break the rule of the framing: the peer's doing, and no use in reading on.
///
/// # Examples
///
/// ```
/// use netcommon::framing::{FrameError, Inside};
///
/// let announced = FrameError::TooLong { announced: Some(4_294_967_295), limit: 65_536 };
/// assert_eq!(announced.to_string(), "length 4294967295 exceeds the limit of 65536 bytes");
/// let cut = FrameError::TruncatedAtEnd { inside: Inside::Message, got: 3, want: Some(12) };
/// assert_eq!(cut.to_string(), "peer closed after 3 of 12 bytes");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A message longer than the limit.
    #[error("{} exceeds the limit of {}", too_long(*announced), counted(*limit, "byte"))]
    TooLong {
        /// The length that the peer announced; `None` for a line, which announces nothing.
        announced: Option<u32>,
        /// The limit that it exceeds, in bytes.
        limit: usize,
    },
    /// The stream ended inside a message.
    #[error("peer closed {}", truncated(*inside, *got, *want))]
    TruncatedAtEnd {
        /// Which part was cut.
        inside: Inside,
        /// How many bytes of that part had come.
        got: usize,
        /// How many it should have had; `None` for a line, whose end nobody knew.
        want: Option<usize>,
    },
}

/// The part of the stream in which it ended.
///
/// # Examples
///
/// ```
/// use netcommon::framing::{FrameError, Inside};
///
/// let inside = Inside::Line;
/// let error = FrameError::TruncatedAtEnd { inside, got: 3, want: None };
/// assert_eq!(error.to_string(), "peer closed inside a line after 3 bytes");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inside {
    /// A line: its LF is missing.
    Line,
    /// The header of a length-prefixed frame: the message's length is not known yet.
    LengthPrefix,
    /// The message of a length-prefixed frame.
    Message,
}

fn too_long(announced: Option<u32>) -> String {
    announced.map_or_else(|| "line".to_owned(), |length| format!("length {length}"))
}

fn truncated(inside: Inside, got: usize, want: Option<usize>) -> impl fmt::Display {
    let part = match inside {
        Inside::Line => "inside a line ",
        Inside::LengthPrefix => "inside a length prefix ",
        Inside::Message => "",
    };
    match want {
        Some(want) => format!("{part}after {got} of {}", counted(want, "byte")),
        None => format!("{part}after {}", counted(got, "byte")),
    }
}

/// A message that the framing cannot carry: the caller's doing, and nothing was written.
///
/// # Examples
///
/// ```
/// use netcommon::framing::{EncodeError, Framing, encode};
///
/// let error = encode(Framing::Lines, b"two\nlines", &mut Vec::new()).unwrap_err();
/// assert_eq!(error, EncodeError::LineFeedInside { at: 3 });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The receiver would take the message for two.
    #[error("message has a line feed at byte {at}, and a line ends there; --framing length carries any bytes")]
    LineFeedInside {
        /// Offset of the first LF.
        at: usize,
    },
    /// The receiver would refuse it.
    #[error("message of {} exceeds the limit of {}", counted(*len, "byte"), counted(*limit, "byte"))]
    TooLong {
        /// The message's length in bytes.
        len: usize,
        /// The limit that it exceeds.
        limit: usize,
    },
}

/// Why no message could be read.
///
/// # Examples
///
/// ```
/// use netcommon::framing::{Framing, Limits, MessageReader, ReadError};
///
/// let mut reader = MessageReader::new("未完".as_bytes(), Framing::Lines, Limits::default());
/// match reader.read_message() {
///     Err(ReadError::Frame(error)) => println!("the peer broke the framing: {error}"),
///     Err(ReadError::Io(error)) => println!("the system could not read: {error}"),
///     Ok(_) => unreachable!("the line never ended"),
/// }
/// ```
#[derive(Debug, Error)]
pub enum ReadError {
    /// The system could not read: reset, timeout, and so on.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The peer broke the rule of the framing.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

impl ReadError {
    /// Whether the read only ran out of time, so that another try may succeed; no byte is lost.
    ///
    /// A read timeout (`SO_RCVTIMEO`) is `WouldBlock` on Unix and `TimedOut` on Windows.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    /// use netcommon::framing::ReadError;
    ///
    /// assert!(ReadError::from(io::Error::from(io::ErrorKind::WouldBlock)).is_timeout());
    /// assert!(!ReadError::from(io::Error::from(io::ErrorKind::ConnectionReset)).is_timeout());
    /// ```
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Io(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
            Self::Frame(_) => false,
        }
    }
}

/// Why a message could not be written.
///
/// # Examples
///
/// ```
/// use netcommon::framing::{Framing, WriteError, write_message};
///
/// let mut sent = Vec::new();
/// let error = write_message(&mut sent, Framing::Lines, b"a\nb").unwrap_err();
/// assert!(matches!(error, WriteError::Encode(_)));
/// assert!(sent.is_empty());
/// ```
#[derive(Debug, Error)]
pub enum WriteError {
    /// The framing cannot carry this message; nothing was written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The system could not write; how much of the message went out is not known.
    #[error(transparent)]
    Io(#[from] io::Error),
}
