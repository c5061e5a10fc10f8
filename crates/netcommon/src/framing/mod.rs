//! Messages on a byte stream: how the receiver finds where one ends.
//!
//! TCP carries bytes in order and nothing else. What one end wrote with one call, the other may read in
//! three pieces, and three messages may come out of one read. A framing is the rule that both ends keep
//! so that messages can be found again; this module has three of them, in one file each.
//!
//! Read in this order: this page · `raw.rs`, `lines.rs`, `length.rs` (what is on the wire) · `decoder.rs`
//! (bytes in, messages out, no socket) · `reader.rs` (a socket under it) · `encode.rs` (the way out).
//!
//! # Three answers, three shapes
//!
//! | after the bytes so far | [`Decoder`] | [`MessageReader`] |
//! |---|---|---|
//! | a message | `Ok(Some(message))` | `Ok(Some(message))` |
//! | not yet: the message goes on | `Ok(None)` from [`Decoder::decode`] | waits in `read(2)` |
//! | no more: the end, between messages | `Ok(())` from [`Decoder::end`] | `Ok(None)` |
//! | wrong: the end inside a message, or too long | `Err(FrameError)` | `Err(ReadError::Frame)` |

mod decoder;
mod encode;
mod error;
mod length;
mod lines;
mod partial;
mod raw;
mod reader;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use decoder::Decoder;
pub use encode::{encode, encode_parts, encode_within, write_message};
pub use error::{EncodeError, FrameError, Inside, ParseFramingError, ReadError, WriteError};
pub use length::{HEADER_LEN, Length};
pub use lines::Lines;
pub use raw::Raw;
pub use reader::{MessageReader, READ_LEN};

/// The longest message, in bytes, that an end accepts unless it is told otherwise: 64 KiB.
///
/// Generous for a line that somebody typed, and little enough that 1,000 clients who each leave a
/// message unfinished cost 64 MiB, not the 4 GiB *each* that a length prefix can announce.
pub const MESSAGE_LEN_MAX: usize = 64 * 1024;

/// The rule by which a stream is cut into messages.
///
/// # Examples
///
/// ```
/// use netcommon::framing::Framing;
///
/// let framing: Framing = "lines".parse()?;
/// assert_eq!(framing, Framing::Lines);
/// assert_eq!(framing.to_string(), "lines");
/// # Ok::<(), netcommon::framing::ParseFramingError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// No rule: whatever one `read` returned counts as a message. Wrong, and chapter 2 shows why.
    Raw,
    /// A message ends at a line feed: see [`Lines`].
    Lines,
    /// A message's length goes before it: see [`Length`].
    Length,
}

impl Framing {
    /// Every framing, in the order in which the course explains them.
    ///
    /// # Examples
    ///
    /// ```
    /// use netcommon::framing::Framing;
    ///
    /// let names = Framing::ALL.map(|framing| framing.to_string());
    /// assert_eq!(names, ["raw", "lines", "length"]);
    /// ```
    pub const ALL: [Self; 3] = [Self::Raw, Self::Lines, Self::Length];

    const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Lines => "lines",
            Self::Length => "length",
        }
    }
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Framing {
    type Err = ParseFramingError;

    fn from_str(text: &str) -> Result<Self, ParseFramingError> {
        Self::ALL
            .into_iter()
            .find(|framing| framing.name() == text)
            .ok_or_else(|| ParseFramingError { text: text.to_owned() })
    }
}

/// What a decoder refuses, because a peer could ask for any amount of memory otherwise.
///
/// # Examples
///
/// ```
/// use netcommon::framing::{Limits, MESSAGE_LEN_MAX};
///
/// assert_eq!(Limits::default().message_len_max, MESSAGE_LEN_MAX);
/// let chat = Limits { message_len_max: 1_023 };
/// assert!(chat.message_len_max < MESSAGE_LEN_MAX);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message in bytes, not counting what the framing adds (header, CR, LF).
    ///
    /// Raw has no messages, so it has no longest one: there [`READ_LEN`] bounds each read.
    pub message_len_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { message_len_max: MESSAGE_LEN_MAX }
    }
}
