//! The Enter key, for `--step`: a wait that Ctrl-C can end.
//!
//! Only a terminal on stdin counts: into a pipe or in a test run nobody can press Enter, so nothing waits.

use std::io::{self, BufRead, IsTerminal};
use std::thread::Builder;

use crossbeam_channel::{Receiver, bounded, select};
use netcommon::shutdown::StageReached;

/// Lines that a person types; the text does not matter.
#[derive(Debug, Clone)]
pub struct Keyboard {
    enters: Receiver<()>,
}

impl Keyboard {
    /// The terminal on stdin; `None` if stdin is something else, because then nobody could press Enter.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn of_terminal() -> io::Result<Option<Self>> {
        if !io::stdin().is_terminal() {
            return Ok(None);
        }
        let (pressed, enters) = bounded(0);
        // A read of a terminal cannot be ended from outside on all three systems, so this thread is left
        // to the program's exit; it holds nothing but stdin.
        Builder::new().name("keyboard".to_owned()).spawn(move || {
            for line in io::stdin().lock().lines() {
                if line.is_err() || pressed.send(()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Some(Self { enters }))
    }

    /// A keyboard that a test presses.
    #[must_use]
    pub fn from_channel(enters: Receiver<()>) -> Self {
        Self { enters }
    }

    /// Blocks until Enter, the end of input (Ctrl-D) or `stop`; false if it was `stop`.
    #[must_use]
    pub fn wait_for_enter(&self, stop: &StageReached) -> bool {
        select! {
            recv(self.enters) -> _ => true,
            recv(stop) -> _ => false,
        }
    }
}
