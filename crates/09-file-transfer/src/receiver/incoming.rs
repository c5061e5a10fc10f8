//! One file that is being received: which of its bytes are there, and how it ended.
//!
//! ```text
//!   Flowing ──all bytes are there, and FINISH──▶ Checking ──the disk's verdict──▶ (forgotten)
//! ```
//! A byte that is there is never written again, so what was digested stays what was digested, whatever comes
//! later. Read `ranges.rs` and `file.rs` before.

use crate::file::{Digest, FileId, Refusal, Store};
use crate::ranges::RangeSet;

/// One file.
#[derive(Debug)]
pub(super) struct Incoming {
    pub name: String,
    pub size: u64,
    /// Where its sender was asked to begin: an offer that comes again gets the same answer.
    pub from: u64,
    pub afresh: bool,
    pub there: RangeSet,
    pub digest: Option<Digest>,
    /// The disk has it, and its verdict is awaited.
    pub checking: bool,
}

/// What became of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// So many of its bytes were new.
    New(u64),
    /// All of it was there already.
    Duplicate,
    /// It may not be acknowledged: it would cost too much memory now, or lies behind the end.
    Refused,
}

impl Incoming {
    pub(super) fn new(name: String, size: u64, from: u64, afresh: bool) -> Self {
        let mut there = RangeSet::default();
        there.insert(0..from);
        Self { name, size, from, afresh, there, digest: None, checking: false }
    }

    /// Hands the new bytes of a piece to the disk.
    pub(super) fn take(
        &mut self,
        id: FileId,
        offset: u64,
        bytes: &[u8],
        ranges_max: usize,
        store: &mut dyn Store,
    ) -> Result<Taken, Refusal> {
        let end = offset + bytes.len() as u64;
        if end > self.size {
            return Ok(Taken::Refused);
        }
        let gaps: Vec<_> = self.there.missing(offset..end).collect();
        if gaps.is_empty() {
            return Ok(Taken::Duplicate);
        }
        if self.there.len() >= ranges_max && offset > self.there.whole() {
            return Ok(Taken::Refused);
        }
        let mut new = 0;
        for gap in gaps {
            let part = &bytes[within(gap.start - offset)..within(gap.end - offset)];
            new += part.len() as u64;
            self.there.insert(gap.clone());
            store.write(id, gap.start, part, self.there.whole())?;
        }
        Ok(Taken::New(new))
    }

    /// Whether the disk should check it now.
    pub(super) fn is_ready(&self) -> Option<Digest> {
        self.digest.filter(|_| !self.checking && self.there.whole() == self.size)
    }
}

/// A place inside one datagram.
fn within(place: u64) -> usize {
    usize::try_from(place).expect("a datagram is shorter than the address space")
}
