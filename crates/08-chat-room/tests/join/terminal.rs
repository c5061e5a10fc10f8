//! A terminal that the test plays: keys go in, and what a person would see comes out.
//!
//! The program sits at a pseudo-terminal, so it behaves as with a person; what it writes goes through a
//! terminal emulator (the crate vt100), so the test looks at cells and not at escape sequences.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use netcommon::testing::DEADLINE;
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::termios::{LocalModes, tcgetattr};

const CHAT_ROOM: &str = env!("CARGO_BIN_EXE_chat-room");
pub(crate) const ROWS: u16 = 24;
pub(crate) const COLS: u16 = 60;

/// The program at its terminal.
pub(crate) struct Terminal {
    pty: Arc<Pty>,
    child: Child,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// All bytes that were written, for what a screen does not show: the bell.
    pub(crate) written: Vec<u8>,
}

impl Terminal {
    /// Starts `chat-room join` with `args`.
    pub(crate) fn join(args: &[&str]) -> Self {
        Self::join_with(args, &[])
    }

    /// Starts it with more variables in its environment.
    pub(crate) fn join_with(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(ROWS, COLS)).unwrap();
        let command = Command::new(CHAT_ROOM).arg("join").args(args).env("TERM", "xterm-256color");
        let command = command.env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR").env_remove("LANGUAGE");
        let child = command.envs(variables.iter().copied()).spawn(pts).unwrap();
        let pty = Arc::new(pty);
        let (sender, output) = channel();
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
        drop(Builder::new().name("terminal".to_owned()).spawn(read).unwrap());
        let size = |number| NonZeroU16::new(number).unwrap();
        let screen = vt100::Parser::new(size(ROWS), size(COLS), 1000);
        Self { pty, child, output, screen, written: Vec::new() }
    }

    /// Presses keys; `\r` is Enter, `\x04` Ctrl-D, `\x1b[A` the arrow up.
    pub(crate) fn press(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until what the terminal shows satisfies `wanted`.
    pub(crate) fn wait_until(&mut self, what: &str, mut wanted: impl FnMut(&str) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !wanted(&self.shown()) {
            if !self.take(deadline) {
                panic!(
                    "{what} does not happen; the terminal shows:\n{}\n---\n{:?}",
                    self.shown(),
                    self.child.try_wait()
                );
            }
        }
    }

    /// Waits until `text` stands somewhere.
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait_until(&format!("{text:?}"), |shown| shown.contains(text));
    }

    /// Waits until the line with the prompt is exactly this, from its `> `.
    pub(crate) fn wait_for_prompt(&mut self, line: &str) {
        let want = format!("> {line}");
        self.wait_until(&format!("the prompt {want:?}"), |shown| {
            shown.lines().last().map(str::trim_end) == Some(want.trim_end())
        });
    }

    /// The whole screen as text.
    pub(crate) fn shown(&self) -> String {
        self.screen.screen().contents().trim_end_matches('\n').to_owned()
    }

    /// The column of the cursor.
    pub(crate) fn cursor_column(&self) -> u16 {
        self.screen.screen().cursor_position().1
    }

    /// Waits for the program's end and returns its exit code, with all that it wrote on the screen.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it wrote last may still be on its way; the terminal ends when nobody has it open.
                while self.take(deadline) {}
                return status.code();
            }
            assert!(Instant::now() < deadline, "still running; the terminal shows:\n{}", self.shown());
            self.take(Instant::now() + Duration::from_millis(10));
        }
    }

    /// Whether the terminal is as a shell wants it: lines are edited and shown by the system, pastes are plain.
    pub(crate) fn is_as_before(&self) -> bool {
        let modes = tcgetattr(&*self.pty).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
            && !self.screen.screen().bracketed_paste()
    }

    /// Takes what the program has written next; `false` when nothing came until then.
    fn take(&mut self, until: Instant) -> bool {
        let Ok(bytes) = self.output.recv_timeout(until.saturating_duration_since(Instant::now())) else { return false };
        self.screen.process(&bytes);
        self.written.extend(bytes);
        true
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already in most tests; then both calls fail, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
