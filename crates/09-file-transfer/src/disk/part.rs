//! A file on its way: the part, the journal of its pieces, and the tree that becomes its digest.
//!
//! Nothing is believed that was not checked: when a cut transfer goes on, every piece that the journal
//! names is read again and hashed, and what does not match, because the power went before the disk had it, is
//! fetched again. Read `tree.rs`, `folder.rs` and `journal.rs` before.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::at::{open_alone, read_at, write_all_at};
use super::folder::{Folder, PARTS_MAX, remove};
use super::journal::Journal;
use super::name::FileName;
use super::time::from_ns;
use super::tree::{PIECE_LEN, PieceHash, Tree, piece_count, piece_hash, piece_range};
use crate::file::{Digest, Offer};

/// How a part ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// In place under this name.
    Placed(FileName),
    /// Not the bytes of the digest; nothing of it is kept.
    Differs,
}

/// One file on its way.
#[derive(Debug)]
pub(super) struct Part {
    folder: Folder,
    name: FileName,
    offer: Offer,
    file: File,
    place: Place,
    tree: Tree,
    /// Opened with the first piece that another session could go on from.
    journal: Option<Journal>,
}

/// Where the bytes are.
#[derive(Debug)]
enum Place {
    /// In a part of ours.
    Part { part: PathBuf, pieces: PathBuf },
    /// In the file that has its name already, from an earlier transfer.
    There,
}

impl Part {
    /// A place for an offered file, and how many bytes from its beginning are there already, verified.
    ///
    /// With `afresh` nothing that lies there is used.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn open(folder: &Folder, name: FileName, offer: &Offer, afresh: bool) -> io::Result<(Self, u64)> {
        if !afresh && let Some(found) = Self::already_there(folder, &name, offer) {
            return Ok((found, offer.size));
        }
        for copy in 0..PARTS_MAX {
            let (part, pieces) = folder.part_paths(offer, copy);
            let opened = match open_alone(&part, true) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => open_alone(&part, false),
                opened => opened,
            };
            let file = match opened {
                // Another transfer is writing it, or something lies there that is not ours.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::AlreadyExists) => continue,
                opened => opened?,
            };
            let place = Place::Part { part, pieces };
            let mut part = Self::on(folder, name, offer, file, place);
            let have = if afresh { part.forget()? } else { part.resume()? };
            return Ok((part, have));
        }
        Err(io::Error::new(ErrorKind::ResourceBusy, format!("{PARTS_MAX} transfers of this file at once")))
    }

    fn on(folder: &Folder, name: FileName, offer: &Offer, file: File, place: Place) -> Self {
        let tree = Tree::new(offer.size);
        Self { folder: folder.clone(), name, offer: offer.clone(), file, place, tree, journal: None }
    }

    /// The file from an earlier transfer, if there is one that looks the same; its digest is taken now.
    fn already_there(folder: &Folder, name: &FileName, offer: &Offer) -> Option<Self> {
        let file = File::open(folder.find(name, offer)?).ok()?;
        let mut found = Self::on(folder, name.clone(), offer, file, Place::There);
        let mut buffer = vec![0; PIECE_LEN as usize];
        for piece in 0..piece_count(offer.size) {
            let bytes = found.read_piece(piece, &mut buffer).ok()??;
            found.tree.add(piece, bytes);
        }
        Some(found)
    }

    /// Reads again what the journal promises, and keeps what is right up to the first piece that is not.
    /// Returns how many bytes from the beginning are right.
    // ANCHOR: resume
    fn resume(&mut self) -> io::Result<u64> {
        let Place::Part { pieces, .. } = &self.place else { return Ok(0) };
        let Some((mut journal, mut promised)) = Journal::reopen(pieces) else { return Ok(0) };
        let mut buffer = vec![0; PIECE_LEN as usize];
        let mut kept = 0;
        for hash in promised.by_ref() {
            let Some(bytes) = self.read_piece(kept, &mut buffer)? else { break };
            if piece_hash(kept, bytes) != hash {
                break;
            }
            self.tree.add(kept, bytes);
            kept += 1;
        }
        journal.go_on_behind(&promised)?;
        self.journal = Some(journal);
        Ok(piece_range(kept, self.offer.size).start)
    }
    // ANCHOR_END: resume

    /// Begins again from nothing.
    fn forget(&mut self) -> io::Result<u64> {
        if let Place::Part { pieces, .. } = &self.place {
            remove(pieces);
        }
        self.file.set_len(0)?;
        Ok(0)
    }

    /// A piece as it lies in the file; `None` when the file ends before it does.
    fn read_piece<'a>(&self, piece: u64, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        let range = piece_range(piece, self.offer.size);
        let bytes = &mut buffer[..(range.end - range.start) as usize];
        let whole = !bytes.is_empty() && read_at(&self.file, bytes, range.start)? == bytes.len();
        Ok(whole.then_some(bytes))
    }

    /// The name that the file shall have.
    pub(super) fn name(&self) -> &FileName {
        &self.name
    }

    /// Writes bytes where they belong.
    ///
    /// # Errors
    /// What the disk says; most often that it is full.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        write_all_at(&self.file, bytes, offset)
    }

    /// Takes note of a piece that is in the file, all of it: into the tree, and into the journal.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn add_piece(&mut self, piece: u64, bytes: &[u8]) -> io::Result<()> {
        let hash = self.tree.add(piece, bytes);
        // A file of one piece has nothing to go on with: cut, it begins again.
        if piece_count(self.offer.size) > 1 { self.note(piece, &hash) } else { Ok(()) }
    }

    /// As [`Part::add_piece`], for a piece that was written in small parts: reads it once more.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn add_written_piece(&mut self, piece: u64) -> io::Result<()> {
        let mut buffer = vec![0; PIECE_LEN as usize];
        match self.read_piece(piece, &mut buffer)? {
            Some(bytes) => self.add_piece(piece, bytes),
            None => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    fn note(&mut self, piece: u64, hash: &PieceHash) -> io::Result<()> {
        let Place::Part { pieces, .. } = &self.place else { return Ok(()) };
        let journal = match self.journal.take() {
            Some(journal) => journal,
            None => Journal::create(pieces)?,
        };
        self.journal.insert(journal).note(piece, hash)
    }

    /// All pieces are there: compares the digest, writes everything to the disk, and gives the file its name.
    ///
    /// # Errors
    /// What the disk says; what was there stays for another try.
    // ANCHOR: finish
    pub(super) fn finish(self, digest: Digest) -> io::Result<End> {
        if self.tree.digest().map(|hash| Digest(*hash.as_bytes())) != Some(digest) {
            self.discard();
            return Ok(End::Differs);
        }
        let Place::Part { part, pieces } = self.place else { return Ok(End::Placed(self.name)) };
        // Whatever lay behind the file's end before it was ours.
        self.file.set_len(self.offer.size)?;
        if let Some(time) = from_ns(self.offer.modified_ns)
            && let Err(error) = self.file.set_modified(time)
        {
            log::debug!("set the time of {}: {error}", self.name);
        }
        self.file.sync_all()?;
        let name = self.folder.place(&part, &self.name, self.offer.size, digest)?;
        remove(&pieces);
        Ok(End::Placed(name))
    }
    // ANCHOR_END: finish

    /// Keeps what another session can go on with, and removes what it cannot.
    pub(super) fn keep(self) {
        if self.journal.is_none() {
            self.discard();
        }
    }

    /// Removes all of it; a file that was there before stays.
    fn discard(self) {
        if let Place::Part { part, pieces } = self.place {
            remove(&part);
            remove(&pieces);
        }
    }
}

#[cfg(test)]
mod tests;
