//! The beginning of a message whose end has not come yet.
//!
//! Most messages lie whole in the bytes of one read and are lent from there without a copy. Only one
//! that crosses from one read into the next needs memory of its own, and only until it has been lent:
//! an event loop with 10,000 quiet connections then holds 10,000 empty vectors, and an empty `Vec`
//! allocates nothing.

/// Bytes kept from earlier input; grows with what has come, never with what was announced.
#[derive(Debug, Default)]
pub(super) struct Partial {
    bytes: Vec<u8>,
    /// The bytes are a whole message that the caller may be looking at until the next step.
    lent: bool,
}

impl Partial {
    /// Begins a step of the decoder: what the last one lent is given back to the system.
    pub(super) fn begin_step(&mut self) {
        if self.lent {
            self.free();
        }
    }

    /// Adds bytes to the message; the decoder has checked its limit before.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        // A Vec doubles, so bytes that come one at a time are moved about twice, not once per byte.
        self.bytes.extend_from_slice(bytes);
    }

    /// Marks the bytes as a whole message.
    pub(super) fn lend(&mut self) {
        self.lent = true;
    }

    /// Forgets the bytes and their memory.
    pub(super) fn free(&mut self) {
        *self = Self::default();
    }

    /// All bytes kept, also those that are lent.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes of an *unfinished* message are kept.
    pub(super) fn unfinished(&self) -> usize {
        if self.lent { 0 } else { self.bytes.len() }
    }
}
