//! Lines: a message ends at a line feed, so that a person with `nc` can speak the protocol.
//!
//! The price: the message itself may hold no LF, and the receiver must look at every byte. UTF-8 is
//! safe to search, because the byte 0A is never part of a longer character (RFC 3629 §3). Read
//! `mod.rs` first.

use memchr::memchr;

use super::decoder::{Found, Place};
use super::partial::Partial;
use super::{FrameError, Inside};

/// Messages that end with LF; one CR before it belongs to the ending, not to the message.
///
/// ```text
///  ├──────────── message ────────────┤
///  +---------+---------+- - -+---------+- - - - -+---------+
///  |  byte   |  byte   | ... |  byte   : CR (0D) | LF (0A) |
///  +---------+---------+- - -+---------+- - - - -+---------+
///  0 to message_len_max bytes, no LF   one, or not   always
/// ```
///
/// A line is too long as soon as it cannot end within the limit any more, whether or not its LF ever
/// comes; so an unfinished line keeps at most the limit and one byte, the CR.
///
/// # Examples
///
/// ```
/// use netcommon::framing::{Decoder, Framing, Limits};
///
/// let mut decoder = Decoder::new(Framing::Lines, Limits::default());
/// let mut input = "早安\r\n午".as_bytes();
/// assert_eq!(decoder.decode(&mut input)?, Some("早安".as_bytes()));
/// assert_eq!(decoder.decode(&mut input)?, None); // not yet
/// # Ok::<(), netcommon::framing::FrameError>(())
/// ```
#[derive(Debug)]
pub struct Lines {
    message_len_max: usize,
    state: State,
    partial: Partial,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Looking for the end of a line.
    Reading,
    /// The line is too long; `got` of its bytes have been dropped. Stays so until somebody decides.
    TooLong { got: usize },
    /// Somebody decided to go on: the rest of that line is being dropped.
    Skipping { got: usize },
}

impl Lines {
    pub(super) fn new(message_len_max: usize) -> Self {
        Self { message_len_max, state: State::Reading, partial: Partial::default() }
    }

    pub(super) fn step(&mut self, input: &mut &[u8]) -> Result<Option<Found>, FrameError> {
        self.partial.begin_step();
        match self.state {
            State::Reading => self.read(0, input),
            State::TooLong { .. } => Err(self.too_long()),
            State::Skipping { got } => {
                let Some(end) = memchr(b'\n', input) else {
                    self.state = State::Skipping { got: got.saturating_add(input.len()) };
                    *input = &[];
                    return Ok(None);
                };
                self.state = State::Reading;
                self.read(end + 1, input)
            }
        }
    }

    /// Reads the line that begins, or goes on, at `start` of the input.
    fn read(&mut self, start: usize, input: &mut &[u8]) -> Result<Option<Found>, FrameError> {
        // Only new bytes are searched: the kept ones are known to hold no LF.
        let unread = &input[start..];
        let end = memchr(b'\n', unread);
        let (piece, rest) = unread.split_at(end.unwrap_or(unread.len()));
        let kept = self.partial.bytes();
        let got = kept.len() + piece.len();
        let last = piece.last().or(kept.last());
        let len = if last == Some(&b'\r') { got - 1 } else { got };
        *input = rest;

        if len > self.message_len_max {
            self.partial.free();
            self.state = State::TooLong { got };
            return Err(self.too_long());
        }
        if end.is_none() {
            self.partial.push(piece);
            return Ok(None);
        }
        *input = &rest[1..]; // behind the LF
        if self.partial.bytes().is_empty() {
            return Ok(Some(Found { place: Place::Input, start, end: start + len }));
        }
        self.partial.push(piece);
        self.partial.lend();
        Ok(Some(Found { place: Place::Partial, start: 0, end: len }))
    }

    pub(super) fn end(&self) -> Result<(), FrameError> {
        let got = match self.state {
            State::Reading => self.partial.unfinished(),
            State::TooLong { .. } => return Err(self.too_long()),
            State::Skipping { got } => got,
        };
        if got == 0 {
            return Ok(());
        }
        Err(FrameError::TruncatedAtEnd { inside: Inside::Line, got, want: None })
    }

    pub(super) fn skip_to_next(&mut self) -> bool {
        // Only once for each error: a caller may ask again when the stream ends in what it skips, and
        // a second "yes" would keep it asking for ever.
        let State::TooLong { got } = self.state else {
            return false;
        };
        self.state = State::Skipping { got };
        true
    }

    pub(super) fn partial(&self) -> &Partial {
        &self.partial
    }

    fn too_long(&self) -> FrameError {
        FrameError::TooLong { announced: None, limit: self.message_len_max }
    }
}
