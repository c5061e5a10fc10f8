//! `course start EXERCISE`: the first file of an exercise, so that nobody begins with an empty page.
//!
//! The file runs: it takes its address, listens, and says where. What the exercise is about is left to the
//! pupil. Nothing that is there already is touched.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use netcommon::lang::Lang;

use super::check::find;
use super::yours::Yours;
use crate::screen::Screen;
use crate::script::Values;
use crate::words;

/// Where a pupil's programs lie unless they say otherwise; git and the tests of the text leave it alone.
const PLACE: &str = "mine";

/// The first files, by the exercises that begin with them.
const FILES: &[(&[&str], &str)] = &[
    (&["lines", "length", "chat"], include_str!("../../exercises/tcp_server.py")),
    (&["udp", "file-receive"], include_str!("../../exercises/udp_server.py")),
    (&["file-send"], include_str!("../../exercises/udp_client.py")),
    (&["http"], include_str!("../../exercises/tcp_client.py")),
];

/// The first file of the exercise `name`.
fn first_file(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(names, _)| names.contains(&name)).map(|(_, text)| *text)
}

/// Lays the first file of the exercise `name` into `folder`, and says how to go on.
///
/// # Errors
/// When there is no such exercise, the file is there already, or the folder cannot be written to.
pub fn start(name: &str, folder: Option<PathBuf>, lang: Lang) -> anyhow::Result<ExitCode> {
    let exercise = find(name)?;
    let text = first_file(name).with_context(|| format!("start {name}: it has no first file"))?;
    let folder = folder.unwrap_or_else(|| Path::new(PLACE).join(name));
    // The example names the file and where what goes.
    let example = Yours::new(exercise.example.split(' ').map(str::to_owned).collect());
    let file = exercise.example.split(' ').find(|word| word.ends_with(".py")).context("the example names no file")?;
    let path = folder.join(file);
    fs::create_dir_all(&folder).with_context(|| format!("make folder {}", folder.display()))?;
    let write = || format!("write {}", path.display());
    match File::create_new(&path) {
        Ok(mut new) => new.write_all(text.as_bytes()).with_context(write)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!(
                "{}: it is there already; go on in it, or give another folder: cargo run -- start {name} FOLDER",
                write()
            );
        }
        Err(error) => return Err(error).with_context(write),
    }

    let mut screen = Screen::stdout(lang);
    let typed = example.map(|example| example.typed(&Values::new())).unwrap_or_default();
    let typed = typed.replacen(file, &path.display().to_string(), 1);
    screen.sentence(&format!("{}{}", words::LAID.pick_in(lang), path.display()))?;
    screen.sentence(exercise.command.pick(lang))?;
    screen.empty_line()?;
    screen.line(&format!("{}docs/{lang}/{}", words::READ.pick_in(lang), exercise.page))?;
    screen.line(&format!("{}cargo run -- check {name} -- {typed}", words::TRY.pick_in(lang)))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::all;

    #[test]
    fn every_exercise_has_a_first_file_and_an_example_that_names_it() {
        for exercise in all() {
            assert!(first_file(&exercise.name).is_some(), "{}", exercise.name);
            assert!(exercise.example.split(' ').any(|word| word.ends_with(".py")), "{}", exercise.name);
        }
    }
}
