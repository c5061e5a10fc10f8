//! Length-prefixed: the sender says first how many bytes follow, so the message may hold any bytes.
//!
//! The price: a person cannot type it, and a receiver that believes the length is lost: four bytes FF
//! ask for 4 GiB. So the length is checked before anything is allocated, and even then memory grows
//! with the bytes that come, not with those that were announced. Read `mod.rs` first.

use super::decoder::{Found, Place};
use super::partial::Partial;
use super::{FrameError, Inside};

/// The header of a frame in bytes: the size of the length in it.
///
/// # Examples
///
/// ```
/// assert_eq!(netcommon::framing::HEADER_LEN, 4);
/// ```
pub const HEADER_LEN: usize = size_of::<u32>();

/// Frames: a 4-byte unsigned big-endian length, then that many bytes of message.
///
/// ```text
///   0                   1                   2                   3
///   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///  |               length of the message, in bytes                 |
///  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///  |               message: 0 to message_len_max bytes ...
///  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-
/// ```
///
/// The length counts bytes, not characters, and not itself: `你好` is `00 00 00 06` and six bytes.
///
/// # Examples
///
/// ```
/// use netcommon::framing::{Decoder, Framing, Limits};
///
/// let mut decoder = Decoder::new(Framing::Length, Limits::default());
/// let mut input = &b"\x00\x00\x00\x06\xe4\xbd\xa0\xe5\xa5\xbd"[..];
/// assert_eq!(decoder.decode(&mut input)?, Some("你好".as_bytes()));
/// # Ok::<(), netcommon::framing::FrameError>(())
/// ```
#[derive(Debug)]
pub struct Length {
    message_len_max: usize,
    /// Header and message as far as they have come. A refused header stays, so the refusal does too.
    partial: Partial,
}

impl Length {
    pub(super) fn new(message_len_max: usize) -> Self {
        Self { message_len_max, partial: Partial::default() }
    }

    pub(super) fn step(&mut self, input: &mut &[u8]) -> Result<Option<Found>, FrameError> {
        self.partial.begin_step();
        if self.partial.bytes().is_empty()
            && let Some(end) = self.whole_frame_in(input)
        {
            *input = &input[end..];
            return Ok(Some(Found { place: Place::Input, start: HEADER_LEN, end }));
        }
        if !self.collect(HEADER_LEN, input) {
            return Ok(None);
        }
        let end = HEADER_LEN.saturating_add(self.message_len(self.partial.bytes())?);
        if !self.collect(end, input) {
            return Ok(None);
        }
        self.partial.lend();
        Ok(Some(Found { place: Place::Partial, start: HEADER_LEN, end }))
    }

    /// Where the first frame ends, if it is all there and nothing is wrong with it.
    fn whole_frame_in(&self, input: &[u8]) -> Option<usize> {
        let message_len = self.message_len(input.get(..HEADER_LEN)?).ok()?;
        let end = HEADER_LEN.checked_add(message_len)?;
        (end <= input.len()).then_some(end)
    }

    /// Moves input into the partial frame until that has `want` bytes; whether it has them now.
    fn collect(&mut self, want: usize, input: &mut &[u8]) -> bool {
        let missing = want.saturating_sub(self.partial.bytes().len());
        let (piece, rest) = input.split_at(missing.min(input.len()));
        self.partial.push(piece);
        *input = rest;
        piece.len() == missing
    }

    /// The length that the header at the front of `frame` announces, checked against the limit.
    fn message_len(&self, frame: &[u8]) -> Result<usize, FrameError> {
        let header = *frame.first_chunk().expect("called with a whole header");
        let announced = u32::from_be_bytes(header);
        usize::try_from(announced)
            .ok()
            .filter(|&len| len <= self.message_len_max)
            .ok_or(FrameError::TooLong { announced: Some(announced), limit: self.message_len_max })
    }

    pub(super) fn end(&self) -> Result<(), FrameError> {
        let got = self.partial.unfinished();
        if got == 0 {
            return Ok(());
        }
        Err(if got < HEADER_LEN {
            FrameError::TruncatedAtEnd { inside: Inside::LengthPrefix, got, want: Some(HEADER_LEN) }
        } else {
            let want = self.message_len(self.partial.bytes())?;
            FrameError::TruncatedAtEnd { inside: Inside::Message, got: got - HEADER_LEN, want: Some(want) }
        })
    }

    pub(super) fn partial(&self) -> &Partial {
        &self.partial
    }
}
