//! The gzip format around deflated data: header, check sum, length, and perhaps the next member.
//!
//! ```text
//!  1f 8b 08 FLG MTIME×4 XFL OS   extra? name? comment? crc16?   deflate …   CRC32×4 ISIZE×4
//!  └────────── 10 bytes ──────┘  └──── as FLG says ─────────┘               little-endian
//! ```
//! A gzip file may be several of these in a row, and decoders forget that; without the eight bytes at the
//! end nobody knows that a download was cut. Read `mod.rs` first. Source: RFC 1952 section 2.3.

use flate2::Crc;

use super::CodingError;
use super::deflate::Inflate;

/// Decodes gzip members, in pieces.
#[derive(Debug)]
pub(super) struct Gzip {
    state: State,
    /// The header's flags whose part is still to come.
    flags: u8,
    inflate: Inflate,
    /// Of the header while that comes, then of the data.
    crc: Crc,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Before the first member or behind one.
    Between {
        first: bool,
    },
    /// Zeros behind the last member: tapes and some servers pad.
    Padding,
    /// So many of the header's ten bytes have come.
    Fixed {
        len: u8,
    },
    /// The length of the extra part: so many of its two bytes, and their value.
    ExtraLen {
        len: u8,
        value: u16,
    },
    /// Inside the extra part.
    Extra {
        left: u16,
    },
    /// Inside the name or the comment, which end in a zero.
    Text,
    /// Inside the header's own check sum, and its first byte.
    HeaderCrc {
        low: Option<u8>,
    },
    Deflate,
    /// So many of the eight bytes at the end.
    Trailer {
        len: u8,
        bytes: [u8; 8],
    },
}

/// FLG's bits with a part of the header each, in the order of their parts.
const EXTRA: u8 = 0x04;
const NAME: u8 = 0x08;
const COMMENT: u8 = 0x10;
const HEADER_CRC: u8 = 0x02;
/// Bits that a later format may give a meaning that we would not know.
const RESERVED: u8 = 0xe0;

impl Gzip {
    pub(super) fn new() -> Self {
        Self { state: State::Between { first: true }, flags: 0, inflate: Inflate::raw(), crc: Crc::new() }
    }

    /// Decodes from `input` into `out`; 0 when all of `input` was taken and nothing came of it.
    pub(super) fn decode(&mut self, input: &mut &[u8], out: &mut [u8]) -> Result<usize, CodingError> {
        while !input.is_empty() || matches!(self.state, State::Deflate) {
            if let State::Deflate = self.state {
                let len = self.inflate.decode(input, out)?;
                self.crc.update(&out[..len]);
                if self.inflate.is_done() {
                    self.state = State::Trailer { len: 0, bytes: [0; 8] };
                }
                if len > 0 {
                    return Ok(len);
                }
                match (&self.state, input.is_empty()) {
                    (State::Trailer { .. }, false) => continue,
                    (State::Deflate, false) => return Err(corrupt("the data cannot be inflated")),
                    _ => return Ok(0),
                }
            }
            let byte = input[0];
            *input = &input[1..];
            self.state = self.after_byte(byte)?;
        }
        Ok(0)
    }

    /// Whether the data may end here.
    pub(super) fn finish(&self) -> Result<(), CodingError> {
        match self.state {
            State::Between { .. } | State::Padding => Ok(()),
            _ => Err(CodingError::Truncated { coding: "gzip" }),
        }
    }

    /// One byte that is not deflated data.
    fn after_byte(&mut self, byte: u8) -> Result<State, CodingError> {
        match self.state {
            State::Between { .. } => {
                self.crc.reset();
                self.crc.update(&[byte]);
            }
            State::Fixed { .. } | State::ExtraLen { .. } | State::Extra { .. } | State::Text => {
                self.crc.update(&[byte]);
            }
            State::Padding | State::HeaderCrc { .. } | State::Deflate | State::Trailer { .. } => {}
        }
        Ok(match self.state {
            State::Between { .. } if byte == 0x1f => State::Fixed { len: 1 },
            State::Between { first: false } | State::Padding if byte == 0 => State::Padding,
            State::Between { first: true } => return Err(corrupt("it does not begin with 1f 8b")),
            State::Between { .. } | State::Padding => return Err(corrupt("other bytes behind the last member")),
            State::Fixed { len } => {
                match (len, byte) {
                    (1, 0x8b) | (2, 8) | (4.., _) => {}
                    (3, flags) if flags & RESERVED == 0 => self.flags = flags,
                    _ => return Err(corrupt("its header is not one of gzip with deflate")),
                }
                if len == 9 { self.next_part() } else { State::Fixed { len: len + 1 } }
            }
            State::ExtraLen { len: 0, .. } => State::ExtraLen { len: 1, value: byte.into() },
            State::ExtraLen { value, .. } => match value | u16::from(byte) << 8 {
                0 => self.next_part(),
                left => State::Extra { left },
            },
            State::Extra { left: 1 } => self.next_part(),
            State::Extra { left } => State::Extra { left: left - 1 },
            State::Text if byte == 0 => self.next_part(),
            State::Text => State::Text,
            State::HeaderCrc { low: None } => State::HeaderCrc { low: Some(byte) },
            State::HeaderCrc { low: Some(low) } => {
                // The lower half of the check sum of everything before it.
                if u32::from(u16::from_le_bytes([low, byte])) != self.crc.sum() & 0xffff {
                    return Err(corrupt("its header's check sum is wrong"));
                }
                self.next_part()
            }
            State::Trailer { len, mut bytes } => {
                bytes[usize::from(len)] = byte;
                if len == 7 { self.check(bytes)? } else { State::Trailer { len: len + 1, bytes } }
            }
            State::Deflate => State::Deflate,
        })
    }

    /// The next part of the header that the flags announce, or the data.
    fn next_part(&mut self) -> State {
        for (flag, state) in [
            (EXTRA, State::ExtraLen { len: 0, value: 0 }),
            (NAME, State::Text),
            (COMMENT, State::Text),
            (HEADER_CRC, State::HeaderCrc { low: None }),
        ] {
            if self.flags & flag != 0 {
                self.flags &= !flag;
                return state;
            }
        }
        self.inflate = Inflate::raw();
        self.crc.reset();
        State::Deflate
    }

    /// Compares a member with what its last eight bytes say of it.
    fn check(&self, trailer: [u8; 8]) -> Result<State, CodingError> {
        let [c0, c1, c2, c3, s0, s1, s2, s3] = trailer;
        let right = u32::from_le_bytes([c0, c1, c2, c3]) == self.crc.sum()
            && u32::from_le_bytes([s0, s1, s2, s3]) == self.crc.amount();
        if right { Ok(State::Between { first: false }) } else { Err(corrupt("its check sum or length is wrong")) }
    }
}

fn corrupt(why: &'static str) -> CodingError {
    CodingError::Corrupt { coding: "gzip", why }
}
