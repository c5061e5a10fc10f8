//! The file format: pcapng's blocks, little-endian. Pure: numbers and bytes in, bytes out.
//!
//! Each block says its length at both ends, so a reader can go back, and one that is cut off is noticed. Read next:
//! `packet.rs`. Source: draft-ietf-opsawg-pcapng, sections 3 and 4.

/// Every block has this shape; all numbers are little-endian, and all parts are padded to 4 bytes.
///
/// ```text
/// +---------------+
/// |  type         |  32 bit
/// |  length       |  32 bit, of the whole block
/// |  body         |  fixed part, data, options
/// |  length again |
/// +---------------+
/// ```
const FRAME_LEN: usize = 12;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

/// Written in our byte order, so that a reader sees which it is.
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// A packet begins with its IP header, without an Ethernet frame around it: `LINKTYPE_RAW`.
const LINK_RAW: u16 = 101;
/// A packet that arrives on Ethernet.
pub const LINK_ETHERNET: u16 = 1;

const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
const OPTION_PACKET_FLAGS: u16 = 2;
const OPTION_INTERFACE_NAME: u16 = 2;
const OPTION_INTERFACE_DESCRIPTION: u16 = 3;
const OPTION_PROGRAM: u16 = 4;
const OPTION_TIME_UNIT: u16 = 9;

/// Which way a packet went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To us.
    In,
    /// From us.
    Out,
}

/// The block that every file begins with; `program` wrote it.
#[must_use]
pub fn section(program: &str) -> Vec<u8> {
    let mut body = BYTE_ORDER.to_le_bytes().to_vec();
    body.extend(1_u16.to_le_bytes()); // version 1.0
    body.extend(0_u16.to_le_bytes());
    body.extend(u64::MAX.to_le_bytes()); // how long the section is: not known yet
    option(&mut body, OPTION_PROGRAM, program.as_bytes());
    block(SECTION, end_options(body))
}

/// The interface that packets of raw IP come from: a name, and what one should know about it.
#[must_use]
pub fn interface(name: &str, description: &str) -> Vec<u8> {
    interface_of(LINK_RAW, name, description)
}

/// An interface whose packets begin as `link` says.
#[must_use]
pub fn interface_of(link: u16, name: &str, description: &str) -> Vec<u8> {
    let mut body = link.to_le_bytes().to_vec();
    body.extend([0; 2]);
    body.extend(0_u32.to_le_bytes()); // packets are not cut
    option(&mut body, OPTION_INTERFACE_NAME, name.as_bytes());
    option(&mut body, OPTION_INTERFACE_DESCRIPTION, description.as_bytes());
    option(&mut body, OPTION_TIME_UNIT, &[9]); // nanoseconds
    block(INTERFACE, end_options(body))
}

/// A packet, so many nanoseconds after 1970, with what a reader should know about it.
///
/// # Examples
/// ```
/// use netcommon::pcapng::block::{Direction, packet};
///
/// let block = packet(0, 24, b"data", Some(Direction::Out), Some("send(4, \"你好\") = 6"));
/// assert_eq!(block.len() % 4, 0);
/// assert_eq!(block[4..8], block[block.len() - 4..]);
/// ```
#[must_use]
pub fn packet(nanos: u64, len: u32, bytes: &[u8], direction: Option<Direction>, comment: Option<&str>) -> Vec<u8> {
    let mut body = 0_u32.to_le_bytes().to_vec(); // the first interface
    let (high, low) = ((nanos >> 32) as u32, nanos as u32);
    for number in [high, low, u32::try_from(bytes.len()).unwrap_or(u32::MAX), len] {
        body.extend(number.to_le_bytes());
    }
    body.extend(bytes);
    pad(&mut body);
    if let Some(direction) = direction {
        let flags: u32 = match direction {
            Direction::In => 1,
            Direction::Out => 2,
        };
        option(&mut body, OPTION_PACKET_FLAGS, &flags.to_le_bytes());
    }
    if let Some(comment) = comment {
        option(&mut body, OPTION_COMMENT, comment.as_bytes());
    }
    block(PACKET, end_options(body))
}

fn block(kind: u32, body: Vec<u8>) -> Vec<u8> {
    let len = u32::try_from(FRAME_LEN + body.len()).expect("a packet has 64 KiB at most, its options as well");
    let mut block = Vec::with_capacity(FRAME_LEN + body.len());
    block.extend(kind.to_le_bytes());
    block.extend(len.to_le_bytes());
    block.extend(body);
    block.extend(len.to_le_bytes());
    block
}

/// Type and length, 16 bits each, and the value; what is longer is cut.
fn option(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    body.extend(kind.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    body.extend(value);
    pad(body);
}

fn end_options(mut body: Vec<u8>) -> Vec<u8> {
    option(&mut body, OPTION_END, &[]);
    body
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}
