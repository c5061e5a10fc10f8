//! Raw: no framing at all, the mistake that chapter 2 begins with.
//!
//! It stands here so that a program can switch between right and wrong with one option and nothing
//! else changed. Read `mod.rs` first.

use super::decoder::{Found, Place};

/// The absence of boundaries: each piece of input is taken for a message.
///
/// ```text
///  the sender wrote       ├─────── 你好 ───────┤├──── 再見 ────┤
///  bytes on the wire       e4 bd a0 e5 a5 bd e5 86 8d e8 a6 8b
///  one possible reading   ├─────────────┤├────────────────────┤
///                              a cut inside a character
/// ```
///
/// # Examples
///
/// ```
/// use netcommon::framing::{Decoder, Framing, Limits};
///
/// let mut decoder = Decoder::new(Framing::Raw, Limits::default());
/// let mut input = &b"glued or cut, who knows"[..];
/// assert_eq!(decoder.decode(&mut input)?, Some(&b"glued or cut, who knows"[..]));
/// assert_eq!(decoder.decode(&mut input)?, None);
/// # Ok::<(), netcommon::framing::FrameError>(())
/// ```
#[derive(Debug)]
pub struct Raw;

impl Raw {
    /// Takes everything there is; never incomplete, never wrong.
    pub(super) fn step(input: &mut &[u8]) -> Option<Found> {
        let len = input.len();
        *input = &[];
        (len > 0).then_some(Found { place: Place::Input, start: 0, end: len })
    }
}
