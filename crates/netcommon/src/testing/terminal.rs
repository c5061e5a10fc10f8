//! A program at a terminal that the test plays: keys go in, and all that the terminal is told comes out.
//!
//! The terminal is a pseudo-terminal, pty(7): the program thinks that a person sits there, and the system
//! echoes the keys and turns Ctrl-C into a signal. Every wait has a deadline. Chapter 8's tests put a screen
//! with cells behind it.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::Child;
use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, unbounded};
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

use super::DEADLINE;

/// A program at a terminal.
///
/// # Examples
/// ```no_run
/// use netcommon::testing::Terminal;
///
/// let mut terminal = Terminal::start("target/debug/udp-client", &[]);
/// terminal.wait_for("exit): ");
/// terminal.press("quit\r");
/// assert_eq!(terminal.end().0, Some(0));
/// ```
pub struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    output: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Terminal {
    /// Starts `exe` with `args`; all three streams are a terminal of 80 columns that knows no escape sequences.
    #[must_use]
    pub fn start(exe: &str, args: &[&str]) -> Self {
        Self::start_with(exe, args, (24, 80), &[("TERM", "dumb")])
    }

    /// As [`Terminal::start`], with rows and columns, and with more variables in its environment.
    #[must_use]
    pub fn start_with(exe: &str, args: &[&str], (rows, columns): (u16, u16), variables: &[(&str, &str)]) -> Self {
        let (pty, pts) = open().expect("the system has a pseudo-terminal");
        pty.resize(Size::new(rows, columns)).expect("a terminal has a size");
        let command = Command::new(exe).args(args).env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
        let command = command.env_remove("LANGUAGE").envs(variables.iter().copied());
        let child = command.spawn(pts).unwrap_or_else(|error| panic!("start {exe}: {error}"));
        let pty = Arc::new(pty);
        let (sender, output) = unbounded();
        let reader = Arc::clone(&pty);
        let read = move || {
            let mut buf = [0; 4096];
            // EIO is how Linux says that nobody has the terminal open any more.
            while let Ok(len @ 1..) = (&*reader).read(&mut buf) {
                if sender.send(buf[..len].to_vec()).is_err() {
                    return;
                }
            }
        };
        drop(Builder::new().name("terminal".to_owned()).spawn(read).expect("a test may start a thread"));
        Self { pty, child, output, seen: Vec::new() }
    }

    /// Presses keys: `\r` is Enter, `\x04` Ctrl-D, `\x03` Ctrl-C.
    pub fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).expect("the terminal takes a few keys");
    }

    /// Waits until all that was shown so far ends with `text`.
    pub fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while !self.shown().ends_with(text) {
            assert!(self.take(deadline), "{text:?} does not come; the terminal shows:\n{}", self.shown());
        }
    }

    /// All that was shown so far, with plain line ends.
    #[must_use]
    pub fn shown(&self) -> String {
        // macOS shows Ctrl-D and goes back over it.
        String::from_utf8_lossy(&self.seen).replace("\r\n", "\n").replace("^D\u{8}\u{8}", "")
    }

    /// All bytes that were written so far.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        &self.seen
    }

    /// Waits for the program's end; its exit code, and all that was shown.
    pub fn end(&mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                // What it wrote last may still be on its way; the terminal ends when nobody has it open.
                while self.take(deadline) {}
                return (status.code(), self.shown());
            }
            assert!(Instant::now() < deadline, "still running; the terminal shows:\n{}", self.shown());
            self.take(Instant::now() + Duration::from_millis(10));
        }
    }

    /// Takes what comes next; `false` when nothing came until then, or nothing will.
    pub fn take(&mut self, until: Instant) -> bool {
        let Ok(bytes) = self.output.recv_deadline(until) else { return false };
        self.seen.extend(bytes);
        true
    }
}

impl AsFd for Terminal {
    /// For what only the terminal can be asked, tcgetattr(3).
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pty.as_fd()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already in most tests; then both calls fail, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
