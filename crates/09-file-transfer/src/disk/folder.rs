//! The receiver's folder: where a file lies while it comes, and how it gets its name when it is whole.
//!
//! ```text
//!  DIR/.file-transfer-1f0c…a9.part     the bytes, each where it belongs; holes read as zeros
//!  DIR/.file-transfer-1f0c…a9.pieces   which pieces are there, with their hashes (journal in part.rs)
//!  DIR/課表.txt                        linked to the part when its digest is right; never replaced
//! ```
//! The part's name comes from the offer (name, size, time of the last change), so that the same command finds
//! it again, and another version of the file does not. No name from the network begins with a dot, so none
//! meets ours. Read `name.rs` before. Sources: link(2), rename(2), fsync(2).

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use netcommon::error::OpError;

use super::name::FileName;
use crate::file::{Digest, Offer};

/// What our own names begin with.
const OWN_PREFIX: &str = ".file-transfer-";

/// How many files of one name are told apart by a number; who needs more should look into the folder.
const NUMBERED_MAX: u32 = 999;

/// Parts of the same offer at the same time: each further one is a stranger's copy or a second session.
pub(super) const PARTS_MAX: u32 = 16;

/// A folder that files are received into. Nothing outside it is ever touched.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens the folder and tries whether it can be written to, before anything is promised to a sender.
    ///
    /// # Errors
    /// No such folder, not a folder, not writable, no space.
    ///
    /// # Examples
    /// ```
    /// use file_transfer::disk::Folder;
    ///
    /// let dir = tempfile::tempdir()?;
    /// assert!(Folder::open(dir.path()).is_ok());
    /// let error = Folder::open(&dir.path().join("沒有")).unwrap_err();
    /// assert_eq!(error.hint.as_deref(), Some("make the folder first, or choose another with --into"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn open(path: &Path) -> Result<Self, OpError> {
        let failed = |operation, cause: io::Error| {
            let hint = match cause.kind() {
                ErrorKind::NotFound => "make the folder first, or choose another with --into",
                _ => "choose another folder with --into",
            };
            OpError::new(operation, path.display(), cause).with_hint(hint)
        };
        let path = fs::canonicalize(path).map_err(|error| failed("open folder", error))?;
        if !path.is_dir() {
            return Err(failed("open folder", ErrorKind::NotADirectory.into()));
        }
        let folder = Self { path };
        let probe = folder.path.join(format!("{OWN_PREFIX}{}.probe", std::process::id()));
        let written = File::create_new(&probe).and_then(|file| file.sync_all());
        let removed = fs::remove_file(&probe);
        written.and(removed).map_err(|error| failed("write into folder", error))?;
        Ok(folder)
    }

    /// The folder's path, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The part and its journal for an offer; `copy` is 0 for the first that comes.
    pub(super) fn part_paths(&self, offer: &Offer, copy: u32) -> (PathBuf, PathBuf) {
        let mut key = blake3::Hasher::new();
        key.update(&offer.size.to_le_bytes()).update(&offer.modified_ns.to_le_bytes());
        key.update(&copy.to_le_bytes()).update(offer.name.as_bytes());
        // 20 bytes are enough that nobody finds two offers with one name.
        let key: String = key.finalize().as_bytes()[..20].iter().map(|byte| format!("{byte:02x}")).collect();
        let path = |ending| self.path.join(format!("{OWN_PREFIX}{key}.{ending}"));
        (path("part"), path("pieces"))
    }

    /// The file that has this name already and looks like the offered one: same size, same time.
    ///
    /// Only the digest will tell whether it is; a link is never followed.
    pub(super) fn find(&self, name: &FileName, offer: &Offer) -> Option<PathBuf> {
        let path = self.path.join(name.as_str());
        let metadata = fs::symlink_metadata(&path).ok()?;
        let same = metadata.is_file()
            && metadata.len() == offer.size
            && metadata.modified().is_ok_and(|time| super::time::to_ns(time) == offer.modified_ns);
        same.then_some(path)
    }

    /// Gives a whole file its name, or the next free number behind it, and returns the name that it got.
    ///
    /// A second name for the same file (a hard link) fails when the name is taken, by whatever it is, so
    /// nothing is ever replaced or followed; a rename would replace it in silence. What is there already, byte for
    /// byte, is not kept twice.
    // ANCHOR: place
    pub(super) fn place(&self, part: &Path, name: &FileName, size: u64, digest: Digest) -> io::Result<FileName> {
        for number in 1..=NUMBERED_MAX {
            let name = if number == 1 { name.clone() } else { name.numbered(number) };
            let target = self.path.join(name.as_str());
            match fs::hard_link(part, &target) {
                Ok(()) => remove(part),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => match same_contents(&target, size, digest) {
                    true => remove(part),
                    false => continue,
                },
                // FAT and some network folders have no links: hold the name with an empty file, and replace that.
                Err(_) => match File::create_new(&target) {
                    Ok(_) => fs::rename(part, &target).inspect_err(|_| remove(&target))?,
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                    Err(error) => return Err(error),
                },
            }
            self.sync()?;
            return Ok(name);
        }
        Err(io::Error::new(ErrorKind::AlreadyExists, format!("{NUMBERED_MAX} files have this name already")))
    }
    // ANCHOR_END: place

    /// Writes the folder itself to the disk: a file whose name is lost with the power is not in place.
    fn sync(&self) -> io::Result<()> {
        // Windows cannot open a folder as a file, and keeps names in a journal of its own.
        if cfg!(unix) { File::open(&self.path)?.sync_all() } else { Ok(()) }
    }
}

/// Whether a file, and no link, lies there that has these contents.
fn same_contents(path: &Path, size: u64, digest: Digest) -> bool {
    let is_plain = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == size);
    if !is_plain {
        return false;
    }
    let mut hasher = blake3::Hasher::new();
    // Somebody may have written it a moment ago; "complete" means that the disk has it.
    let read = File::open(path).and_then(|file| hasher.update_reader(&file).and_then(|_| file.sync_all()));
    read.is_ok() && *hasher.finalize().as_bytes() == digest.0
}

/// Removes a file of ours; one that is not there needs no removing, and one that stays does no harm.
pub(super) fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        log::debug!("remove {}: {error}", path.display());
    }
}
