//! The datagrams: what each kind carries, drawn, and how it is read and written.
//!
//! ```text
//!   0                   1                   2                   3
//!   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//!  +---------------+---------------+---------------+---------------+
//!  |      'F'      |      'T'      |  version (1)  |     kind      |
//!  +---------------+---------------+---------------+---------------+
//!  |     checksum: CRC-32 of everything before and behind it       |
//!  +---------------------------------------------------------------+
//!  |                       session number                          |
//!  |                                                               |
//!  +---------------------------------------------------------------+
//!  |  what the kind carries ...
//!
//!   kind      from      carries
//!   1 HELLO   sender    padding up to 1,200 bytes
//!   2 COOKIE  receiver  16 bytes that only somebody at this address can repeat
//!   3 OFFER   sender    cookie (16), files in all (4), index (4), afresh (1), size (8), modified (8), name
//!   4 ANSWER  receiver  index (4), refused (1), from (8), reason
//!   5 DATA    sender    number (4), floor (4), index (4), offset (8), bytes of the file
//!   6 PROBE   sender    number (4), floor (4), padding up to the length that is tried
//!   7 ACK     receiver  largest number (4), delay in microseconds (4), then gap (2) and length (2), again and again
//!   8 FINISH  sender    index (4), BLAKE3 of the file (32)
//!   9 VERDICT receiver  index (4), how it ended (1), reason
//!  10 BYE     both      done (1), reason
//! ```
//! Numbers are big-endian. Names and reasons are UTF-8 and reach to the end of the datagram. UDP's own
//! checksum has 16 bits and sums words, so swapped words pass it; a CRC-32 misses one damage in 2^32, and no
//! burst of up to 32 bits. Neither keeps out a liar: what a liar has to guess is the session number.
//! Read `codec.rs` next. Sources: RFC 1071, RFC 8085 section 3.4; Koopman, "32-bit CRCs", DSN 2002.

mod codec;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

pub use self::codec::{WireError, decode, encode, encode_data, encode_probe, session_of};
use crate::file::{Answer, Digest, Offer, Session, Verdict};

/// The version of what follows the first 16 bytes. A datagram of another version is refused; a session never
/// mixes two.
pub const VERSION: u8 = 1;

/// Bytes before what the kind carries.
pub const HEADER_LEN: usize = 16;

/// Bytes before the bytes of the file in a DATA datagram.
pub const DATA_HEADER_LEN: usize = HEADER_LEN + 4 + 4 + 4 + 8;

/// Every path carries so much (RFC 9000 section 14.1, RFC 8899 section 5.1.2), so a session begins with it,
/// and a HELLO is padded to it: no answer to a stranger is longer than the stranger's question.
pub const BASE_LEN: usize = 1_200;

/// Ranges in one ACK at most: what fits into [`BASE_LEN`].
pub const ACK_RANGES_MAX: usize = (BASE_LEN - HEADER_LEN - 8) / 4;

/// Sixteen bytes that prove an address.
pub type Cookie = [u8; 16];

/// One datagram, whose bytes of a file stay where they are.
#[derive(Debug, Clone, PartialEq)]
pub enum Datagram<'a> {
    /// May I? Carries nothing but its length.
    Hello,
    /// Prove that you are where you say: repeat this.
    Cookie(Cookie),
    /// I have this file for you.
    Offer {
        /// The proof of address.
        cookie: Cookie,
        /// Files in this session.
        files: u32,
        /// Which one this is, from 0.
        index: u32,
        /// Use nothing of what an earlier session left.
        afresh: bool,
        /// What it is called, how long and how old it is.
        offer: Offer,
    },
    /// Send it, or not.
    Answer {
        /// Which file.
        index: u32,
        /// From where on, or why not.
        answer: Answer,
    },
    /// A piece of a file.
    Data {
        /// The number of this datagram.
        number: u32,
        /// Below this, the sender no longer wants to know what came.
        floor: u32,
        /// Which file.
        index: u32,
        /// Where in the file.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Does a datagram of this length come through?
    Probe {
        /// The number of this datagram.
        number: u32,
        /// As in DATA.
        floor: u32,
    },
    /// What came.
    Ack(Ack),
    /// That was all of this file.
    Finish {
        /// Which file.
        index: u32,
        /// Of all its bytes.
        digest: Digest,
    },
    /// How the file ended here.
    Verdict {
        /// Which file.
        index: u32,
        /// Verified and in place, or why not.
        verdict: Verdict,
    },
    /// The session is over for this side.
    Bye {
        /// Whether all that was to do is done.
        done: bool,
        /// Why, otherwise.
        reason: String,
    },
}

/// What came: the numbers of datagrams as ranges, from the largest down.
///
/// ```text
///  number    .. 40 41 42 43 44 45 46 47 48 49        came: 49, 48, 47; 44; 42, 41
///  came          -  x  x  -  x  -  -  x  x  x        largest 49: (gap 0, length 3), (2, 1), (1, 2)
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// From the largest down: ranges that neither touch nor overlap; never empty.
    pub ranges: Vec<RangeInclusive<u32>>,
    /// How long the largest one had waited for this answer, in microseconds.
    pub delay_us: u32,
}

impl Ack {
    /// The largest number that came.
    #[must_use]
    pub fn largest(&self) -> u32 {
        self.ranges.first().map_or(0, |range| *range.end())
    }
}

/// Who sent a datagram, as its header says, and what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Received<'a> {
    /// Which session it belongs to.
    pub session: Session,
    /// What it says.
    pub datagram: Datagram<'a>,
}
