//! The sender's files: read where the protocol asks, hashed as they are read, and watched for changes.
//!
//! A file may change while it is sent: an editor saves, a log grows. Then the first half is of one version
//! and the second of another, and a checksum over what was sent would find that perfect. So size and time are
//! looked at again whenever a piece is read and at the end; a changed file is an error that says so. Read
//! `tree.rs` before. Source: stat(2).

use std::collections::VecDeque;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use netcommon::error::OpError;
use netcommon::escape::escape;

use super::at::read_at;
use super::name::FileName;
use super::time::to_ns;
use super::tree::{PIECE_LEN, Tree, piece_count, piece_range};
use crate::file::{Digest, Offer, Refusal, Source};

/// Pieces in memory: what is sent again was mostly sent a moment ago. 8 MiB for all files together.
const CACHED_MAX: usize = 32;

/// Files from the sender's disk.
///
/// # Examples
/// ```
/// use file_transfer::disk::FileSource;
/// use file_transfer::file::{Digest, Source};
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("問候.txt");
/// std::fs::write(&path, "你好")?;
/// let mut source = FileSource::open(&[path])?;
/// assert_eq!((source.offers()[0].name.as_str(), source.offers()[0].size), ("問候.txt", 6));
/// let mut bytes = [0; 3];
/// source.read(0, 3, &mut bytes).unwrap();
/// assert_eq!(bytes, "好".as_bytes());
/// assert_eq!(source.digest(0).unwrap(), Digest(*blake3::hash("你好".as_bytes()).as_bytes()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileSource {
    paths: Vec<PathBuf>,
    offers: Vec<Offer>,
    open: Vec<Open>,
    /// The pieces that were read last, the latest at the front.
    cached: VecDeque<Cached>,
}

/// A file that bytes are asked of.
#[derive(Debug)]
struct Open {
    index: u32,
    file: File,
    /// Pieces from the beginning that are in `tree`.
    hashed: u64,
    tree: Tree,
}

#[derive(Debug)]
struct Cached {
    index: u32,
    piece: u64,
    bytes: Vec<u8>,
}

impl FileSource {
    /// Looks at every file before the first one is sent: a mistake in the list shows at once.
    ///
    /// # Errors
    /// A file that is not there, not readable, not a file, or whose name no receiver would take.
    pub fn open(paths: &[PathBuf]) -> Result<Self, OpError> {
        let offers = paths.iter().map(|path| offer(path)).collect::<Result<_, _>>()?;
        Ok(Self { paths: paths.to_vec(), offers, open: Vec::new(), cached: VecDeque::new() })
    }

    /// What the receiver is told of each file, in the order of the list.
    #[must_use]
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// The place of file `index` in `open`, opened if it is not.
    fn opened(&mut self, index: u32) -> Result<usize, Refusal> {
        if let Some(at) = self.open.iter().position(|open| open.index == index) {
            return Ok(at);
        }
        let (path, offer) = (&self.paths[index as usize], &self.offers[index as usize]);
        let file = File::open(path).map_err(|error| refusal("open", path, &error))?;
        self.open.push(Open { index, file, hashed: 0, tree: Tree::new(offer.size) });
        self.check(self.open.len() - 1)?;
        Ok(self.open.len() - 1)
    }

    /// Whether the file is still the one that was offered.
    // ANCHOR: check
    fn check(&self, at: usize) -> Result<(), Refusal> {
        let Open { index, file, .. } = &self.open[at];
        let (path, offer) = (&self.paths[*index as usize], &self.offers[*index as usize]);
        let metadata = file.metadata().map_err(|error| refusal("look at", path, &error))?;
        let what = match () {
            () if metadata.len() != offer.size => format!("it had {} bytes and has {}", offer.size, metadata.len()),
            () if modified_ns(&metadata) != offer.modified_ns => "it was written to".to_owned(),
            () => return Ok(()),
        };
        Err(Refusal::new(format!("{} changed while it was sent: {what}; send it again", name_of(path))))
    }
    // ANCHOR_END: check

    /// A piece, from memory or from the disk; the first time it comes in order it is hashed.
    fn piece(&mut self, at: usize, piece: u64) -> Result<&[u8], Refusal> {
        let index = self.open[at].index;
        let found = self.cached.iter().position(|cached| cached.index == index && cached.piece == piece);
        if let Some(found) = found.filter(|found| *found > 0) {
            let cached = self.cached.remove(found);
            self.cached.extend(cached);
            self.cached.rotate_right(1);
        }
        if found.is_none() {
            self.load(at, piece)?;
        }
        Ok(self.cached.front().map_or(&[], |cached| cached.bytes.as_slice()))
    }

    fn load(&mut self, at: usize, piece: u64) -> Result<(), Refusal> {
        let index = self.open[at].index;
        let range = piece_range(piece, self.offers[index as usize].size);
        // The one that was used longest ago makes room.
        let full = self.cached.len() >= CACHED_MAX;
        let mut bytes = if full { self.cached.pop_back().map(|old| old.bytes) } else { None }.unwrap_or_default();
        bytes.resize((range.end - range.start) as usize, 0);
        let read = read_at(&self.open[at].file, &mut bytes, range.start);
        let read = read.map_err(|error| refusal("read", &self.paths[index as usize], &error))?;
        self.check(at)?;
        if read < bytes.len() {
            let what = format!("it ends at byte {}", range.start + read as u64);
            let name = name_of(&self.paths[index as usize]);
            return Err(Refusal::new(format!("{name} changed while it was sent: {what}; send it again")));
        }
        let open = &mut self.open[at];
        if piece == open.hashed {
            open.tree.add(piece, &bytes);
            open.hashed += 1;
        }
        self.cached.push_front(Cached { index, piece, bytes });
        Ok(())
    }
}

impl Source for FileSource {
    fn read(&mut self, index: u32, offset: u64, into: &mut [u8]) -> Result<(), Refusal> {
        let at = self.opened(index)?;
        let (end, size) = (offset.saturating_add(into.len() as u64), self.offers[index as usize].size);
        if end > size {
            return Err(Refusal::new(format!("byte {end} of {size}")));
        }
        let mut done = 0;
        while done < into.len() {
            let from = offset + done as u64;
            let bytes = self.piece(at, from / PIECE_LEN)?;
            let start = (from % PIECE_LEN) as usize;
            let len = (bytes.len() - start).min(into.len() - done);
            into[done..done + len].copy_from_slice(&bytes[start..start + len]);
            done += len;
        }
        Ok(())
    }

    fn digest(&mut self, index: u32) -> Result<Digest, Refusal> {
        let at = self.opened(index)?;
        // What a resumed transfer did not need to send is read here, for the digest only.
        for piece in self.open[at].hashed..piece_count(self.offers[index as usize].size) {
            // From memory it would not be hashed.
            self.cached.retain(|cached| cached.index != index || cached.piece != piece);
            self.load(at, piece)?;
        }
        self.check(at)?;
        let digest = self.open[at].tree.digest().map(|hash| Digest(*hash.as_bytes()));
        digest.ok_or_else(|| Refusal::new("no digest before every piece was read"))
    }

    fn close(&mut self, index: u32) {
        self.open.retain(|open| open.index != index);
        self.cached.retain(|cached| cached.index != index);
    }
}

fn offer(path: &Path) -> Result<Offer, OpError> {
    let failed = |error| OpError::new("open", shown(path), error);
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(failed(ErrorKind::IsADirectory.into()).with_hint("name the files in it"));
    }
    if !metadata.is_file() {
        let what = io::Error::new(ErrorKind::InvalidInput, "not a file: its size is not known before its end");
        return Err(failed(what));
    }
    File::open(path).map_err(failed)?;
    let name = path.file_name().unwrap_or_default();
    let name = FileName::parse(name.as_encoded_bytes()).map_err(|error| failed(io::Error::other(error)))?;
    Ok(Offer { name: name.as_str().to_owned(), size: metadata.len(), modified_ns: modified_ns(&metadata) })
}

/// 0 on a system that does not keep it; then only the size and the digest tell two versions apart.
fn modified_ns(metadata: &Metadata) -> i64 {
    metadata.modified().map_or(0, to_ns)
}

fn refusal(operation: &str, path: &Path, error: &io::Error) -> Refusal {
    Refusal::new(format!("{operation} {}: {error}", name_of(path)))
}

/// A path as text that a terminal only prints.
fn shown(path: &Path) -> String {
    escape(path.as_os_str().as_encoded_bytes()).to_string()
}

/// A file's name alone: what the receiver reads says nothing of our folders.
fn name_of(path: &Path) -> String {
    escape(path.file_name().unwrap_or_default().as_encoded_bytes()).to_string()
}

#[cfg(test)]
mod tests;
