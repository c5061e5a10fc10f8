//! A server's lines on stdout, which never make a client wait.
//!
//! ```text
//! handler threads ──line()──▶ [ bytes that wait, at most 256 KiB ] ──▶ thread `console` ──▶ stdout
//! ```
//!
//! A line that is written by the thread that serves a client costs that client a system call, and a
//! terminal that somebody has stopped with Ctrl-S would stop the service. So lines are queued, and one
//! thread writes what has gathered: the first at once, then all that came within 20 ms together.
//! When the reader of stdout is too slow, lines are left out and counted, never waited for.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Bytes that may wait for stdout: some thousand lines, and nothing beside a connection's own memory.
const WAITING_MAX: usize = 256 * 1024;

/// How long lines gather before the next write: shorter than anyone can see, long enough that a
/// thousand clients' lines cost one system call.
const BATCH: Duration = Duration::from_millis(20);

/// How long [`Console::finish`] waits for a stdout that nobody reads.
const FINISH_MAX: Duration = Duration::from_secs(1);

/// The way to stdout for many threads: cheap to clone, never blocks.
///
/// # Examples
/// ```
/// use netcommon::console::Console;
///
/// let console = Console::start(|| {})?;
/// let lines = console.lines();
/// lines.line(format_args!("Server listening on {}", "127.0.0.1:8888"));
/// console.finish();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lines {
    shared: Arc<Shared>,
}

impl Lines {
    /// Queues one line; never blocks. When too much waits already the line is left out and counted.
    pub fn line(&self, line: fmt::Arguments<'_>) {
        let mut queue = self.shared.lock();
        if queue.closed || queue.bytes.len() > WAITING_MAX {
            queue.left_out += 1;
            return;
        }
        // Writing to a Vec cannot fail; a Display that reports an error only shortens its line.
        let _ = writeln!(queue.bytes, "{line}");
        if queue.writer_waits {
            queue.writer_waits = false;
            self.shared.changed.notify_all();
        }
    }
}

/// Owns the thread that writes; dropped or finished, it writes what still waits.
#[derive(Debug)]
pub struct Console {
    lines: Lines,
    writer: JoinHandle<()>,
}

impl Console {
    /// Starts the thread `console`; `on_closed` runs once on it if stdout cannot be written to any more.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(on_closed: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        Self::start_on(io::stdout(), on_closed)
    }

    /// As [`Console::start`], writing to something else than stdout, such as `io::sink()` in a test.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start_on(out: impl Write + Send + 'static, on_closed: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let lines = Lines { shared: Arc::clone(&shared) };
        let writer = Builder::new().name("console".to_owned()).spawn(move || {
            if shared.write_all_lines(out).is_err() {
                shared.lock().closed = true;
                on_closed();
            }
            shared.lock().written = true;
            shared.changed.notify_all();
        })?;
        Ok(Self { lines, writer })
    }

    /// A handle for one more thread.
    #[must_use]
    pub fn lines(&self) -> Lines {
        self.lines.clone()
    }

    /// Writes what waits and ends the thread. Blocks until then, or for a second when nobody reads
    /// stdout: a blocked write(2) cannot be ended from outside, so that thread is left to the exit.
    pub fn finish(self) {
        let shared = &self.lines.shared;
        let deadline = Instant::now() + FINISH_MAX;
        let mut queue = shared.lock();
        queue.finishing = true;
        shared.changed.notify_all();
        while !queue.written {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            queue = shared.wait(queue, left);
        }
        drop(queue);
        // A panic of the writer has been printed by the panic hook; there is nothing to add.
        let _ = self.writer.join();
    }
}

#[derive(Debug, Default)]
struct Shared {
    /// Guards the queue; nothing blocks while it is held.
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    left_out: u64,
    /// The writer has nothing to do and wants to be told of the next line.
    writer_waits: bool,
    /// [`Console::finish`] was called.
    finishing: bool,
    /// Stdout is gone.
    closed: bool,
    /// The writer has ended.
    written: bool,
}

impl Shared {
    /// The thread's loop: write what is there, let lines gather for [`BATCH`], begin again.
    fn write_all_lines(&self, mut out: impl Write) -> io::Result<()> {
        let mut writing = Vec::new();
        loop {
            let (left_out, last) = self.take(&mut writing);
            if left_out > 0 {
                writeln!(writing, "({left_out} lines not shown: stdout is too slow)")?;
            }
            out.write_all(&writing)?;
            out.flush()?;
            writing.clear();
            if last {
                return Ok(());
            }
            let queue = self.lock();
            if !queue.finishing {
                drop(self.wait(queue, BATCH));
            }
        }
    }

    /// Blocks until a line waits or the end is asked for, then swaps the queue's bytes for an empty buffer.
    fn take(&self, into: &mut Vec<u8>) -> (u64, bool) {
        let mut queue = self.lock();
        while queue.bytes.is_empty() && !queue.finishing {
            queue.writer_waits = true;
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.writer_waits = false;
        std::mem::swap(&mut queue.bytes, into);
        (std::mem::take(&mut queue.left_out), queue.finishing)
    }

    /// A thread that panicked while it held the lock has at worst left half a line: go on.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, queue: MutexGuard<'a, Queue>, at_most: Duration) -> MutexGuard<'a, Queue> {
        self.changed.wait_timeout(queue, at_most).unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A stdout that takes a write only when the test allows it.
    struct Slow {
        allowed: mpsc::Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.allowed.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Slow, mpsc::Sender<()>, Arc<Mutex<Vec<u8>>>) {
        let (allow, allowed) = mpsc::channel();
        let written = Arc::default();
        (Slow { allowed, written: Arc::clone(&written) }, allow, written)
    }

    #[test]
    fn lines_come_out_whole_and_in_order() {
        let (out, allow, written) = slow();
        let console = Console::start_on(out, || {}).unwrap();
        for number in 0..100 {
            console.lines().line(format_args!("line {number}"));
        }
        (0..100).for_each(|_| allow.send(()).unwrap());
        console.finish();
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let want: String = (0..100).map(|number| format!("line {number}\n")).collect();
        assert_eq!(text, want);
    }

    #[test]
    fn a_stuck_stdout_costs_lines_and_never_memory_or_time() {
        let (out, allow, written) = slow();
        let console = Console::start_on(out, || {}).unwrap();
        let line = "字".repeat(1000);
        for _ in 0..10_000 {
            console.lines().line(format_args!("{line}"));
        }
        assert!(console.lines.shared.lock().bytes.len() <= WAITING_MAX + line.len() + 1);
        (0..3).for_each(|_| allow.send(()).unwrap());
        console.finish();
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        assert!(text.ends_with("lines not shown: stdout is too slow)\n"), "{}", &text[text.len() - 100..]);
    }

    #[test]
    fn a_closed_stdout_is_reported_once() {
        let (out, allow, _) = slow();
        drop(allow);
        let (closed, was_closed) = mpsc::channel();
        let console = Console::start_on(out, move || closed.send(()).unwrap()).unwrap();
        console.lines().line(format_args!("nobody reads this"));
        was_closed.recv_timeout(Duration::from_secs(10)).unwrap();
        console.lines().line(format_args!("nor this"));
        console.finish();
        assert!(was_closed.try_recv().is_err());
    }
}
