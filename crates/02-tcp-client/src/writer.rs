//! The thread that writes, so that a full send buffer keeps nobody else waiting.
//!
//! ```text
//! thread "main"  ── bytes ───▶  thread "writer": owns the write, waits for bytes and in send
//!                ◀─ its result ─   ends with `finish`; Shutdown::Both ends a blocked write
//! ```
//!
//! A write blocks while the server does not read, and a server does not read while it waits for *us* to take
//! its answers. A client that writes and reads on one thread then waits for ever, and the server with it.
//! Read `sending.rs` before and `session.rs` next. Source: UNP section 6.2 (blocking in the wrong call).

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use netcommon::net::TcpStream;

use crate::sending::Manner;

/// The way out to the server: takes one write at a time.
#[derive(Debug)]
pub(crate) struct Writer {
    wires: Sender<Vec<u8>>,
    written: Receiver<io::Result<()>>,
    thread: JoinHandle<()>,
    manner: Manner,
    is_busy: bool,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(stream: Arc<TcpStream>, manner: Manner) -> io::Result<Self> {
        // One write is under way at most, so neither end of either channel ever waits for room.
        let (wires, to_write) = bounded::<Vec<u8>>(1);
        let (results, written) = bounded(1);
        let thread = Builder::new().name("writer".to_owned()).spawn(move || {
            for wire in to_write {
                if results.send(manner.write(&mut &*stream, &wire)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { wires, written, thread, manner, is_busy: false })
    }

    /// Whether a write is under way; then the next one has to wait for its result.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Whether a write is under way that takes its time on purpose: no reason to lose patience.
    pub(crate) fn is_pausing(&self) -> bool {
        self.is_busy && self.manner != Manner::Whole
    }

    /// Begins to write `wire`. Does not block.
    pub(crate) fn begin(&mut self, wire: Vec<u8>) {
        debug_assert!(!self.is_busy, "one write at a time");
        self.is_busy = true;
        self.wires.send(wire).expect("the thread takes bytes until `finish`");
    }

    /// Delivers the result of the write that is under way.
    pub(crate) fn written(&self) -> &Receiver<io::Result<()>> {
        &self.written
    }

    /// The result has come: the next write may begin.
    pub(crate) fn end(&mut self) {
        self.is_busy = false;
    }

    /// Ends the thread, and tells of a write whose result nobody has taken. Blocks as long as that write does.
    pub(crate) fn finish(self) -> io::Result<()> {
        drop(self.wires);
        self.thread.join().expect("the writing thread does not panic");
        self.written.try_recv().unwrap_or(Ok(()))
    }
}
