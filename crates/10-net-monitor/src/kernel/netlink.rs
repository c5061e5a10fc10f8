//! Netlink's envelope: messages in a buffer, attributes in a message. Pure: bytes in, slices out.
//!
//! Netlink is how Linux answers questions that have no system call of their own: a socket to the kernel,
//! with headers and typed attributes as in a network protocol. It never leaves the machine, so its
//! numbers are in the machine's own byte order. Read before: nothing. Read next: `diag.rs`.
//! Sources: netlink(7); `include/uapi/linux/netlink.h`.

use std::fmt;

/// Bytes of a message's header, and what messages are aligned to.
///
/// ```text
///  0               1               2               3
/// +-------------------------------+
/// |  length, this header included |
/// +---------------+---------------+
/// |  type         |  flags        |
/// +---------------+---------------+
/// |  sequence number, ours        |
/// +-------------------------------+
/// |  port: the socket it is for   |
/// +-------------------------------+
/// |  payload, then up to 3 bytes of padding
/// ```
pub const HEADER_LEN: usize = 16;
/// Messages and attributes begin at multiples of this.
const ALIGN: usize = 4;
/// Bytes of an attribute's header: length (this header included) and type, 16 bits each.
const ATTRIBUTE_HEADER_LEN: usize = 4;
/// The two highest bits of an attribute's type are flags.
const ATTRIBUTE_TYPE_MASK: u16 = 0x3fff;

/// The kernel reports an error, or confirms with error 0: `NLMSG_ERROR`.
pub const ERROR: u16 = 2;
/// The last message of a dump: `NLMSG_DONE`.
pub const DONE: u16 = 3;

/// A request: `NLM_F_REQUEST`.
pub const FLAG_REQUEST: u16 = 0x0001;
/// Everything that matches, not one entry: `NLM_F_DUMP` (`NLM_F_ROOT | NLM_F_MATCH`).
pub const FLAG_DUMP: u16 = 0x0300;

/// A buffer that is not what its length fields promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("netlink message: {what}: {have} of {need} bytes")]
pub struct Malformed {
    /// Which part is too short.
    pub what: &'static str,
    /// How many bytes there are.
    pub have: usize,
    /// How many there should be.
    pub need: usize,
}

/// One message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is: [`ERROR`], [`DONE`], or a number of the family.
    pub kind: u16,
    /// Flags of the request or the answer.
    pub flags: u16,
    /// The number of the request that it answers; 0 for an event.
    pub seq: u32,
    /// What stands behind the header.
    pub payload: &'a [u8],
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, flags, seq, payload } = self;
        write!(f, "Message(type {kind}, flags {flags:#x}, seq {seq}, {} bytes)", payload.len())
    }
}

/// The messages of one received buffer.
///
/// # Examples
/// ```
/// use net_monitor::kernel::netlink::{Messages, request};
///
/// let buffer = request(20, 0, 7, "你好".as_bytes());
/// let message = Messages::new(&buffer).next().unwrap()?;
/// assert_eq!((message.kind, message.seq, message.payload), (20, 7, "你好".as_bytes()));
/// # Ok::<(), net_monitor::kernel::netlink::Malformed>(())
/// ```
#[derive(Debug, Clone)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    /// Reads `buffer`, which begins with a header.
    #[must_use]
    pub fn new(buffer: &'a [u8]) -> Self {
        Self { rest: buffer }
    }

    fn take(&mut self) -> Result<Message<'a>, Malformed> {
        let whole = self.rest;
        let header = part(whole, 0, HEADER_LEN, "header")?;
        let len = u32_at(header, 0) as usize;
        if len < HEADER_LEN {
            return Err(Malformed { what: "length field", have: len, need: HEADER_LEN });
        }
        let payload = part(whole, HEADER_LEN, len - HEADER_LEN, "payload")?;
        self.rest = whole.get(aligned(len)..).unwrap_or_default();
        Ok(Message { kind: u16_at(header, 4), flags: u16_at(header, 6), seq: u32_at(header, 8), payload })
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Malformed>;

    /// The next message; after an error nothing more, because where the next one begins is unknown.
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let message = self.take();
        if message.is_err() {
            self.rest = &[];
        }
        Some(message)
    }
}

/// The attributes behind a message's fixed part: type and value.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// Reads `bytes`, which begin with an attribute's header.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self) -> Result<(u16, &'a [u8]), Malformed> {
        let whole = self.rest;
        let header = part(whole, 0, ATTRIBUTE_HEADER_LEN, "attribute header")?;
        let len = usize::from(u16_at(header, 0));
        if len < ATTRIBUTE_HEADER_LEN {
            return Err(Malformed { what: "attribute length field", have: len, need: ATTRIBUTE_HEADER_LEN });
        }
        let value = part(whole, ATTRIBUTE_HEADER_LEN, len - ATTRIBUTE_HEADER_LEN, "attribute")?;
        self.rest = whole.get(aligned(len)..).unwrap_or_default();
        Ok((u16_at(header, 2) & ATTRIBUTE_TYPE_MASK, value))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<(u16, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let attribute = self.take();
        if attribute.is_err() {
            self.rest = &[];
        }
        Some(attribute)
    }
}

/// A message of our own, ready to send.
///
/// # Panics
/// For a payload of 4 GiB; ours are a few hundred bytes.
#[must_use]
pub fn request(kind: u16, flags: u16, seq: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(HEADER_LEN + payload.len()).expect("our requests are short");
    let mut buffer = Vec::with_capacity(aligned(HEADER_LEN + payload.len()));
    buffer.extend(len.to_ne_bytes());
    buffer.extend(kind.to_ne_bytes());
    buffer.extend(flags.to_ne_bytes());
    buffer.extend(seq.to_ne_bytes());
    buffer.extend(0_u32.to_ne_bytes()); // port 0: the kernel
    buffer.extend(payload);
    buffer
}

/// Appends an attribute to a payload.
///
/// # Panics
/// For a value of 64 KiB; ours are bounded far below.
pub fn push_attribute(payload: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let len = u16::try_from(ATTRIBUTE_HEADER_LEN + value.len()).expect("our attributes are short");
    payload.extend(len.to_ne_bytes());
    payload.extend(kind.to_ne_bytes());
    payload.extend(value);
    payload.resize(aligned(payload.len()), 0);
}

/// The error number in an [`ERROR`] message: 0 for a confirmation, otherwise as errno(3) has it.
///
/// # Errors
/// [`Malformed`] when there is no number.
pub fn errno(message: &Message<'_>) -> Result<i32, Malformed> {
    let field = part(message.payload, 0, 4, "error number")?;
    // The kernel sends it negated.
    Ok(i32::from_ne_bytes(four(field)).wrapping_neg())
}

fn aligned(len: usize) -> usize {
    len.next_multiple_of(ALIGN)
}

/// `len` bytes from `start`, or which part is missing.
pub(super) fn part<'a>(bytes: &'a [u8], start: usize, len: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
    let end = start.saturating_add(len);
    bytes.get(start..end).ok_or(Malformed { what, have: bytes.len(), need: end })
}

/// The number at `at`; zero beyond the end, which every caller has excluded before.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |field| u16::from_ne_bytes([field[0], field[1]]))
}

/// As [`u16_at`].
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |field| u32::from_ne_bytes(four(field)))
}

fn four(field: &[u8]) -> [u8; 4] {
    [field[0], field[1], field[2], field[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_messages() -> Vec<u8> {
        let mut buffer = request(20, FLAG_DUMP, 1, b"abcde");
        buffer.resize(aligned(buffer.len()), 0);
        buffer.extend(request(DONE, 0, 1, &[]));
        buffer
    }

    #[test]
    fn messages_come_apart_at_their_aligned_lengths() {
        let buffer = two_messages();
        let messages: Vec<_> = Messages::new(&buffer).map(Result::unwrap).collect();
        assert_eq!(messages.iter().map(|message| message.kind).collect::<Vec<_>>(), [20, DONE]);
        assert_eq!(messages[0].payload, b"abcde");
    }

    #[test]
    fn a_buffer_cut_anywhere_gives_whole_messages_and_then_one_error() {
        let buffer = two_messages();
        for cut in 0..buffer.len() {
            let results: Vec<_> = Messages::new(&buffer[..cut]).collect();
            let whole = results.iter().filter(|result| result.is_ok()).count();
            assert_eq!(whole, usize::from(cut >= 21), "cut at {cut}");
            // Cut in the padding behind the first message, or exactly between two, nothing is missing.
            let clean = cut == 0 || (21..=24).contains(&cut);
            assert_eq!(results.last().is_none_or(Result::is_ok), clean, "cut at {cut}");
        }
    }

    #[test]
    fn a_length_shorter_than_its_own_header_ends_the_reading() {
        let mut buffer = two_messages();
        buffer[0..4].copy_from_slice(&3_u32.to_ne_bytes());
        let results: Vec<_> = Messages::new(&buffer).collect();
        assert_eq!(results, [Err(Malformed { what: "length field", have: 3, need: HEADER_LEN })]);
    }

    #[test]
    fn attributes_survive_their_own_encoding() {
        let mut payload = Vec::new();
        push_attribute(&mut payload, 2, "訊息".as_bytes());
        push_attribute(&mut payload, 10, &[6]);
        let attributes: Vec<_> = Attributes::new(&payload).map(Result::unwrap).collect();
        assert_eq!(attributes, [(2, "訊息".as_bytes()), (10, &[6][..])]);
    }

    #[test]
    fn an_error_number_is_read_as_errno_has_it() {
        let payload = (-22_i32).to_ne_bytes();
        let message = Message { kind: ERROR, flags: 0, seq: 1, payload: &payload };
        assert_eq!(errno(&message), Ok(22));
        assert!(errno(&Message { payload: &[], ..message }).is_err());
    }
}
