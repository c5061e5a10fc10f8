//! The pipes through which much goes from one socket to another without coming into this program.
//!
//! One for each lane would be too many for the descriptors; few carry much at the same moment. Read `lane.rs` before, and
//! `netcommon::pipe`.

use netcommon::pipe::Pipe;

/// Pipes at most, two descriptors each: so many lanes carry much at the same moment; the others copy.
pub(super) const PIPES_MAX: usize = if cfg!(target_os = "linux") { 64 } else { 0 };

/// How much a pipe holds: all of them together half of what a user may have.
pub(super) const PIPE_LEN: usize = 512 * 1024;

/// Empty pipes, and how many there are in all.
#[derive(Debug, Default)]
pub(super) struct Pipes {
    empty: Vec<Pipe>,
    made: usize,
}

impl Pipes {
    /// An empty pipe; `None` when there is none to have.
    pub(super) fn take(&mut self) -> Option<Pipe> {
        self.empty.pop().or_else(|| {
            let pipe = if self.made < PIPES_MAX { Pipe::new(PIPE_LEN) } else { None }?;
            self.made += 1;
            Some(pipe)
        })
    }

    /// For the next lane.
    pub(super) fn give_back(&mut self, pipe: Pipe) {
        self.empty.push(pipe);
    }

    /// A pipe was closed together with what was in it.
    pub(super) fn lost_one(&mut self) {
        self.made = self.made.saturating_sub(1);
    }
}
