//! Where the person sits: a prompt on a terminal, or plain lines from a pipe.
//!
//! ```text
//! thread "input"   waits for a line on stdin   plain only; ends with the input. A blocked read cannot be woken
//!                                              on every system: the process's end takes it
//! ```
//! Both kinds give what was typed and take what is to be shown; `session.rs` does not care which it has.
//! Read `editor.rs` for the prompt and its threads.

use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, bounded};
use netcommon::cli::{StdoutError, print_line};

use super::editor::Editor;
use super::roster::Roster;

/// What comes from the keyboard. The end of the channel is the end of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// A line, without its end; or several, if they were pasted.
    Line(Vec<u8>),
    /// Tab found more than one thing.
    Choices(Vec<String>),
    /// Ctrl-D.
    End,
    /// Ctrl-C.
    Interrupt,
}

/// Lines that were read from a pipe and not yet said.
const WAITING_MAX: usize = 16;

/// Where the person, or the script, sits.
#[derive(Debug)]
pub enum Desk {
    /// A person at a terminal.
    Terminal(Editor),
    /// Lines in, lines out.
    Plain(Receiver<Typed>),
}

impl Desk {
    /// A prompt where there is a terminal, plain lines where there is none or `plain` is asked for.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn open(plain: bool, roster: &Arc<Mutex<Roster>>) -> io::Result<Self> {
        if !plain && let Some(editor) = Editor::start(roster)? {
            return Ok(Self::Terminal(editor));
        }
        let (sender, lines) = bounded(WAITING_MAX);
        // Not joined: see this file's header.
        drop(Builder::new().name("input".to_owned()).spawn(move || read_lines(&sender))?);
        Ok(Self::Plain(lines))
    }

    /// What was typed.
    #[must_use]
    pub fn typed(&self) -> &Receiver<Typed> {
        match self {
            Self::Terminal(editor) => &editor.typed,
            Self::Plain(lines) => lines,
        }
    }

    /// Shows a line of the room. Blocks while the terminal or the pipe takes nothing.
    ///
    /// # Errors
    /// When stdout is gone.
    pub fn show(&self, line: String) -> Result<(), StdoutError> {
        match self {
            // Its thread ends only before us when the terminal is gone.
            Self::Terminal(editor) => {
                editor.screen.send(line).map_err(|_| StdoutError(io::ErrorKind::BrokenPipe.into()))
            }
            Self::Plain(_) => print_line(format_args!("{line}")),
        }
    }

    /// Tells something that is not from the room: above the prompt, or on stderr, where no script reads it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn explain(&self, text: &str) -> Result<(), StdoutError> {
        match self {
            Self::Terminal(_) => self.show(format!("chat-room: {text}")),
            // A closed stderr is no reason to stop talking.
            Self::Plain(_) => {
                let _ = writeln!(io::stderr(), "chat-room: {text}");
                Ok(())
            }
        }
    }

    /// Shows what still waits, and puts the terminal back in order.
    pub fn close(self) {
        if let Self::Terminal(editor) = self {
            editor.finish();
        }
    }
}

/// The thread `input`: lines without their ends, until the input ends or nobody wants them.
fn read_lines(lines: &Sender<Typed>) {
    let mut stdin = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        match stdin.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
                line.truncate(end);
                if lines.send(Typed::Line(line)).is_err() {
                    return;
                }
            }
        }
    }
}
