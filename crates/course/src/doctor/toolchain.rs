//! Cargo and rustc: whether they are there, and new enough for the workspace.
//!
//! Both are asked with `--version`, as a user would ask. Read `finding.rs` before this file.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use netcommon::lang::Lang;
use netcommon::shutdown::StageReached;

use super::{CHECK_MAX, Finding};
use crate::lane::{Heard, Lane};
use crate::programs;

/// The oldest Rust that compiles the workspace, as its manifest says.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

pub(super) fn check(lang: Lang, stop: &StageReached) -> Vec<Finding> {
    let path = std::env::var_os("PATH");
    let rustc = std::env::var_os("RUSTC").map(PathBuf::from);
    let rustc = rustc.or_else(|| programs::find_in_path("rustc", path.as_deref()));
    let found = [("cargo", programs::cargo()), ("rustc", rustc)];
    let check = |(name, program): (&'static str, Option<PathBuf>)| {
        let said = program.and_then(|program| first_line(Command::new(program), "--version", stop));
        judge(name, said.as_deref(), lang).needed()
    };
    found.into_iter().map(check).collect()
}

/// The first line that `command` prints for `arg`, if it prints one in time.
pub(super) fn first_line(mut command: Command, arg: &str, stop: &StageReached) -> Option<String> {
    command.arg(arg);
    let mut lane = Lane::start("doctor", command).ok()?;
    match lane.next_line(Instant::now() + CHECK_MAX, stop) {
        Heard::Line(line) => Some(line),
        Heard::End | Heard::TimedOut | Heard::Interrupted => None,
    }
}

/// `cargo 1.95.0 (f2d3ce0bd 2026-03-21)` or nothing.
fn judge(name: &'static str, said: Option<&str>, lang: Lang) -> Finding {
    let to_do = lang.pick("install Rust from https://rustup.rs", "請到 https://rustup.rs 安裝 Rust");
    let Some(version) = said.and_then(|line| line.split_whitespace().nth(1)) else {
        return Finding::missing(name, lang.pick("not found", "沒有找到"), to_do);
    };
    let found = lang.pick(format!("{version}, needed {OLDEST}"), format!("{version}，需要 {OLDEST} 以上"));
    if major_minor(version) >= major_minor(OLDEST) {
        return Finding::ok(name, found);
    }
    Finding::missing(name, found, lang.pick("run `rustup update`", "請執行 `rustup update`"))
}

/// `1.95.0-nightly` → (1, 95); what is no number counts as 0, and so as too old.
fn major_minor(version: &str) -> (u32, u32) {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (said, lacking) in [
            (Some("cargo 1.100.0 (0123abc 2027-01-01)"), false),
            (Some("rustc 1.95.0"), false),
            (Some("cargo 1.95.0-nightly (0123abc 2026-03-01)"), false),
            (Some("cargo 1.9.0"), true),
            (Some("cargo: command not found"), true),
            (Some("錯誤"), true),
            (None, true),
        ] {
            assert_eq!(judge("cargo", said, Lang::En).needed().is_lacking(), lacking, "{said:?}");
        }
    }
}
