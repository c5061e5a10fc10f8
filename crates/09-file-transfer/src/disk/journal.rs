//! The journal of a part: which pieces are there, one line each, so that a cut transfer can go on.
//!
//! ```text
//!  file-transfer 1                 the format
//!  0 91f0…                         piece 0 is in the part, with this hash
//!  2 07bd…                         piece 2 came before piece 1
//! ```
//! Text, so that one can look into it; only ever longer, so that a full disk cannot cost what it says; a promise
//! only, because after a power cut the disk may have the line and not the piece: `part.rs` reads each
//! piece again. A line that was cut in the middle says nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::at::{open_alone, write_all_at};
use super::folder::remove;
use super::tree::PieceHash;
use crate::file::Digest;

/// The first line; another version of this program may write another one.
const HEAD: &str = "file-transfer 1";

/// The longest line: a piece's number, a space, 64 digits and the end.
const LINE_LEN_MAX: u64 = 20 + 1 + 64 + 1;

/// How many pieces may be named before the one that is next: many more than are ever on their way.
const EARLY_MAX: usize = 16_384;

/// A journal that lines are added to.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    len: u64,
}

impl Journal {
    /// A new one; what lies in its place was not written by us, and goes.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        remove(path);
        let mut journal = Self { file: open_alone(path, true)?, len: 0 };
        journal.add(HEAD)?;
        Ok(journal)
    }

    /// The one that a cut transfer has left, with what it promises; `None` when it is of no use.
    pub(super) fn reopen(path: &Path) -> Option<(Self, Promised)> {
        let file = open_alone(path, false).ok()?;
        let mut promised =
            Promised { lines: BufReader::new(file.try_clone().ok()?), good_len: 0, early: BTreeMap::new(), next: 0 };
        promised.lines.seek(SeekFrom::Start(0)).ok()?;
        if promised.line()? != HEAD {
            return None;
        }
        let len = file.metadata().ok()?.len();
        Some((Self { file, len }, promised))
    }

    /// Goes on behind the lines that `promised` has found good.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn go_on_behind(&mut self, promised: &Promised) -> io::Result<()> {
        self.len = promised.good_len;
        self.file.set_len(self.len)
    }

    /// Names one more piece.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn note(&mut self, piece: u64, hash: &PieceHash) -> io::Result<()> {
        self.add(&format!("{piece} {}", Digest(*hash)))
    }

    fn add(&mut self, line: &str) -> io::Result<()> {
        let line = format!("{line}\n");
        write_all_at(&self.file, line.as_bytes(), self.len)?;
        self.len += line.len() as u64;
        Ok(())
    }
}

/// The hashes of pieces 0, 1, 2… that a journal names, up to the first gap.
#[derive(Debug)]
pub(super) struct Promised {
    lines: BufReader<File>,
    /// Bytes of whole, well-formed lines so far.
    good_len: u64,
    /// Pieces that came before the one that is next.
    early: BTreeMap<u64, PieceHash>,
    next: u64,
}

impl Promised {
    /// The next whole line.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        (&mut self.lines).take(LINE_LEN_MAX).read_line(&mut line).ok()?;
        let whole = line.strip_suffix('\n')?;
        self.good_len += line.len() as u64;
        Some(whole.to_owned())
    }

    /// The next line that names a piece; a malformed one ends the journal.
    fn named(&mut self) -> Option<(u64, PieceHash)> {
        let good_len = self.good_len;
        let line = self.line()?;
        let named = line
            .split_once(' ')
            .and_then(|(piece, hash)| Some((piece.parse().ok()?, *blake3::Hash::from_hex(hash).ok()?.as_bytes())));
        if named.is_none() {
            self.good_len = good_len;
        }
        named
    }
}

impl Iterator for Promised {
    type Item = PieceHash;

    fn next(&mut self) -> Option<PieceHash> {
        while !self.early.contains_key(&self.next) {
            let (piece, hash) = self.named()?;
            if piece >= self.next {
                self.early.insert(piece, hash);
            }
            if self.early.len() > EARLY_MAX {
                return None;
            }
        }
        self.next += 1;
        self.early.remove(&(self.next - 1))
    }
}
