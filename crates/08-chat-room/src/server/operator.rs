//! The operator's own terminal: `/stats` prints the room's numbers.
//!
//! The loop leaves the numbers on a [`Board`] after each turn; a thread that reads stdin prints them when asked,
//! so the loop need not be woken. Read `mod.rs` before, for the drawing of the threads.

use std::io::{self, BufRead};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

use netcommon::console::Lines;

use crate::room::Stats;

/// Where the loop leaves its numbers.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// Guards a copy of the numbers; held for the copy only.
    stats: Arc<Mutex<Stats>>,
}

impl Board {
    /// Leaves the numbers.
    pub fn show(&self, stats: Stats) {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner) = stats;
    }

    /// The numbers that were left last.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Starts the thread `operator`, which answers what is typed at `input` until that ends.
///
/// It is not joined: nothing can interrupt a read of stdin, so the thread is left to the process's end.
///
/// # Errors
/// When the system gives no thread.
pub fn start(input: impl BufRead + Send + 'static, board: Board, lines: Lines) -> io::Result<()> {
    let answer = move || {
        for line in input.lines().map_while(Result::ok) {
            match line.trim() {
                "" => {}
                "/stats" => lines.line(format_args!("{}", board.stats())),
                _ => lines.line(format_args!("Unknown command; /stats shows the room's numbers, Ctrl-C ends it")),
            }
        }
    };
    Builder::new().name("operator".to_owned()).spawn(answer).map(drop)
}

/// Whether reading from stdin is safe: a program in the background of a terminal is stopped when it tries.
#[must_use]
pub fn may_read_stdin() -> bool {
    #[cfg(unix)]
    if io::IsTerminal::is_terminal(&io::stdin()) {
        let foreground = rustix::termios::tcgetpgrp(io::stdin());
        return foreground.is_ok_and(|group| group == rustix::process::getpgrp());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_left_last_are_shown() {
        let board = Board::default();
        board.clone().show(Stats { members: 3, ..Stats::default() });
        assert!(board.stats().to_string().starts_with("members 3 (most 0), connections 0, messages 0"));
    }
}
