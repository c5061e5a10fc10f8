//! Tests of the framing: streams cut everywhere, limits reached exactly, readers on bad days.
//!
//! `decoding.rs` tries every place to cut a short stream, `properties.rs` generated streams,
//! `limits.rs` the bounds, `transfer.rs` the blocking reader and writer over streams that are scripted
//! read by read. The real socket is in `tests/framing.rs` of the crate.

mod decoding;
mod limits;
mod properties;
mod transfer;

use super::{Decoder, FrameError, Framing, Limits};

/// What a stream holds, and how it ends.
type Outcome = (Vec<Vec<u8>>, Result<(), FrameError>);

/// Feeds the pieces to a new decoder until the stream ends or is refused.
fn decode(framing: Framing, limits: Limits, pieces: &[&[u8]]) -> Outcome {
    let mut decoder = Decoder::new(framing, limits);
    let mut messages = Vec::new();
    for mut input in pieces.iter().copied() {
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(message)) => messages.push(message.to_vec()),
                Ok(None) => break,
                Err(error) => return (messages, Err(error)),
            }
        }
        assert!(input.is_empty(), "not yet means that all bytes are taken");
    }
    (messages, decoder.end())
}

fn limit(message_len_max: usize) -> Limits {
    Limits { message_len_max }
}
