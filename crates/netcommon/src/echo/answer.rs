//! The protocol: each message is answered with `Server received: ` and the same bytes.
//!
//! Pure: a message in, bytes for the wire out. What a message *is* depends on the framing
//! ([`crate::framing`]); read that module first.

use crate::framing::{EncodeError, Framing, Limits, encode_parts};

/// What every answer begins with.
pub const ANSWER_PREFIX: &[u8] = b"Server received: ";

/// Builds answers; the message is copied once, to where the answer goes.
#[derive(Debug, Clone, Copy)]
pub struct Answerer {
    framing: Framing,
    limits: Limits,
}

impl Answerer {
    /// For a connection with this framing and this limit on a client's message.
    #[must_use]
    pub fn new(framing: Framing, limits: Limits) -> Self {
        let limits = Limits { message_len_max: limits.message_len_max + ANSWER_PREFIX.len() };
        Self { framing, limits }
    }

    /// Appends the answer to `message` to `wire`.
    ///
    /// # Errors
    /// Never for a message that came in through the same framing and limits.
    ///
    /// # Examples
    /// ```
    /// use netcommon::echo::Answerer;
    /// use netcommon::framing::{Framing, Limits};
    ///
    /// let mut wire = Vec::new();
    /// let answerer = Answerer::new(Framing::Lines, Limits::default());
    /// answerer.answer("你好".as_bytes(), &mut wire)?;
    /// assert_eq!(wire, "Server received: 你好\n".as_bytes());
    /// # Ok::<(), netcommon::framing::EncodeError>(())
    /// ```
    // ANCHOR: answer
    pub fn answer(&self, message: &[u8], wire: &mut Vec<u8>) -> Result<(), EncodeError> {
        encode_parts(self.framing, &[ANSWER_PREFIX, message], self.limits, wire)
    }
    // ANCHOR_END: answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_message_is_answered_in_every_framing() {
        let limits = Limits { message_len_max: 100 };
        for framing in Framing::ALL {
            let mut wire = Vec::new();
            Answerer::new(framing, limits).answer(&[b'x'; 100], &mut wire).unwrap();
            assert!(wire.len() >= 117, "{framing}");
        }
    }

    #[test]
    fn one_answer_leaves_nothing_in_the_next() {
        let answerer = Answerer::new(Framing::Raw, Limits::default());
        let mut wire = Vec::new();
        answerer.answer(b"long message", &mut wire).unwrap();
        answerer.answer(b"x", &mut wire).unwrap();
        assert_eq!(wire, b"Server received: long messageServer received: x");
    }
}
