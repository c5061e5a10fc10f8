//! The receiver's disk: gathers bytes to pieces, and lets a thread of its own write, hash and sync them.
//!
//! ```text
//! thread of the loop   Store::write ─▶ a piece fills up in memory ─┐          (owns the pieces that fill)
//!                                                                  ▼  at most JOBS_MAX wait
//! thread "disk"        pwrite, hash, journal; sync, link      [ jobs ]        (owns the parts)
//!                      ─▶ verdicts ─▶ Store::verdict                          ended by dropping the store
//! ```
//! A disk may take a second for what the network does in a millisecond; in one thread each would wait for
//! the other. When the disk is slower than the network, jobs fill up and the loop waits after all: nothing
//! grows without bound. Read `part.rs` before.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use netcommon::error::OpError;

use super::folder::Folder;
use super::name::FileName;
use super::part::{End, Part};
use super::tree::{PIECE_LEN, piece_range};
use crate::file::{Answer, Digest, FileId, Offer, Refusal, Store, Verdict};

/// Pieces in memory, for all files together: 20 MiB. A file whose piece finds no room is written bit by bit.
const BUFFERS_MAX: usize = 80;

/// Jobs that may wait for the disk.
const JOBS_MAX: usize = 64;

/// Memory for one piece; goes round between the two threads.
type Buffer = Box<[u8]>;

/// Something for the disk to do.
#[derive(Debug)]
enum Job {
    Begin(FileId, Box<Part>),
    /// A whole piece, the first `len` bytes of the buffer.
    Piece {
        file: FileId,
        piece: u64,
        buffer: Buffer,
        len: usize,
    },
    Bytes {
        file: FileId,
        offset: u64,
        bytes: Vec<u8>,
    },
    /// All bytes of this piece have been written bit by bit.
    Written {
        file: FileId,
        piece: u64,
    },
    Finish(FileId, Digest),
    Abandon(FileId),
}

/// Something that the disk says. At most two of them for each file, so their queue needs no bound of its own.
#[derive(Debug)]
enum Told {
    Failed(FileId, Refusal),
    Ended(FileId, Verdict),
}

/// Files into one folder.
///
/// # Examples
/// ```
/// use file_transfer::disk::DiskStore;
/// use file_transfer::file::{Answer, Digest, FileId, Offer, Session, Store, Verdict};
///
/// let dir = tempfile::tempdir()?;
/// let mut store = DiskStore::open(dir.path())?;
/// let file = FileId { session: Session(7), index: 0 };
/// let offer = Offer { name: "問候.txt".to_owned(), size: 6, modified_ns: 0 };
/// assert_eq!(store.offer(file, &offer, false), Answer::Send { from: 0 });
/// store.write(file, 3, "好".as_bytes(), 0).unwrap();
/// store.write(file, 0, "你".as_bytes(), 6).unwrap();
/// store.finish(file, Digest(*blake3::hash("你好".as_bytes()).as_bytes()));
/// let verdict = std::iter::from_fn(|| Some(store.verdict())).flatten().next();
/// assert_eq!(verdict, Some((file, Verdict::Complete)));
/// assert_eq!(std::fs::read_to_string(dir.path().join("問候.txt"))?, "你好");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DiskStore {
    folder: Folder,
    /// `None` while the store is dropped.
    jobs: Option<Sender<Job>>,
    told: Receiver<Told>,
    files: HashMap<FileId, Filling>,
    spare: Receiver<Buffer>,
    /// How many buffers may still be made.
    buffers_left: usize,
    /// Verdicts that were taken out of `told` while looking for failures.
    verdicts: Vec<(FileId, Verdict)>,
    worker: Option<JoinHandle<()>>,
}

/// A file whose bytes are coming.
#[derive(Debug)]
struct Filling {
    size: u64,
    /// Pieces of which something is there, by their number.
    pieces: BTreeMap<u64, Piece>,
    /// What the disk said against it.
    failed: Option<Refusal>,
}

#[derive(Debug)]
struct Piece {
    /// `None` when there was no room: then its bytes go to the disk one by one.
    buffer: Option<Buffer>,
    filled: usize,
}

impl DiskStore {
    /// A store into the folder at `path`, with its thread.
    ///
    /// # Errors
    /// The folder is not there or not writable, or the system gives no thread.
    pub fn open(path: &Path) -> Result<Self, OpError> {
        let folder = Folder::open(path)?;
        let (jobs, todo) = bounded(JOBS_MAX);
        let (say, told) = unbounded();
        let (give_back, spare) = bounded(BUFFERS_MAX);
        let worker = Builder::new().name("disk".to_owned()).spawn(move || work(&todo, &say, &give_back));
        let worker = worker.map_err(|error| OpError::new("start thread", "disk", error))?;
        Ok(Self {
            folder,
            jobs: Some(jobs),
            told,
            files: HashMap::new(),
            spare,
            buffers_left: BUFFERS_MAX,
            verdicts: Vec::new(),
            worker: Some(worker),
        })
    }

    fn do_soon(&self, job: Job) {
        // Fails only when the thread has panicked; then every file ends without a verdict, and that was printed.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
        }
    }

    /// Reads what the disk has said.
    fn listen(&mut self) {
        for told in self.told.try_iter() {
            match told {
                Told::Failed(file, refusal) => {
                    if let Some(filling) = self.files.get_mut(&file) {
                        filling.failed = Some(refusal);
                    }
                }
                Told::Ended(file, verdict) => self.verdicts.push((file, verdict)),
            }
        }
    }

    /// Memory for a piece, unless there is no room for more.
    fn buffer(&mut self) -> Option<Buffer> {
        self.spare.try_recv().ok().or_else(|| {
            self.buffers_left = self.buffers_left.checked_sub(1)?;
            Some(vec![0; PIECE_LEN as usize].into())
        })
    }

    /// Puts bytes of one piece where they belong, and hands the piece over when it is whole.
    fn fill(&mut self, file: FileId, piece: u64, offset: u64, bytes: &[u8]) {
        let Some(filling) = self.files.get_mut(&file) else { return };
        let range = piece_range(piece, filling.size);
        let len = (range.end - range.start) as usize;
        let begun = filling.pieces.remove(&piece);
        let mut begun = begun.unwrap_or_else(|| Piece { buffer: self.buffer(), filled: 0 });
        match &mut begun.buffer {
            Some(buffer) => {
                let start = (offset - range.start) as usize;
                buffer[start..start + bytes.len()].copy_from_slice(bytes);
            }
            None => self.do_soon(Job::Bytes { file, offset, bytes: bytes.to_vec() }),
        }
        begun.filled += bytes.len();
        match (begun.filled == len, begun.buffer) {
            (true, Some(buffer)) => self.do_soon(Job::Piece { file, piece, buffer, len }),
            (true, None) => self.do_soon(Job::Written { file, piece }),
            (false, buffer) => {
                if let Some(filling) = self.files.get_mut(&file) {
                    filling.pieces.insert(piece, Piece { buffer, filled: begun.filled });
                }
            }
        }
    }
}

impl Store for DiskStore {
    fn offer(&mut self, file: FileId, offer: &Offer, afresh: bool) -> Answer {
        let opened =
            FileName::parse(offer.name.as_bytes()).map_err(|error| Refusal::new(error.to_string())).and_then(|name| {
                let shown = name.to_string();
                Part::open(&self.folder, name, offer, afresh).map_err(|error| disk_refusal(&shown, &error))
            });
        match opened {
            Ok((part, from)) => {
                self.do_soon(Job::Begin(file, Box::new(part)));
                self.files.insert(file, Filling { size: offer.size, pieces: BTreeMap::new(), failed: None });
                Answer::Send { from }
            }
            Err(refusal) => Answer::Refuse(refusal),
        }
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &[u8], _whole: u64) -> Result<(), Refusal> {
        self.listen();
        if let Some(refusal) = self.files.get(&file).and_then(|filling| filling.failed.clone()) {
            return Err(refusal);
        }
        let (mut offset, mut bytes) = (offset, bytes);
        while !bytes.is_empty() {
            let piece = offset / PIECE_LEN;
            let room = ((piece + 1) * PIECE_LEN - offset) as usize;
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.fill(file, piece, offset, now);
            offset += now.len() as u64;
            bytes = later;
        }
        Ok(())
    }

    fn finish(&mut self, file: FileId, digest: Digest) {
        self.do_soon(Job::Finish(file, digest));
        self.files.remove(&file);
    }

    fn verdict(&mut self) -> Option<(FileId, Verdict)> {
        self.listen();
        self.verdicts.pop()
    }

    fn abandon(&mut self, file: FileId) {
        if let Some(filling) = self.files.remove(&file) {
            let unused = filling.pieces.into_values().filter_map(|piece| piece.buffer);
            self.buffers_left += unused.count();
        }
        self.do_soon(Job::Abandon(file));
    }
}

impl Drop for DiskStore {
    /// Lets the disk do what was handed over, and ends its thread.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(worker) = self.worker.take() {
            // A panic has been printed by the panic hook; there is nothing to add.
            let _ = worker.join();
        }
    }
}

fn disk_refusal(name: &str, error: &io::Error) -> Refusal {
    Refusal::new(format!("write {name}: {error}"))
}

/// The thread "disk".
fn work(todo: &Receiver<Job>, say: &Sender<Told>, give_back: &Sender<Buffer>) {
    // A file that failed stays here without its part, so that what still comes for it is passed over.
    let mut parts: HashMap<FileId, Result<Part, Refusal>> = HashMap::new();
    for job in todo {
        let (file, done) = match job {
            Job::Begin(file, part) => {
                parts.insert(file, Ok(*part));
                continue;
            }
            Job::Piece { file, piece, buffer, len } => {
                let done = on(&mut parts, file, |part| {
                    part.write(piece * PIECE_LEN, &buffer[..len])?;
                    part.add_piece(piece, &buffer[..len])
                });
                // There is room for every buffer that was ever made.
                let _ = give_back.try_send(buffer);
                (file, done)
            }
            Job::Bytes { file, offset, bytes } => (file, on(&mut parts, file, |part| part.write(offset, &bytes))),
            Job::Written { file, piece } => (file, on(&mut parts, file, |part| part.add_written_piece(piece))),
            Job::Finish(file, digest) => {
                if let Some(part) = parts.remove(&file) {
                    let _ = say.send(Told::Ended(file, end(part, digest)));
                }
                continue;
            }
            Job::Abandon(file) => {
                if let Some(Ok(part)) = parts.remove(&file) {
                    part.keep();
                }
                continue;
            }
        };
        if let Err(refusal) = done {
            if let Some(Ok(part)) = parts.insert(file, Err(refusal.clone())) {
                part.keep();
            }
            let _ = say.send(Told::Failed(file, refusal));
        }
    }
    // Nobody is left to give them up.
    parts.into_values().filter_map(Result::ok).for_each(Part::keep);
}

/// Does something with a part that is still all right.
fn on(
    parts: &mut HashMap<FileId, Result<Part, Refusal>>,
    file: FileId,
    job: impl FnOnce(&mut Part) -> io::Result<()>,
) -> Result<(), Refusal> {
    let Some(Ok(part)) = parts.get_mut(&file) else { return Ok(()) };
    job(part).map_err(|error| disk_refusal(part.name().as_str(), &error))
}

fn end(part: Result<Part, Refusal>, digest: Digest) -> Verdict {
    let part = match part {
        Ok(part) => part,
        Err(refusal) => return Verdict::Refused(refusal),
    };
    let name = part.name().clone();
    match part.finish(digest) {
        Ok(End::Placed(placed)) => {
            if placed != name {
                log::warn!("there was a file {name} already; the new one is {placed}");
            }
            Verdict::Complete
        }
        Ok(End::Differs) => Verdict::Differs,
        Err(error) => Verdict::Refused(disk_refusal(name.as_str(), &error)),
    }
}
