//! The chapters' programs as `cargo build` makes them, for tests that play them.
//!
//! The course itself builds them without TLS and the live screen. It would put those into the place of the ones that
//! the chapters' own tests run, so tests hand it what is here. Read `src/programs.rs` before.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// The folder of the programs, built once from what the sources are now.
pub(crate) static PROGRAMS: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_BIN_EXE_course")).parent().unwrap();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap());
    cargo.args(["build", "-q", "--workspace", "--exclude", "course", "--bins"]);
    cargo.args(["--profile", if cfg!(debug_assertions) { "dev" } else { "release" }]);
    cargo.arg("--target-dir").arg(folder.parent().unwrap());
    let built = cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).status().unwrap();
    assert!(built.success());
    folder.to_owned()
});
