//! Fuzzes the framing: any bytes, cut anywhere, in every framing and with small limits.
//!
//! What must hold: a stream has the same messages and the same end however it is cut; an unfinished
//! message never takes more than its bound; the blocking reader says what the decoder says; and what
//! `encode` wrote comes back. How to run it: `../README.md`. Source of the rules: `src/framing/mod.rs`.
#![no_main]

use std::io::{self, Read};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use netcommon::framing::{Decoder, FrameError, Framing, HEADER_LEN, Limits, MessageReader, ReadError, encode_within};

#[derive(Debug, Arbitrary)]
struct Case {
    framing: u8,
    /// Small, so that short inputs reach it.
    message_len_max: u8,
    /// Whether to go on behind a line that is too long.
    skip: bool,
    /// The sizes of the pieces, used in turn; 0 stands for a read that fails and is made again.
    pieces: Vec<u8>,
    /// A stream from nobody in particular.
    stream: Vec<u8>,
    /// Messages from an honest sender.
    messages: Vec<Vec<u8>>,
}

/// What a stream turned out to hold, and how it ended.
#[derive(Debug, PartialEq, Default)]
struct Outcome {
    messages: Vec<Vec<u8>>,
    errors: Vec<FrameError>,
}

fuzz_target!(|case: Case| {
    let framing = Framing::ALL[usize::from(case.framing) % Framing::ALL.len()];
    let limits = Limits { message_len_max: usize::from(case.message_len_max) };
    let pieces = cut(&case.stream, &case.pieces);

    let whole = decode(framing, limits, case.skip, &[&case.stream]);
    let in_pieces = decode(framing, limits, case.skip, &pieces);
    let by_reader = read(framing, limits, case.skip, &pieces);
    if framing == Framing::Raw {
        assert_eq!(in_pieces.messages.concat(), case.stream);
        assert_eq!(by_reader.messages.concat(), case.stream);
    } else {
        assert_eq!(in_pieces, whole, "cut into {pieces:?}");
        assert_eq!(by_reader, whole, "read as {pieces:?}");
    }
    round_trip(framing, limits, &case);
});

fn round_trip(framing: Framing, limits: Limits, case: &Case) {
    let mut wire = Vec::new();
    let mut sent = Vec::new();
    for message in &case.messages {
        let before = wire.len();
        let fits = framing == Framing::Raw || message.len() <= limits.message_len_max;
        let one_line = framing != Framing::Lines || !message.contains(&b'\n');
        let encoded = encode_within(framing, message, limits, &mut wire);
        assert_eq!(encoded.is_ok(), fits && one_line, "{encoded:?}");
        match encoded {
            Ok(()) => sent.push(message.clone()),
            Err(_) => assert_eq!(wire.len(), before, "an error leaves no bytes behind"),
        }
    }
    let received = decode(framing, limits, false, &cut(&wire, &case.pieces));
    assert_eq!(received.errors, []);
    if framing == Framing::Raw {
        assert_eq!(received.messages.concat(), sent.concat());
    } else {
        assert_eq!(received.messages, sent);
    }
}

fn decode(framing: Framing, limits: Limits, skip: bool, pieces: &[&[u8]]) -> Outcome {
    let mut decoder = Decoder::new(framing, limits);
    let mut outcome = Outcome::default();
    for mut input in pieces.iter().copied() {
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(message)) => outcome.messages.push(message.to_vec()),
                Ok(None) => break,
                Err(error) => {
                    outcome.errors.push(error);
                    assert_eq!(decoder.end(), Err(error));
                    if !(skip && decoder.skip_to_next()) {
                        return outcome;
                    }
                }
            }
        }
        assert!(input.is_empty(), "not yet, but bytes are left");
        let bound = limits.message_len_max + if framing == Framing::Lines { 1 } else { HEADER_LEN };
        assert!(decoder.unfinished_bytes() <= bound);
    }
    outcome.errors.extend(decoder.end().err());
    outcome
}

fn read(framing: Framing, limits: Limits, skip: bool, pieces: &[&[u8]]) -> Outcome {
    let mut reader = MessageReader::new(Pieces(pieces.iter()), framing, limits);
    let mut outcome = Outcome::default();
    loop {
        let ready = reader.has_message();
        match reader.read_message() {
            Ok(Some(message)) => outcome.messages.push(message.to_vec()),
            Ok(None) => {
                assert!(!ready);
                return outcome;
            }
            Err(error) if error.is_timeout() => assert!(!ready),
            Err(ReadError::Io(error)) => panic!("{error}"),
            Err(ReadError::Frame(error)) => {
                assert!(!ready);
                outcome.errors.push(error);
                if !(skip && reader.skip_to_next()) {
                    return outcome;
                }
            }
        }
    }
}

/// Cuts a stream into pieces of the given sizes, in turn.
fn cut<'a>(mut stream: &'a [u8], sizes: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &size in sizes {
        let (piece, rest) = stream.split_at(usize::from(size).min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces.push(stream);
    pieces
}

/// A stream whose every read returns one piece; an empty piece is an error that a reader survives.
struct Pieces<'a>(std::slice::Iter<'a, &'a [u8]>);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.0.next() else {
            return Ok(0);
        };
        if piece.is_empty() {
            let kinds = [io::ErrorKind::Interrupted, io::ErrorKind::WouldBlock];
            return Err(kinds[self.0.len() % kinds.len()].into());
        }
        let len = piece.len();
        assert!(len <= buffer.len(), "a case is shorter than one read");
        buffer[..len].copy_from_slice(piece);
        Ok(len)
    }
}
