//! Stands for `terminal.rs` where the program is built without the feature `screen`.
//!
//! So the rest of the program needs no two ways. Read `terminal.rs` for what is missing.

use std::io;

use netcommon::shutdown::Shutdown;

use super::Board;

/// A screen that there is none of.
#[derive(Debug)]
pub struct Screen(std::convert::Infallible);

impl Screen {
    /// Takes no terminal over.
    ///
    /// # Errors
    /// Always: `Unsupported`.
    pub fn start(_: Board, _: Shutdown, _: Shutdown) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this program was built without the feature `screen`"))
    }

    /// Is never called, because nobody has one.
    ///
    /// # Errors
    /// Never.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {}
    }
}
