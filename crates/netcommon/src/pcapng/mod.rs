//! `--pcapng FILE`: a program's own traffic as packets, which Wireshark opens. Needs no rights.
//!
//! A program sees its socket calls; from them this makes packets again and writes them as a capture. The payload and the
//! times are true, the headers are rebuilt, and the file says so. The call that a packet comes from stands at it as a
//! comment: `frame.comment` in Wireshark.
//!
//! ```text
//! netcommon::net ─▶ narrate::tell ─┬─▶ a line on stderr          --narrate
//!                                  └─▶ Recorder ─▶ packets ─▶ file   --pcapng
//! ```
//! Pure: [`block`] (the format), [`packet`] (headers), [`conversation`] (numbers). Here: who has which address, and the
//! file. Read in this order.

pub mod block;
pub mod conversation;
pub mod packet;
mod recorder;

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use self::recorder::Recorder;
use crate::error::OpError;
use crate::narrate::{Call, Fd, Outcome};

/// What a reader should know about the headers.
const DESCRIPTION: &str = "headers rebuilt from the program's own socket calls; only payload and times are real";

/// The capture of this process. Guards the state of all sockets and the file, so packets are in the order in which
/// they were told; held while one call's packets are written.
static CAPTURE: Mutex<Option<Capture>> = Mutex::new(None);

struct Capture {
    recorder: Recorder,
    file: File,
}

/// Begins the capture of the whole process into a new file at `path`, for a program of this name.
///
/// # Errors
/// When the file cannot be created or written.
pub(crate) fn start(path: &Path, program: &str) -> Result<(), OpError> {
    let failed = |operation, error| OpError::new(operation, path.display(), error);
    let mut file = File::create(path).map_err(|error| failed("create", error))?;
    let mut head = block::section(&format!("{program} {}", env!("CARGO_PKG_VERSION")));
    head.extend(block::interface(program, DESCRIPTION));
    file.write_all(&head).map_err(|error| failed("write", error))?;
    *CAPTURE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Capture { recorder: Recorder::default(), file });
    Ok(())
}

/// The socket `fd` has this address at our end; said before the call that makes use of it.
pub(crate) fn name(fd: Fd, local: SocketAddr) {
    let mut capture = CAPTURE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(capture) = capture.as_mut() {
        capture.recorder.name(fd, local);
    }
}

/// Writes the packets of one socket call. A file that cannot be written ends the capture, with one warning.
pub(crate) fn record(call: &Call<'_>, outcome: &Outcome<'_>) {
    let mut capture = CAPTURE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(Capture { recorder, file }) = capture.as_mut() else { return };
    let packets = recorder.take(call, outcome);
    if packets.is_empty() {
        return;
    }
    let comment = format!("{call} = {outcome}");
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
    let mut blocks = Vec::new();
    for (index, (direction, bytes)) in packets.iter().enumerate() {
        // The call stands at its first packet; the others follow from it.
        let comment = (index == 0).then_some(comment.as_str());
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        blocks.extend(block::packet(nanos, len, bytes, Some(*direction), comment));
    }
    // Whole blocks in one write: after a kill the file ends between two of them.
    if let Err(error) = file.write_all(&blocks) {
        log::warn!("write the capture: {error}; it ends here");
        *capture = None;
    }
}
