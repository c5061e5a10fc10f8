//! Finds a program of the course beside the test itself, and has cargo build it when it is not there.
//!
//! `cargo test --workspace` has built every program before it starts this test; `cargo test -p course`
//! may have left an old one, or none. Programs that are older than their sources are built again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::support::root;

/// The path of a program, built from today's sources.
pub(crate) fn find(program: &str) -> Result<PathBuf, String> {
    if program == "python3" {
        return Ok(PathBuf::from(program));
    }
    let folder = folder()?;
    let exe = folder.join(format!("{program}{}", std::env::consts::EXE_SUFFIX));
    let crate_folder = crate_folder(program).ok_or_else(|| format!("no package `{program}` in this workspace"))?;
    let sources = newest(&[crate_folder, root().join("crates/netcommon")]);
    let built = |exe: &Path| fs::metadata(exe).and_then(|data| data.modified()).ok();
    if built(&exe) < sources {
        build(program, &folder)?;
    }
    built(&exe)
        .map(|_| exe.clone())
        .ok_or_else(|| format!("{} is not there after `cargo build -p {program}`", exe.display()))
}

/// The option that has the course play the chapters' programs as they lie here, after building what is old.
///
/// By itself the course would ask cargo first, which may take longer than a page waits.
pub(crate) fn of_the_course() -> Result<[String; 2], String> {
    let folders = fs::read_dir(root().join("crates")).map_err(|error| format!("read crates: {error}"))?;
    for folder in folders.flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        let is_chapter = name.starts_with(|c: char| c.is_ascii_digit());
        if let Some((_, program)) = name.split_once('-').filter(|_| is_chapter) {
            find(program)?;
        }
    }
    Ok(["--programs".to_owned(), folder()?.display().to_string()])
}

/// The folder with the programs: the test lies in `deps` below it.
fn folder() -> Result<PathBuf, String> {
    let test = std::env::current_exe().map_err(|error| format!("where is this test: {error}"))?;
    test.ancestors().nth(2).map(Path::to_path_buf).ok_or_else(|| "the test lies in no target folder".to_owned())
}

fn build(program: &str, folder: &Path) -> Result<(), String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.args(["build", "-q", "-p", program]).current_dir(root());
    command.arg("--target-dir").arg(folder.parent().unwrap_or(folder));
    if folder.ends_with("release") {
        command.arg("--release");
    }
    let output = command.output().map_err(|error| format!("start cargo: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("cargo build -p {program}: {said}")) }
}

/// The folder of the package, by the name in its manifest.
fn crate_folder(program: &str) -> Option<PathBuf> {
    let wanted = format!("name = \"{program}\"");
    let folders = fs::read_dir(root().join("crates")).ok()?.flatten().map(|entry| entry.path());
    folders.into_iter().find(|folder| {
        fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| text.lines().any(|line| line == wanted))
    })
}

/// When the newest source below the folders' `src` was written.
fn newest(folders: &[PathBuf]) -> Option<SystemTime> {
    fn walk(folder: &Path) -> Option<SystemTime> {
        let entries = fs::read_dir(folder).ok()?.flatten();
        let times = entries.filter_map(|entry| {
            if entry.file_type().ok()?.is_dir() { walk(&entry.path()) } else { entry.metadata().ok()?.modified().ok() }
        });
        times.max()
    }
    folders.iter().filter_map(|folder| walk(&folder.join("src"))).max()
}
