//! A narration into a file: lines are written together, a moment later.
//!
//! ```text
//! any thread ── line ──▶ [ lines that wait ] ──▶ thread "narration", 20 ms later ──▶ the file
//! ```
//! `write(2)` into a file costs more than making the line that it writes. On a terminal or in a pipe each line goes out
//! at its call all the same: somebody may be watching, and between the program's own lines is its place. Nobody
//! watches a file that closely. No line is left out; a program that is killed loses its last 20 ms. Read `mod.rs` before.

use std::io::{self, Write};
use std::mem;
use std::panic;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// How long lines gather: shorter than anyone can see, long enough for thousands of them.
const BATCH: Duration = Duration::from_millis(20);

/// With so many bytes a thread writes them itself and waits for the file: memory is bounded, and nothing gets lost.
const FULL: usize = 256 * 1024;

/// Lines on their way to stderr; none before [`start`].
static GATHERED: OnceLock<Gathered> = OnceLock::new();

#[derive(Debug, Default)]
struct Gathered {
    /// Guards the lines that wait; held while they are written, so that they keep their order.
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// The thread "narration", until [`finish`] joins it.
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// The writer has nothing to do and wants to be told of the next line.
    writer_sleeps: bool,
    /// Lines are not gathered any more.
    ended: bool,
}

/// Gathers lines from now on; where the system gives no thread, each is written at its call.
pub(super) fn start() {
    if GATHERED.get().is_some() {
        return;
    }
    let gathered = GATHERED.get_or_init(Gathered::default);
    match Builder::new().name("narration".to_owned()).spawn(|| gathered.write_on()) {
        Ok(writer) => *lock(&gathered.writer) = Some(writer),
        Err(_) => lock(&gathered.waiting).ended = true,
    }
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        lock(&gathered.waiting).write();
        hook(panic);
    }));
}

/// Takes a line; `false` when lines are not gathered.
pub(super) fn add(line: &[u8]) -> bool {
    let Some(gathered) = GATHERED.get() else { return false };
    let mut waiting = lock(&gathered.waiting);
    if waiting.ended {
        return false;
    }
    waiting.bytes.extend_from_slice(line);
    if waiting.bytes.len() >= FULL {
        waiting.write();
    } else if mem::take(&mut waiting.writer_sleeps) {
        gathered.changed.notify_one();
    }
    true
}

/// Writes what still waits and ends the thread; later lines are written at their calls. Blocks as long as the file does.
pub(super) fn finish() {
    let Some(gathered) = GATHERED.get() else { return };
    lock(&gathered.waiting).ended = true;
    gathered.changed.notify_one();
    // A panic of the writer has been printed by the panic hook; there is nothing to add.
    let _ = lock(&gathered.writer).take().map(JoinHandle::join);
}

impl Gathered {
    /// The thread's loop: waits for a line, lets others gather, writes all.
    fn write_on(&self) {
        let mut waiting = lock(&self.waiting);
        while !waiting.ended {
            if waiting.bytes.is_empty() {
                waiting.writer_sleeps = true;
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let gather = self.changed.wait_timeout_while(waiting, BATCH, |waiting| !waiting.ended);
            waiting = gather.unwrap_or_else(PoisonError::into_inner).0;
            waiting.write();
        }
        waiting.write();
    }
}

impl Waiting {
    fn write(&mut self) {
        // A closed stderr is no reason to stop.
        let _ = io::stderr().write_all(&self.bytes);
        self.bytes.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
