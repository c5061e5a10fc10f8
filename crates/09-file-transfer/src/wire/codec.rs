//! Reading and writing the datagrams that `mod.rs` draws.
//!
//! Whatever comes in is checked here, once: length, mark, version, checksum, and each field's range. What
//! leaves this file is right, except that a peer may lie. Writing appends to a buffer, so that many
//! datagrams lie behind each other as the system call wants them.

use std::ops::RangeInclusive;

use super::{ACK_RANGES_MAX, Ack, BASE_LEN, Datagram, HEADER_LEN, Received, VERSION};
use crate::file::{Answer, Digest, NAME_LEN_MAX, Offer, REASON_LEN_MAX, Refusal, Session, Verdict};

const MARK: [u8; 2] = *b"FT";
/// Where the checksum stands.
const CHECKSUM: std::ops::Range<usize> = 4..8;

/// Why some bytes are no datagram of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Shorter than its kind, or than any.
    #[error("cut short")]
    Short,
    /// Somebody else's datagram.
    #[error("not of this protocol")]
    Foreign,
    /// Ours, of another age.
    #[error("version {0}, and this program speaks version 1")]
    Version(u8),
    /// Changed on its way.
    #[error("wrong checksum")]
    Checksum,
    /// A kind that this version does not have.
    #[error("unknown kind {0}")]
    Kind(u8),
    /// A field says what it cannot.
    #[error("a field out of its range")]
    Field,
}

/// Reads one datagram.
///
/// # Errors
/// What is wrong with it; whoever receives from anybody counts that and goes on.
///
/// # Examples
/// ```
/// use file_transfer::file::Session;
/// use file_transfer::wire::{Datagram, decode, encode};
///
/// let mut bytes = Vec::new();
/// encode(&mut bytes, Session(7), &Datagram::Bye { done: false, reason: "沒有空間".to_owned() });
/// assert_eq!(decode(&bytes).unwrap().session, Session(7));
/// bytes[20] ^= 1;
/// assert_eq!(decode(&bytes).unwrap_err().to_string(), "wrong checksum");
/// ```
pub fn decode(bytes: &[u8]) -> Result<Received<'_>, WireError> {
    if bytes.len() < 4 || bytes[..2] != MARK {
        return Err(WireError::Foreign);
    }
    if bytes.len() < HEADER_LEN {
        return Err(WireError::Short);
    }
    // The first 16 bytes mean the same in every version, so a damaged datagram is not taken for a later one.
    if bytes[CHECKSUM] != checksum(bytes).to_be_bytes() {
        return Err(WireError::Checksum);
    }
    if bytes[2] != VERSION {
        return Err(WireError::Version(bytes[2]));
    }
    let mut fields = Fields(&bytes[8..]);
    let session = Session(fields.u64()?);
    Ok(Received { session, datagram: body(bytes[3], &mut fields)? })
}

/// The session number of a datagram of any version.
#[must_use]
pub fn session_of(bytes: &[u8]) -> Option<Session> {
    let number = bytes.get(8..HEADER_LEN)?.try_into().ok()?;
    Some(Session(u64::from_be_bytes(number)))
}

/// What a datagram of `kind` carries.
fn body<'a>(kind: u8, fields: &mut Fields<'a>) -> Result<Datagram<'a>, WireError> {
    Ok(match kind {
        1 => Datagram::Hello,
        2 => Datagram::Cookie(fields.array()?),
        3 => {
            let (cookie, files, index) = (fields.array()?, fields.u32()?, fields.u32()?);
            if index >= files {
                return Err(WireError::Field);
            }
            let (afresh, size, modified) = (fields.flag()?, fields.u64()?, fields.u64()?);
            let offer = Offer { size, modified_ns: modified.cast_signed(), name: fields.text(NAME_LEN_MAX)? };
            Datagram::Offer { cookie, files, index, afresh, offer }
        }
        4 => {
            let (index, refused, from) = (fields.u32()?, fields.flag()?, fields.u64()?);
            let reason = fields.text(REASON_LEN_MAX)?;
            let answer = if refused { Answer::Refuse(Refusal::new(reason)) } else { Answer::Send { from } };
            Datagram::Answer { index, answer }
        }
        5 => {
            let (number, floor, index) = (fields.u32()?, fields.u32()?, fields.u32()?);
            let offset = fields.u64()?;
            let bytes = fields.rest();
            // So that the end of a piece can be computed without a thought.
            offset.checked_add(bytes.len() as u64).ok_or(WireError::Field)?;
            Datagram::Data { number, floor, index, offset, bytes }
        }
        6 => Datagram::Probe { number: fields.u32()?, floor: fields.u32()? },
        7 => Datagram::Ack(ack(fields)?),
        8 => Datagram::Finish { index: fields.u32()?, digest: Digest(fields.array()?) },
        9 => {
            let (index, how) = (fields.u32()?, fields.u8()?);
            let reason = fields.text(REASON_LEN_MAX)?;
            let verdict = match how {
                0 => Verdict::Complete,
                1 => Verdict::Differs,
                2 => Verdict::Refused(Refusal::new(reason)),
                _ => return Err(WireError::Field),
            };
            Datagram::Verdict { index, verdict }
        }
        10 => Datagram::Bye { done: fields.flag()?, reason: fields.text(REASON_LEN_MAX)? },
        kind => return Err(WireError::Kind(kind)),
    })
}

/// The ranges of an ACK, each as far below the last one as its gap says.
fn ack(fields: &mut Fields<'_>) -> Result<Ack, WireError> {
    let (largest, delay_us) = (fields.u32()?, fields.u32()?);
    let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
    let mut above = largest;
    while !fields.0.is_empty() {
        let (gap, len) = (u32::from(fields.u16()?), u32::from(fields.u16()?));
        let touches = gap == 0 && !ranges.is_empty();
        if len == 0 || touches || ranges.len() == ACK_RANGES_MAX {
            return Err(WireError::Field);
        }
        // `above` is the number just below the last range; the first range begins at the largest itself.
        let end = above.checked_sub(gap).ok_or(WireError::Field)?;
        let start = end.checked_sub(len - 1).ok_or(WireError::Field)?;
        ranges.push(start..=end);
        match start.checked_sub(1) {
            Some(below) => above = below,
            None if fields.0.is_empty() => break,
            None => return Err(WireError::Field),
        }
    }
    if ranges.first().is_none_or(|range| *range.end() != largest) {
        return Err(WireError::Field);
    }
    Ok(Ack { ranges, delay_us })
}

/// Appends one datagram to `out` and returns its length.
pub fn encode(out: &mut Vec<u8>, session: Session, datagram: &Datagram<'_>) -> usize {
    let start = begin(out, session, kind(datagram));
    match datagram {
        Datagram::Hello => out.resize(start + BASE_LEN, 0),
        Datagram::Cookie(cookie) => out.extend(cookie),
        Datagram::Offer { cookie, files, index, afresh, offer } => {
            out.extend(cookie);
            put(out, &[&files.to_be_bytes(), &index.to_be_bytes(), &[u8::from(*afresh)]]);
            put(out, &[&offer.size.to_be_bytes(), &offer.modified_ns.to_be_bytes(), offer.name.as_bytes()]);
        }
        Datagram::Answer { index, answer } => {
            let (refused, from, reason) = match answer {
                Answer::Send { from } => (0, *from, ""),
                Answer::Refuse(refusal) => (1, 0, refusal.reason()),
            };
            put(out, &[&index.to_be_bytes(), &[refused], &from.to_be_bytes(), reason.as_bytes()]);
        }
        Datagram::Data { number, floor, index, offset, bytes } => {
            put(
                out,
                &[&number.to_be_bytes(), &floor.to_be_bytes(), &index.to_be_bytes(), &offset.to_be_bytes(), bytes],
            );
        }
        Datagram::Probe { number, floor } => put(out, &[&number.to_be_bytes(), &floor.to_be_bytes()]),
        Datagram::Ack(ack) => put_ack(out, ack),
        Datagram::Finish { index, digest } => put(out, &[&index.to_be_bytes(), &digest.0]),
        Datagram::Verdict { index, verdict } => {
            let (how, reason) = match verdict {
                Verdict::Complete => (0, ""),
                Verdict::Differs => (1, ""),
                Verdict::Refused(refusal) => (2, refusal.reason()),
            };
            put(out, &[&index.to_be_bytes(), &[how], reason.as_bytes()]);
        }
        Datagram::Bye { done, reason } => put(out, &[&[u8::from(*done)], reason.as_bytes()]),
    }
    seal(out, start)
}

/// Appends a DATA datagram whose bytes `fill` writes straight into their place, or nothing if it fails.
///
/// # Errors
/// What `fill` says.
pub fn encode_data<E>(
    out: &mut Vec<u8>,
    session: Session,
    header: &Datagram<'_>,
    len: usize,
    fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
) -> Result<usize, E> {
    let start = out.len();
    encode(out, session, header);
    let bytes = out.len();
    out.resize(bytes + len, 0);
    if let Err(error) = fill(&mut out[bytes..]) {
        out.truncate(start);
        return Err(error);
    }
    Ok(seal(out, start))
}

/// Appends a PROBE of `len` bytes.
pub fn encode_probe(out: &mut Vec<u8>, session: Session, number: u32, floor: u32, len: usize) {
    let start = out.len();
    encode(out, session, &Datagram::Probe { number, floor });
    out.resize(start + len, 0);
    seal(out, start);
}

fn begin(out: &mut Vec<u8>, session: Session, kind: u8) -> usize {
    let start = out.len();
    put(out, &[&MARK, &[VERSION, kind], &[0; 4], &session.0.to_be_bytes()]);
    start
}

fn seal(out: &mut [u8], start: usize) -> usize {
    let sum = checksum(&out[start..]).to_be_bytes();
    out[start..][CHECKSUM].copy_from_slice(&sum);
    out.len() - start
}

fn checksum(datagram: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&datagram[..CHECKSUM.start]);
    hasher.update(&datagram[CHECKSUM.end..]);
    hasher.finalize()
}

fn kind(datagram: &Datagram<'_>) -> u8 {
    match datagram {
        Datagram::Hello => 1,
        Datagram::Cookie(_) => 2,
        Datagram::Offer { .. } => 3,
        Datagram::Answer { .. } => 4,
        Datagram::Data { .. } => 5,
        Datagram::Probe { .. } => 6,
        Datagram::Ack(_) => 7,
        Datagram::Finish { .. } => 8,
        Datagram::Verdict { .. } => 9,
        Datagram::Bye { .. } => 10,
    }
}

/// Writes as many ranges as gaps and lengths of 16 bits can tell; what lies further back is not told.
fn put_ack(out: &mut Vec<u8>, ack: &Ack) {
    put(out, &[&ack.largest().to_be_bytes(), &ack.delay_us.to_be_bytes()]);
    let mut above = ack.largest();
    for range in ack.ranges.iter().take(ACK_RANGES_MAX) {
        let len = range.end() - range.start() + 1;
        let (Ok(gap), Ok(told)) = (u16::try_from(above - range.end()), u16::try_from(len.min(0xffff))) else { return };
        put(out, &[&gap.to_be_bytes(), &told.to_be_bytes()]);
        if u32::from(told) < len || *range.start() == 0 {
            return;
        }
        above = range.start() - 1;
    }
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

/// What is left to read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (front, rest) = self.0.split_first_chunk().ok_or(WireError::Short)?;
        self.0 = rest;
        Ok(*front)
    }

    fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_be_bytes)
    }

    fn flag(&mut self) -> Result<bool, WireError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError::Field),
        }
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    fn text(&mut self, len_max: usize) -> Result<String, WireError> {
        let bytes = self.rest();
        let text = std::str::from_utf8(bytes).map_err(|_| WireError::Field)?;
        if bytes.len() > len_max { Err(WireError::Field) } else { Ok(text.to_owned()) }
    }
}
