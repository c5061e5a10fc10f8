//! The log of `--log FILE`: a heading, then one line of JSON for each datagram or piece.
//!
//! Written by the thread that moves the traffic, in blocks, and flushed whenever that thread is about to
//! wait: a reader of the file is never behind, and a busy network pays one write(2) for many lines. Read
//! `record.rs` before.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use netcommon::error::OpError;
use serde::Serialize;

use crate::record::Heading;

/// A log, or none.
#[derive(Debug, Default)]
pub struct Log(Option<Open>);

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: BufWriter<File>,
    /// Something was written since the last flush.
    changed: bool,
}

impl Log {
    /// Makes the file, or empties it, and writes the heading.
    ///
    /// # Errors
    /// What the system says about the file.
    pub fn create(path: &Path, heading: &Heading) -> Result<Self, OpError> {
        let file = File::create(path).map_err(|error| OpError::new("create", path.display(), error))?;
        let mut log = Self(Some(Open { path: path.to_owned(), file: BufWriter::new(file), changed: false }));
        log.write(heading)?;
        log.flush()?;
        Ok(log)
    }

    /// Whether there is a log: otherwise records need not be made.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Writes one line; may block as files do.
    ///
    /// # Errors
    /// A full disk, among others: a run whose log has holes could not be replayed.
    pub fn write(&mut self, line: &impl Serialize) -> Result<(), OpError> {
        self.with(|file| {
            serde_json::to_writer(&mut *file, line)?;
            file.write_all(b"\n")
        })
    }

    /// Brings what was written to the file.
    ///
    /// # Errors
    /// As [`Log::write`].
    pub fn flush(&mut self) -> Result<(), OpError> {
        if self.0.as_ref().is_some_and(|open| open.changed) {
            self.with(BufWriter::flush)?;
            if let Some(open) = &mut self.0 {
                open.changed = false;
            }
        }
        Ok(())
    }

    fn with(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), OpError> {
        let Some(open) = &mut self.0 else { return Ok(()) };
        open.changed = true;
        write(&mut open.file).map_err(|error| OpError::new("write to", open.path.display(), error))
    }
}
