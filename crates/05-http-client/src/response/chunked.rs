//! Chunked content: pieces that each say their size, and fields behind the last one.
//!
//! ```text
//!  5;note="any"\r\n       size in hexadecimal, then extensions, which are ignored
//!  hello\r\n              so many bytes, then CR LF
//!  0\r\n                  the last chunk has no bytes
//!  Digest: …\r\n          trailer fields, often none
//!  \r\n
//! ```
//! Stricter than the header section: a lone LF is no line end here, because sizes decide what is data.
//! Read `mod.rs` before. Source: RFC 9112 section 7.1.

use super::error::ResponseError;
use super::head::Section;
use crate::fields::Fields;

/// The longest line with a size. Real extensions stay below 100 bytes, but nothing forbids a padding or a
/// signature in them; what is ignored must not be large.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Finds the chunks in a stream.
#[derive(Debug)]
pub(super) struct Chunks {
    state: State,
    /// Content so far, for errors.
    came: u64,
}

#[derive(Debug)]
enum State {
    /// Inside the line with a size.
    Size { line: Vec<u8> },
    /// Inside a chunk.
    Data { left: u64 },
    /// Inside the CR LF behind a chunk.
    DataEnd { cr_seen: bool },
    /// Behind the last chunk.
    Trailers(Section),
}

/// What the next bytes are.
#[derive(Debug)]
pub(super) enum Chunk<'a> {
    Data(&'a [u8]),
    Last(Fields),
}

impl Chunks {
    pub(super) fn new() -> Self {
        Self { state: State::Size { line: Vec::new() }, came: 0 }
    }

    pub(super) fn came(&self) -> u64 {
        self.came
    }

    /// Takes bytes from `input` until there is something to hand on; `None` when all were taken.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Chunk<'a>>, ResponseError> {
        while !input.is_empty() {
            match &mut self.state {
                State::Size { line } => {
                    if take_line(line, input, self.came)? {
                        self.state = match parse_size(line, self.came)? {
                            0 => State::Trailers(Section::default()),
                            size => State::Data { left: size },
                        };
                    }
                }
                State::Data { left } => {
                    let len = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    let (data, rest) = input.split_at(len);
                    *input = rest;
                    *left -= len as u64;
                    self.came = self.came.saturating_add(len as u64);
                    if *left == 0 {
                        self.state = State::DataEnd { cr_seen: false };
                    }
                    return Ok(Some(Chunk::Data(data)));
                }
                State::DataEnd { cr_seen } => {
                    let byte = input[0];
                    *input = &input[1..];
                    match (byte, *cr_seen) {
                        (b'\r', false) => *cr_seen = true,
                        (b'\n', true) => self.state = State::Size { line: Vec::new() },
                        _ => return Err(ResponseError::ChunkEnd { came: self.came }),
                    }
                }
                State::Trailers(section) => {
                    if section.take(input)? {
                        return Ok(Some(Chunk::Last(section.trailers()?)));
                    }
                }
            }
        }
        Ok(None)
    }
}

/// Takes a line from `input` with its end; whether it is complete.
fn take_line(line: &mut Vec<u8>, input: &mut &[u8], came: u64) -> Result<bool, ResponseError> {
    let end = input.iter().position(|byte| *byte == b'\n');
    let (part, rest) = input.split_at(end.map_or(input.len(), |at| at + 1));
    let room = LINE_BYTES_MAX.saturating_sub(line.len());
    line.extend_from_slice(&part[..part.len().min(room)]);
    *input = rest;
    if part.len() > room {
        return Err(wrong(line, "the line is too long", came));
    }
    Ok(end.is_some())
}

/// Reads the size at the beginning of a complete line.
// ANCHOR: chunk_size
fn parse_size(line: &[u8], came: u64) -> Result<u64, ResponseError> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let Some(line) = line.strip_suffix(b"\r") else {
        return Err(wrong(line, "the line ends in LF without CR", came));
    };
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if digits == 0 {
        return Err(wrong(line, "no hexadecimal digit at its beginning", came));
    }
    // White space behind the size is not in the grammar, but servers pad it; it cannot change the size.
    let rest = line[digits..].trim_ascii_start();
    if !(rest.is_empty() || rest.starts_with(b";")) {
        return Err(wrong(line, "something else than an extension behind the digits", came));
    }
    if rest.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err(wrong(line, "a control character in it", came));
    }
    // Not from_str_radix, which takes a leading `+`.
    let value = |byte: &u8| u64::from(char::from(*byte).to_digit(16).unwrap_or_default());
    let add = |sum: u64, byte: &u8| sum.checked_mul(16)?.checked_add(value(byte));
    line[..digits].iter().try_fold(0, add).ok_or_else(|| wrong(line, "more than 2^64 - 1 bytes", came))
}
// ANCHOR_END: chunk_size

fn wrong(line: &[u8], why: &'static str, came: u64) -> ResponseError {
    let line = line.strip_suffix(b"\r\n").unwrap_or(line).to_vec();
    ResponseError::ChunkSize { line, why, came }
}
