//! The protocol: each message is answered with `Server received: ` and the same bytes.
//!
//! Pure: a message in, bytes for the wire out. What a message *is* depends on the framing
//! ([`crate::framing`]); read that module first.

use crate::framing::{EncodeError, Framing, Limits, encode_within};

/// What every answer begins with.
pub const ANSWER_PREFIX: &[u8] = b"Server received: ";

/// Builds answers; owns the buffers, so that an answer costs no allocation.
#[derive(Debug)]
pub struct Answerer {
    framing: Framing,
    limits: Limits,
    answer: Vec<u8>,
}

impl Answerer {
    /// For a connection with this framing and this limit on a client's message.
    #[must_use]
    pub fn new(framing: Framing, limits: Limits) -> Self {
        let limits = Limits { message_len_max: limits.message_len_max + ANSWER_PREFIX.len() };
        Self { framing, limits, answer: ANSWER_PREFIX.to_vec() }
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
    /// let mut answerer = Answerer::new(Framing::Lines, Limits::default());
    /// answerer.answer("你好".as_bytes(), &mut wire)?;
    /// assert_eq!(wire, "Server received: 你好\n".as_bytes());
    /// # Ok::<(), netcommon::framing::EncodeError>(())
    /// ```
    // ANCHOR: answer
    pub fn answer(&mut self, message: &[u8], wire: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.answer.truncate(ANSWER_PREFIX.len());
        self.answer.extend_from_slice(message);
        encode_within(self.framing, &self.answer, self.limits, wire)
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
        let mut answerer = Answerer::new(Framing::Raw, Limits::default());
        let mut wire = Vec::new();
        answerer.answer(b"long message", &mut wire).unwrap();
        answerer.answer(b"x", &mut wire).unwrap();
        assert_eq!(wire, b"Server received: long messageServer received: x");
    }
}
