//! What became of every datagram, as a file of lines, and as the picture that every textbook prints.
//!
//! ```text
//!  {"at_ms":12.4,"fate":"sent","number":31,"file":0,"offset":37200,"len":1200,"again":false}
//!  {"at_ms":22.9,"fate":"arrived","number":31}
//!  {"at_ms":23.1,"fate":"lost","number":30}
//!  {"at_ms":23.1,"fate":"window","cwnd":120000,"in_flight":98400,"pacing_rate":11800000,"srtt_ms":10.3}
//! ```
//! Bytes over time say more than any table: a slope is a rate, a cross is a loss, a plus behind and below the
//! others is what was sent again. Read `crate::report` (`Fate`) before, then `figure.rs`.

mod draw;
mod figure;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use netcommon::error::OpError;
use serde::{Deserialize, Serialize};

pub use draw::{DrawError, draw};

use crate::report::Fate;

/// One line of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Line {
    /// Since the session began.
    at_ms: f64,
    #[serde(flatten)]
    what: What,
}

/// [`Fate`] as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fate", rename_all = "kebab-case")]
enum What {
    Sent { number: u64, file: u32, offset: u64, len: u64, again: bool },
    Arrived { number: u64 },
    Lost { number: u64 },
    Window { cwnd: u64, in_flight: u64, pacing_rate: u64, srtt_ms: f64 },
}

impl From<&Fate> for What {
    fn from(fate: &Fate) -> Self {
        match *fate {
            Fate::Sent { number, index, offset, len, again } => {
                Self::Sent { number, file: index, offset, len: len as u64, again }
            }
            Fate::Arrived { number } => Self::Arrived { number },
            Fate::Lost { number } => Self::Lost { number },
            Fate::Window { cwnd, in_flight, pacing_rate, srtt } => {
                Self::Window { cwnd, in_flight, pacing_rate, srtt_ms: srtt.as_secs_f64() * 1000.0 }
            }
        }
    }
}

/// Writes a trace. A disk that fails ends the trace and not the transfer.
#[derive(Debug)]
pub struct Trace {
    name: String,
    /// `None` once it has failed.
    file: Option<BufWriter<File>>,
}

impl Trace {
    /// A new file at `path`; an old one there is replaced, because its name was given for that.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(path: &Path) -> Result<Self, OpError> {
        let name = path.display().to_string();
        let file = File::create(path).map_err(|error| OpError::new("write trace to", &name, error))?;
        Ok(Self { name, file: Some(BufWriter::new(file)) })
    }

    /// Adds one line.
    pub fn add(&mut self, at: Duration, fate: &Fate) {
        let line = Line { at_ms: at.as_secs_f64() * 1000.0, what: fate.into() };
        let Some(file) = &mut self.file else { return };
        let written = serde_json::to_writer(&mut *file, &line).map_err(io::Error::from);
        if let Err(error) = written.and_then(|()| file.write_all(b"\n")) {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &io::Error) {
        log::warn!("write trace to {}: {error}; it ends here", self.name);
        self.file = None;
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.file.as_mut().map(Write::flush) {
            self.give_up(&error);
        }
    }
}

#[cfg(test)]
mod tests;
