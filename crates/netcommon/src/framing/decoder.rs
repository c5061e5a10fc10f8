//! One decoder over the three framings: bytes in, messages out, no socket anywhere near.
//!
//! Because it is pure, the same code serves a thread that blocks in `read(2)`, an event loop, a test
//! that cuts the stream at every place, and a fuzzer. Read `mod.rs` first, then the framings.

use super::partial::Partial;
use super::{FrameError, Framing, Length, Limits, Lines, Raw};

/// Finds the messages in a stream that comes in pieces of any size.
///
/// It takes what it is fed, lends each message as it becomes whole, and keeps no more than the one
/// message that is not whole yet (at most the limit and the framing's few bytes).
///
/// # Examples
///
/// ```
/// use netcommon::framing::{Decoder, Framing, Limits};
///
/// let mut decoder = Decoder::new(Framing::Lines, Limits::default());
/// let mut messages = Vec::new();
/// // 「早安」 is cut inside its second character.
/// for mut piece in [&b"\xe6\x97\xa9\xe5"[..], b"\xae\x89\nbob\n"] {
///     while let Some(message) = decoder.decode(&mut piece)? {
///         messages.push(String::from_utf8_lossy(message).into_owned());
///     }
/// }
/// decoder.end()?; // the peer closed: between messages, so all is well
/// assert_eq!(messages, ["早安", "bob"]);
/// # Ok::<(), netcommon::framing::FrameError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    framing: AnyFraming,
}

#[derive(Debug)]
enum AnyFraming {
    Raw,
    Lines(Lines),
    Length(Length),
}

/// A whole message, as a place instead of a slice: a reader can keep it across its own loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Where a message lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Whole in the input of this step, counted from its first byte.
    Input,
    /// In what the decoder had kept; valid until the next step.
    Partial,
}

impl Decoder {
    /// A decoder at the start of a stream.
    ///
    /// # Examples
    ///
    /// ```
    /// use netcommon::framing::{Decoder, Framing, Limits};
    ///
    /// let decoder = Decoder::new(Framing::Length, Limits::default());
    /// assert_eq!(decoder.unfinished_bytes(), 0);
    /// ```
    pub fn new(framing: Framing, limits: Limits) -> Self {
        let framing = match framing {
            Framing::Raw => AnyFraming::Raw,
            Framing::Lines => AnyFraming::Lines(Lines::new(limits.message_len_max)),
            Framing::Length => AnyFraming::Length(Length::new(limits.message_len_max)),
        };
        Self { framing }
    }

    /// Takes bytes from the front of `input` up to the end of the next message and lends that message.
    ///
    /// `Ok(None)` means "not yet": all of `input` is taken, feed more. Call again with the same `input`
    /// until then, as one piece may hold several messages. A message that lies whole in `input` is lent
    /// from there without a copy.
    ///
    /// # Errors
    ///
    /// [`FrameError::TooLong`], at the first byte that makes it certain, and again on every later call:
    /// a stream with a refused message in it has no next message, except by
    /// [`skip_to_next`](Self::skip_to_next).
    ///
    /// # Examples
    ///
    /// ```
    /// use netcommon::framing::{Decoder, Framing, Limits};
    ///
    /// let mut decoder = Decoder::new(Framing::Length, Limits::default());
    /// let mut input = &b"\0\0\0\x02hi\0\0"[..];
    /// assert_eq!(decoder.decode(&mut input)?, Some(&b"hi"[..]));
    /// assert_eq!(decoder.decode(&mut input)?, None);
    /// assert!(input.is_empty());
    /// # Ok::<(), netcommon::framing::FrameError>(())
    /// ```
    pub fn decode<'m, 'i: 'm>(&'m mut self, input: &mut &'i [u8]) -> Result<Option<&'m [u8]>, FrameError> {
        let whole = *input;
        Ok(self.step(input)?.map(|found| self.lent(found, whole)))
    }

    /// Tells that the stream has ended (`read(2)` returned 0).
    ///
    /// # Errors
    ///
    /// [`FrameError::TruncatedAtEnd`] if it ended inside a message; [`FrameError::TooLong`] if that is how
    /// decoding had already stopped.
    ///
    /// # Examples
    ///
    /// ```
    /// use netcommon::framing::{Decoder, Framing, Limits};
    ///
    /// let mut decoder = Decoder::new(Framing::Length, Limits::default());
    /// decoder.decode(&mut &b"\0\0\0\x0cabc"[..])?;
    /// assert_eq!(decoder.end().unwrap_err().to_string(), "peer closed after 3 of 12 bytes");
    /// # Ok::<(), netcommon::framing::FrameError>(())
    /// ```
    pub fn end(&self) -> Result<(), FrameError> {
        match &self.framing {
            AnyFraming::Raw => Ok(()),
            AnyFraming::Lines(lines) => lines.end(),
            AnyFraming::Length(length) => length.end(),
        }
    }

    /// After [`FrameError::TooLong`]: drops the rest of that line and goes on with the next.
    ///
    /// Returns whether that is possible. A line's end can still be found; behind a refused length
    /// prefix up to 4 GiB may follow that nobody wants to read, so there the answer is `false`, as it is
    /// when nothing was too long.
    ///
    /// # Examples
    ///
    /// ```
    /// use netcommon::framing::{Decoder, Framing, Limits};
    ///
    /// let mut decoder = Decoder::new(Framing::Lines, Limits { message_len_max: 6 });
    /// let mut input = "太長了\n好\n".as_bytes();
    /// let error = decoder.decode(&mut input).unwrap_err();
    /// assert_eq!(error.to_string(), "line exceeds the limit of 6 bytes");
    /// assert!(decoder.skip_to_next());
    /// assert_eq!(decoder.decode(&mut input)?, Some("好".as_bytes()));
    /// # Ok::<(), netcommon::framing::FrameError>(())
    /// ```
    pub fn skip_to_next(&mut self) -> bool {
        match &mut self.framing {
            AnyFraming::Lines(lines) => lines.skip_to_next(),
            AnyFraming::Raw | AnyFraming::Length(_) => false,
        }
    }

    /// How many bytes of an unfinished message are kept; 0 between messages.
    ///
    /// A server that shuts down can tell by this a client that waits from one that is in mid-message.
    ///
    /// # Examples
    ///
    /// ```
    /// use netcommon::framing::{Decoder, Framing, Limits};
    ///
    /// let mut decoder = Decoder::new(Framing::Lines, Limits::default());
    /// decoder.decode(&mut &b"abc"[..])?;
    /// assert_eq!(decoder.unfinished_bytes(), 3);
    /// # Ok::<(), netcommon::framing::FrameError>(())
    /// ```
    pub fn unfinished_bytes(&self) -> usize {
        self.partial().map_or(0, Partial::unfinished)
    }

    pub(super) fn step(&mut self, input: &mut &[u8]) -> Result<Option<Found>, FrameError> {
        match &mut self.framing {
            AnyFraming::Raw => Ok(Raw::step(input)),
            AnyFraming::Lines(lines) => lines.step(input),
            AnyFraming::Length(length) => length.step(input),
        }
    }

    /// The bytes of what a step found; `input` is what that step was given.
    pub(super) fn lent<'a>(&'a self, found: Found, input: &'a [u8]) -> &'a [u8] {
        let bytes = match found.place {
            Place::Input => input,
            Place::Partial => self.partial().map_or(&[][..], Partial::bytes),
        };
        &bytes[found.start..found.end]
    }

    pub(super) fn partial(&self) -> Option<&Partial> {
        match &self.framing {
            AnyFraming::Raw => None,
            AnyFraming::Lines(lines) => Some(lines.partial()),
            AnyFraming::Length(length) => Some(length.partial()),
        }
    }
}
