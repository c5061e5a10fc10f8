//! The datagrams of the simple protocol, read and written.
//!
//! Read the drawing in `mod.rs` before. Whatever comes is parsed here, once, into a [`Message`] that makes
//! sense by itself; whether it makes sense *now* the machines decide.

use std::fmt::Write;

/// The most bytes of a file in one datagram: with its line it stays below what passes everywhere whole.
pub const CHUNK_LEN_MAX: usize = 1024;

/// The longest line: a name of 255 bytes, a reason, and the numbers before them.
const LINE_LEN_MAX: usize = 600;

/// The checksum's digits and the space behind them.
const CRC_LEN: usize = 8 + 1;

/// The largest datagram of this protocol.
pub(crate) const DATAGRAM_LEN_MAX: usize = CRC_LEN + LINE_LEN_MAX + CHUNK_LEN_MAX;

/// One datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<'a> {
    /// A file is offered.
    File {
        /// The file's number, chosen by the sender.
        number: u32,
        /// In bytes.
        size: u64,
        /// Any bytes without a line end: data, never a path.
        name: &'a [u8],
    },
    /// A piece of the file.
    Data {
        /// The file's number.
        number: u32,
        /// Where the piece begins.
        offset: u64,
        /// 1 to [`CHUNK_LEN_MAX`] bytes.
        bytes: &'a [u8],
    },
    /// That was all of the file.
    End {
        /// The file's number.
        number: u32,
        /// CRC-32 of all its bytes.
        crc: u32,
    },
    /// The sender has heard of its last file's end, and goes.
    Bye {
        /// The last file's number.
        number: u32,
    },
    /// All bytes before `offset` are there.
    Ok {
        /// The file's number.
        number: u32,
        /// The first byte that is missing.
        offset: u64,
    },
    /// The file is whole and in place.
    Saved {
        /// The file's number.
        number: u32,
    },
    /// Not this file.
    No {
        /// The file's number.
        number: u32,
        /// A peer's text.
        reason: &'a [u8],
    },
}

impl<'a> Message<'a> {
    /// Reads a datagram; `None` for one that is damaged or not of this protocol.
    ///
    /// # Examples
    /// ```
    /// use file_transfer::simple::Message;
    ///
    /// let datagram = b"539817bd OK 7 1024\n";
    /// assert_eq!(Message::parse(datagram), Some(Message::Ok { number: 7, offset: 1024 }));
    /// let damaged = b"539817bd OK 7 1025\n";
    /// assert_eq!(Message::parse(damaged), None);
    /// ```
    #[must_use]
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (crc, rest) = datagram.split_at_checked(CRC_LEN)?;
        if hex(crc.strip_suffix(b" ")?)? != crc32fast::hash(rest) {
            return None;
        }
        let line_len = rest.iter().position(|byte| *byte == b'\n').filter(|len| *len <= LINE_LEN_MAX)?;
        let (line, bytes) = (&rest[..line_len], &rest[line_len + 1..]);
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (verb, number, rest) = (words.next()?, decimal(words.next()?)?, words.next());
        let number = u32::try_from(number).ok()?;
        let message = match (verb, rest) {
            (b"DATA", Some(offset)) if (1..=CHUNK_LEN_MAX).contains(&bytes.len()) => {
                return Some(Self::Data { number, offset: decimal(offset)?, bytes });
            }
            (b"FILE", Some(rest)) => {
                let space = rest.iter().position(|byte| *byte == b' ')?;
                Self::File { number, size: decimal(&rest[..space])?, name: &rest[space + 1..] }
            }
            (b"END", Some(crc)) => Self::End { number, crc: hex(crc)? },
            (b"BYE", None) => Self::Bye { number },
            (b"OK", Some(offset)) => Self::Ok { number, offset: decimal(offset)? },
            (b"SAVED", None) => Self::Saved { number },
            (b"NO", Some(reason)) => Self::No { number, reason },
            _ => return None,
        };
        bytes.is_empty().then_some(message)
    }

    /// The datagram of a message.
    #[must_use]
    pub fn datagram(&self) -> Vec<u8> {
        let mut line = String::new();
        let none: &[u8] = &[];
        // Writing to a String cannot fail.
        let (written, text, bytes) = match self {
            Self::File { number, size, name } => (write!(line, "FILE {number} {size} "), *name, none),
            Self::Data { number, offset, bytes } => (write!(line, "DATA {number} {offset}"), none, *bytes),
            Self::End { number, crc } => (write!(line, "END {number} {crc:08x}"), none, none),
            Self::Bye { number } => (write!(line, "BYE {number}"), none, none),
            Self::Ok { number, offset } => (write!(line, "OK {number} {offset}"), none, none),
            Self::Saved { number } => (write!(line, "SAVED {number}"), none, none),
            Self::No { number, reason } => (write!(line, "NO {number} "), *reason, none),
        };
        debug_assert!(written.is_ok());
        let rest = [line.as_bytes(), text, b"\n", bytes].concat();
        [format!("{:08x} ", crc32fast::hash(&rest)).as_bytes(), &rest].concat()
    }
}

/// How many bytes of a file a datagram of ours carries.
pub(super) fn chunk_len(datagram: &[u8]) -> usize {
    match Message::parse(datagram) {
        Some(Message::Data { bytes, .. }) => bytes.len(),
        _ => 0,
    }
}

/// A number of decimal digits and nothing else: Rust's own parser would take `+7`.
fn decimal(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    text.parse().ok().filter(|_| digits.iter().all(u8::is_ascii_digit))
}

/// Eight hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(digits).ok()?;
    let all_digits = digits.len() == 8 && digits.iter().all(u8::is_ascii_hexdigit);
    u32::from_str_radix(text, 16).ok().filter(|_| all_digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with_crc(rest: &[u8]) -> Vec<u8> {
        [format!("{:08x} ", crc32fast::hash(rest)).as_bytes(), rest].concat()
    }

    #[test]
    fn every_message_comes_back() {
        for message in [
            Message::File { number: 7, size: u64::MAX, name: "課 表.txt".as_bytes() },
            Message::File { number: 0, size: 0, name: b"\xff" },
            Message::Data { number: u32::MAX, offset: 1024, bytes: b"\n\0 \n" },
            Message::Data { number: 1, offset: 0, bytes: &[7; CHUNK_LEN_MAX] },
            Message::End { number: 7, crc: 0xab },
            Message::Bye { number: 7 },
            Message::Ok { number: 7, offset: 3 },
            Message::Saved { number: 7 },
            Message::No { number: 7, reason: "磁碟滿了".as_bytes() },
        ] {
            assert_eq!(Message::parse(&message.datagram()), Some(message));
        }
        let name = [b'x'; 255];
        let longest = Message::File { number: u32::MAX, size: u64::MAX, name: &name };
        assert!(longest.datagram().len() <= DATAGRAM_LEN_MAX);
    }

    #[test]
    fn what_is_almost_a_message_is_none() {
        for rest in [
            &b"OK 7 1024"[..],
            b"OK 7 +1024\n",
            b"OK 7\n",
            b"OK 7 1 2\n",
            b"OK  7 1\n",
            b"ok 7 1\n",
            b"OK 4294967296 1\n",
            b"OK 7 18446744073709551616\n",
            b"OK 7 1\nmore",
            b"SAVED 7 \n",
            b"DATA 7 0\n",
            b"END 7 123\n",
            b"END 7 +1234567\n",
            b"FILE 7 12\n",
            b"\n",
            b"",
        ] {
            assert_eq!(Message::parse(&with_crc(rest)), None, "{}", String::from_utf8_lossy(rest));
        }
        assert_eq!(Message::parse(&with_crc(&[b"DATA 7 0\n".to_vec(), vec![1; CHUNK_LEN_MAX + 1]].concat())), None);
        let long_name = [b"FILE 7 1 ".to_vec(), vec![b'x'; LINE_LEN_MAX], b"\n".to_vec()].concat();
        assert_eq!(Message::parse(&with_crc(&long_name)), None);
    }

    #[test]
    fn each_flipped_bit_is_noticed() {
        let datagram = Message::Data { number: 7, offset: 1024, bytes: "你好".as_bytes() }.datagram();
        for bit in 0..datagram.len() * 8 {
            let mut damaged = datagram.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let parsed = Message::parse(&damaged);
            // The digits of the checksum may be written in capitals: the same number.
            assert!(parsed.is_none() || damaged.eq_ignore_ascii_case(&datagram), "bit {bit}: {parsed:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(rest in proptest::collection::vec(any::<u8>(), 0..80), words in "(OK|DATA|FILE|END) [0-9]{0,22} ?[0-9a-f]{0,9}\n.{0,5}") {
            let _ = (Message::parse(&rest), Message::parse(&with_crc(&rest)), Message::parse(&with_crc(words.as_bytes())));
        }
    }
}
