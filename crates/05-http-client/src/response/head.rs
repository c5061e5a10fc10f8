//! The header section: status line and fields, found in the stream and parsed once it is whole.
//!
//! httparse wants to see the section from its beginning; asked again for every byte that drips in, it would
//! be quadratic. So [`Section`] only looks for the blank line and keeps the bytes, and the parser runs once.
//! httparse also wants an array for the fields: a fixed one makes the 129th field an error, so ours has as
//! many places as the section has lines. And it refuses folded fields, or leaves the line break in their
//! value; ours are joined before it sees them. Sources: RFC 9112 sections 2.2, 4 and 5.

use std::borrow::Cow;

use super::error::ResponseError;
use crate::fields::Fields;

/// The longest header section or trailer section: about what curl (300 KiB) and browsers take.
pub const HEAD_BYTES_MAX: usize = 256 * 1024;

/// Fields that say where the content ends. Who does not know folds reads another value in them.
const FRAMING: [&str; 2] = ["Content-Length", "Transfer-Encoding"];

/// What every HTTP/1 response begins with; anything else is another protocol and ends the wait at once.
const PREFIX: &[u8] = b"HTTP/1.";

/// How many bytes an error shows of what is not HTTP.
const START_SHOWN: usize = 16;

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    pub minor_version: u8,
    /// 100 to 999; the first digit is the class.
    pub status: u16,
    /// What stands behind the status: for people, any language, often empty.
    pub reason: Vec<u8>,
    /// The fields.
    pub fields: Fields,
    /// The section as it came, for `-v`.
    pub raw: Vec<u8>,
}

impl Head {
    /// Whether the final response is still to come.
    #[must_use]
    pub fn is_interim(&self) -> bool {
        self.status < 200
    }

    /// Whether the server will take another request on this connection (RFC 9112 section 9.3).
    #[must_use]
    pub fn keeps_connection(&self) -> bool {
        let options = self.fields.members("Connection");
        let has = |name: &str| options.iter().any(|option| option == name);
        !has("close") && (self.minor_version == 1 || has("keep-alive"))
    }
}

/// Lines up to a blank one, collected from pieces.
#[derive(Debug, Default)]
pub(super) struct Section {
    bytes: Vec<u8>,
    /// Where the line begins that is not complete yet.
    line_start: usize,
}

impl Section {
    /// Takes bytes from `input` up to and with the blank line; whether that was found.
    pub(super) fn take(&mut self, input: &mut &[u8]) -> Result<bool, ResponseError> {
        while let Some(line_end) = input.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = input.split_at(line_end + 1);
            self.keep(line)?;
            *input = rest;
            let line = &self.bytes[self.line_start..];
            if line == b"\r\n" || line == b"\n" {
                return Ok(true);
            }
            self.line_start = self.bytes.len();
        }
        self.keep(input)?;
        *input = &[];
        Ok(false)
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), ResponseError> {
        let room = HEAD_BYTES_MAX - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room { Err(ResponseError::HeadTooLong) } else { Ok(()) }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Refuses what cannot become an HTTP/1 response, as soon as there is enough of it to show.
    pub(super) fn check_prefix(&self) -> Result<(), ResponseError> {
        let start = &self.bytes[..self.bytes.len().min(START_SHOWN)];
        let line_end = start.iter().position(|byte| *byte == b'\n');
        let enough = line_end.is_some() || start.len() == START_SHOWN;
        if !enough || start.starts_with(PREFIX) {
            return Ok(());
        }
        Err(ResponseError::NotHttp { start: trim_line(&start[..line_end.unwrap_or(START_SHOWN)]).to_vec() })
    }

    /// Parses a whole header section and begins anew.
    pub(super) fn head(&mut self) -> Result<Head, ResponseError> {
        let raw = std::mem::take(self).bytes;
        let status_line_len = raw.iter().position(|byte| *byte == b'\n').map_or(raw.len(), |at| at + 1);
        let (status_line, rest) = raw.split_at(status_line_len);
        let bad_line = || ResponseError::StatusLine { line: trim_line(status_line).to_vec() };
        let mut response = httparse::Response::new(&mut []);
        // The status line and a blank line: what httparse calls complete.
        let alone = [trim_line(status_line), b"\r\n\r\n"].concat();
        match response.parse(&alone) {
            Ok(httparse::Status::Complete(_)) => {}
            _ => return Err(bad_line()),
        }
        let (Some(minor_version), Some(status @ 100..)) = (response.version, response.code) else {
            return Err(bad_line());
        };
        // httparse gives no reason that is not ASCII; `HTTP/1.1 200 ` are 13 bytes.
        let reason = trim_line(status_line).get(13..).unwrap_or_default().to_vec();
        let fields = parse_fields(rest)?;
        Ok(Head { minor_version, status, reason, fields, raw })
    }

    /// Parses a whole trailer section and begins anew.
    pub(super) fn trailers(&mut self) -> Result<Fields, ResponseError> {
        parse_fields(&std::mem::take(self).bytes)
    }
}

/// Parses field lines and the blank line behind them.
fn parse_fields(lines: &[u8]) -> Result<Fields, ResponseError> {
    let lines = &*unfold(lines)?;
    let count = lines.iter().filter(|byte| **byte == b'\n').count();
    let mut places = vec![httparse::EMPTY_HEADER; count];
    match httparse::parse_headers(lines, &mut places) {
        Ok(httparse::Status::Complete((len, headers))) if len == lines.len() => {
            let mut fields = Fields::default();
            headers.iter().for_each(|header| fields.push(header.name, header.value));
            Ok(fields)
        }
        _ => Err(ResponseError::Field { line: first_bad_line(lines).to_vec() }),
    }
}

/// Joins each line that begins with white space to the one before it, a space in place of the line break:
/// no server may send such folds any more, but a user agent must read them (RFC 9112 section 5.2).
fn unfold(lines: &[u8]) -> Result<Cow<'_, [u8]>, ResponseError> {
    let is_fold = |line: &[u8]| line.starts_with(b" ") || line.starts_with(b"\t");
    if !lines.split(|byte| *byte == b'\n').any(is_fold) {
        return Ok(Cow::Borrowed(lines));
    }
    let (mut joined, mut name) = (Vec::with_capacity(lines.len()), &lines[..0]);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let refused = |why| Err(ResponseError::Folded { line: trim_line(line).to_vec(), why });
        if !is_fold(line) {
            name = line.split(|byte| *byte == b':').next().unwrap_or(line);
        } else if joined.is_empty() {
            return refused("there is no field before it");
        } else if FRAMING.iter().any(|field| field.as_bytes().eq_ignore_ascii_case(name)) {
            return refused("where the content ends must not depend on a fold");
        } else {
            joined.truncate(trim_line(&joined).len());
            joined.push(b' ');
        }
        joined.extend_from_slice(line);
    }
    Ok(Cow::Owned(joined))
}

/// The line that made a section malformed, for the error's reader.
fn first_bad_line(lines: &[u8]) -> &[u8] {
    let is_bad = |line: &&[u8]| {
        let alone = [line, &b"\n\n"[..]].concat();
        !matches!(httparse::parse_headers(&alone, &mut [httparse::EMPTY_HEADER; 1]), Ok(httparse::Status::Complete(_)))
    };
    lines.split(|byte| *byte == b'\n').find(is_bad).map_or(lines, trim_line)
}

fn trim_line(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
