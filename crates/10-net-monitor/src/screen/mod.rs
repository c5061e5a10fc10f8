//! The live screen: what is open, sorted by rate, what passes on each port, and the last two minutes as a line.
//!
//! ```text
//! thread "main" (recorder) ── Snapshot, once a second ──▶ [ the newest one ] ──▶ thread "screen" ──▶ terminal
//!                                                                              ◀── keys
//! ```
//! The screen has a thread of its own, because a terminal that somebody stops with Ctrl-S blocks whoever writes to it,
//! and recording must go on. A snapshot that was not drawn yet is replaced by the next. Without the feature `screen` nobody
//! draws. Read `snapshot.rs`, then `view.rs` (what keys change and how it looks, without a terminal), then `terminal.rs`.

mod snapshot;
#[cfg_attr(not(feature = "screen"), path = "absent.rs")]
mod terminal;
#[cfg(all(test, feature = "screen"))]
mod tests;
#[cfg(feature = "screen")]
mod view;

use std::sync::{Arc, Mutex, PoisonError};

pub use self::snapshot::{PortLine, Row, SHOWN_RATES, Snapshot};
pub use self::terminal::Screen;
#[cfg(feature = "screen")]
pub use self::view::{Asked, View};

/// Where the recorder leaves what is to be shown.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// Guards the newest snapshot; nothing blocks while it is held.
    newest: Arc<Mutex<Option<Snapshot>>>,
}

impl Board {
    /// Replaces what was left there.
    pub fn leave(&self, snapshot: Snapshot) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
    }

    /// The newest one, if nobody has taken it.
    #[cfg(feature = "screen")]
    fn take(&self) -> Option<Snapshot> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
