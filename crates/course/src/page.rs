//! A page for a browser: opened when somebody goes through a demo step by step, and only then.
//!
//! A tour that opens windows by itself would be a nuisance, and a test has nobody to look at them. Read `player.rs`
//! before.

use std::env;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Hands the page to the system's browser, which goes on by itself. Does not block.
///
/// # Errors
/// There is no screen for a browser here, or nothing that opens a page.
pub(crate) fn open(page: &Path) -> io::Result<Child> {
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| env::var_os(name).is_some());
    if cfg!(not(any(windows, target_os = "macos"))) && !has_screen {
        return Err(io::Error::other("there is no screen for a browser here"));
    }
    // What it says of itself is no part of the demo.
    opener(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// What the system opens files with.
fn opener(page: &Path) -> Command {
    let program = if cfg!(windows) {
        "explorer"
    } else if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let mut command = Command::new(program);
    command.arg(page);
    command
}
