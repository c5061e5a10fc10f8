//! The thread that has the terminal: draws the newest snapshot and hands keys to the view.
//!
//! Read `view.rs` before.

use std::io;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use netcommon::shutdown::Shutdown;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

use super::{Asked, Board, Snapshot, View};

/// How long the screen waits for a key before it looks for a new snapshot.
const LOOK: Duration = Duration::from_millis(100);

/// The screen while it is on.
#[derive(Debug)]
pub struct Screen {
    thread: JoinHandle<io::Result<()>>,
}

impl Screen {
    /// Takes the terminal over, on a thread of its own, until `over` moves; `q` and Ctrl-C advance `shutdown`.
    ///
    /// # Errors
    /// When the terminal cannot be taken over, or the system gives no thread.
    pub fn start(board: Board, shutdown: Shutdown, over: Shutdown) -> io::Result<Self> {
        let mut terminal = ratatui::try_init()?;
        let thread = Builder::new().name("screen".to_owned()).spawn(move || {
            let mut view = View::default();
            let mut shown = Snapshot::default();
            let result = loop {
                if over.is_draining() {
                    break Ok(());
                }
                if let Some(newest) = board.take().filter(|_| !view.is_paused()) {
                    shown = newest;
                }
                if let Err(error) = terminal.draw(|frame| view.draw(frame, &shown)) {
                    break Err(error);
                }
                match next_key(&mut view) {
                    Ok(Asked::Nothing) => {}
                    Ok(Asked::Quit) => shutdown.advance(),
                    Err(error) => break Err(error),
                }
            };
            if result.is_err() {
                // Nobody could end us by a key any more.
                shutdown.advance();
            }
            result
        });
        if thread.is_err() {
            ratatui::restore();
        }
        Ok(Self { thread: thread? })
    }

    /// Waits until the screen has gone, and gives the terminal back. Call it when `over` has moved.
    ///
    /// # Errors
    /// What ended the screen earlier.
    pub fn finish(self) -> io::Result<()> {
        let result = self.thread.join().expect("a panic of the screen has been printed by its hook");
        ratatui::restore();
        result
    }
}

/// Waits a moment for a key or a new size, and says what it asks for.
fn next_key(view: &mut View) -> io::Result<Asked> {
    if !event::poll(LOOK)? {
        return Ok(Asked::Nothing);
    }
    Ok(match event::read()? {
        Event::Key(key) if key.kind != KeyEventKind::Release => view.press(key.code, key.modifiers),
        // A new size: the next drawing asks the terminal for it.
        _ => Asked::Nothing,
    })
}
