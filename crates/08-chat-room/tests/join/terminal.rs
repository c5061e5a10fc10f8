//! A terminal that the test plays: keys go in, and what a person would see comes out.
//!
//! The program sits at netcommon's pseudo-terminal, so it behaves as with a person; what it writes goes through a
//! terminal emulator (the crate vt100), so the test looks at cells and not at escape sequences.

use std::num::NonZeroU16;
use std::time::Instant;

use netcommon::testing;
use netcommon::testing::DEADLINE;
use rustix::termios::{LocalModes, tcgetattr};

const CHAT_ROOM: &str = env!("CARGO_BIN_EXE_chat-room");
pub(crate) const ROWS: u16 = 24;
pub(crate) const COLS: u16 = 60;

/// The program at its terminal.
pub(crate) struct Terminal {
    terminal: testing::Terminal,
    screen: vt100::Parser,
    /// How much of what was written is on the screen.
    processed: usize,
}

impl Terminal {
    /// Starts `chat-room join` with `args`.
    pub(crate) fn join(args: &[&str]) -> Self {
        Self::join_with(args, &[])
    }

    /// Starts it with more variables in its environment.
    pub(crate) fn join_with(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let args = [&["join"], args].concat();
        let variables = [&[("TERM", "xterm-256color")], variables].concat();
        let terminal = testing::Terminal::start_with(CHAT_ROOM, &args, (ROWS, COLS), &variables);
        let size = |number| NonZeroU16::new(number).unwrap();
        Self { terminal, screen: vt100::Parser::new(size(ROWS), size(COLS), 1000), processed: 0 }
    }

    /// Presses keys; `\r` is Enter, `\x04` Ctrl-D, `\x1b[A` the arrow up.
    pub(crate) fn press(&self, keys: &str) {
        self.terminal.press(keys);
    }

    /// Waits until what the terminal shows satisfies `wanted`.
    pub(crate) fn wait_until(&mut self, what: &str, mut wanted: impl FnMut(&str) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !wanted(&self.shown()) {
            assert!(self.terminal.take(deadline), "{what} does not happen; the terminal shows:\n{}", self.shown());
            self.show();
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

    /// All bytes that were written, for what a screen does not show: the bell.
    pub(crate) fn written(&self) -> &[u8] {
        self.terminal.written()
    }

    /// The column of the cursor.
    pub(crate) fn cursor_column(&self) -> u16 {
        self.screen.screen().cursor_position().1
    }

    /// Waits for the program's end and returns its exit code, with all that it wrote on the screen.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let (code, _) = self.terminal.end();
        self.show();
        code
    }

    /// Whether the terminal is as a shell wants it: lines are edited and shown by the system, pastes are plain.
    pub(crate) fn is_as_before(&self) -> bool {
        let modes = tcgetattr(&self.terminal).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
            && !self.screen.screen().bracketed_paste()
    }

    /// Brings what was written to the screen.
    fn show(&mut self) {
        let written = self.terminal.written();
        self.screen.process(&written[self.processed..]);
        self.processed = written.len();
    }
}
