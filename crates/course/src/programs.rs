//! The chapters' programs: built if Cargo is there, and found beside our own executable.
//!
//! `cargo run` builds only the course itself; the programs that it plays are built by [`Programs::build`]
//! with the same profile into the same folder. A course that was copied elsewhere plays what lies beside it.

use std::env::{self, consts::EXE_SUFFIX};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::Builder;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded, select};
use netcommon::shutdown::StageReached;

use crate::exercise::yours::Yours;
use crate::script::{CommandLine, Values};

/// The workspace that this program was compiled in.
const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");

/// A cold build takes more than a minute on two cores; ten mean that something hangs.
const BUILD_MAX: Duration = Duration::from_secs(600);

/// A folder with the chapters' programs.
///
/// # Examples
/// ```
/// use course::programs::Programs;
///
/// let programs = Programs::in_folder("空的資料夾".into());
/// let error = programs.command("tcp-server").unwrap_err().to_string();
/// assert!(error.ends_with("run `cargo build --workspace` in the course's folder first"));
/// ```
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
    may_build: bool,
    yours: Option<Yours>,
}

/// Why the programs cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ProgramsError {
    /// The system does not say where this program lies.
    #[error("find my own executable")]
    NoHome(#[source] io::Error),
    /// Cargo could not be started or waited for.
    #[error("run cargo build")]
    Cargo(#[source] io::Error),
    /// Cargo has said on stderr what is wrong.
    #[error("build the chapters' programs: cargo build failed; its own words are above")]
    Build,
    /// Cargo hangs, most likely because another Cargo holds the target folder.
    #[error("build the chapters' programs: not done within {BUILD_MAX:?}; does another cargo run?")]
    BuildTimedOut,
    /// The program is not there and Cargo did not make it.
    #[error("find {}: no such program; run `cargo build --workspace` in the course's folder first", path.display())]
    Missing {
        /// Where it should lie.
        path: PathBuf,
    },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl Programs {
    /// The programs beside the course's own executable.
    ///
    /// # Errors
    /// When the system does not say where that is.
    pub fn beside_this_one() -> Result<Self, ProgramsError> {
        let own = env::current_exe().map_err(ProgramsError::NoHome)?;
        Ok(Self { folder: own.parent().unwrap_or(Path::new(".")).to_owned(), may_build: true, yours: None })
    }

    /// The programs in `folder`, which are taken as they are.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        // A program may be started in another folder, from which a relative path would lead elsewhere.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Self { folder, may_build: false, yours: None }
    }

    /// Builds `packages` into the folder, if there are any, and Cargo and the source are there, without what a chapter
    /// leaves to a feature. Blocks until Cargo ends; `stop` and a deadline end it.
    ///
    /// # Errors
    /// When Cargo fails, hangs or is stopped.
    pub fn build(&self, packages: &[&str], stop: &StageReached) -> Result<(), ProgramsError> {
        // Cargo takes no package for the workspace's default, which is the course itself.
        let may_build = self.may_build && !packages.is_empty() && Path::new(MANIFEST).exists();
        let (Some(cargo), true) = (cargo(), may_build) else { return Ok(()) };
        let Some(args) = build_args(&self.folder, packages) else { return Ok(()) };
        let mut command = Command::new(cargo);
        command.args(args);
        wait_for_cargo(command, stop)
    }

    /// The same, with a pupil's program under the name `yours`.
    #[must_use]
    pub fn with_yours(self, yours: Yours) -> Self {
        Self { yours: Some(yours), ..self }
    }

    /// A demo's command with its values, to be started in `folder`. The pupil's own is started where the pupil is:
    /// its words may name files there.
    ///
    /// # Errors
    /// As [`Programs::command`].
    pub fn command_for(
        &self,
        command: &CommandLine,
        values: &Values,
        folder: Option<&Path>,
    ) -> Result<Command, ProgramsError> {
        if let (None, Some(yours)) = (command.package(), &self.yours) {
            return Ok(yours.command(&command.places(values)));
        }
        let mut program = self.command(command.program())?;
        program.args(command.args(values));
        if let Some(folder) = folder {
            program.current_dir(folder);
        }
        Ok(program)
    }

    /// A command that starts the program `name`.
    ///
    /// # Errors
    /// [`ProgramsError::Missing`] says where it should be and what makes it.
    pub fn command(&self, name: &str) -> Result<Command, ProgramsError> {
        let path = self.folder.join(format!("{name}{EXE_SUFFIX}"));
        if !path.is_file() {
            return Err(ProgramsError::Missing { path });
        }
        let mut command = Command::new(path);
        // The lanes have their own colours.
        command.env("NO_COLOR", "1");
        Ok(command)
    }
}

/// The Cargo that runs us (it sets `CARGO`), or the first one in PATH.
pub(crate) fn cargo() -> Option<PathBuf> {
    cargo_in(env::var_os("CARGO"), env::var_os("PATH").as_deref())
}

/// The first file in the folders of `path` that is called `name`, as a program of this system.
pub(crate) fn find_in_path(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    env::split_paths(path?).map(|folder| folder.join(format!("{name}{EXE_SUFFIX}"))).find(|file| file.is_file())
}

fn cargo_in(own: Option<OsString>, path: Option<&OsStr>) -> Option<PathBuf> {
    own.map(PathBuf::from).or_else(|| find_in_path("cargo", path))
}

/// The arguments that build `packages` into `folder`; `None` if it is no folder of Cargo's.
fn build_args(folder: &Path, packages: &[&str]) -> Option<Vec<OsString>> {
    let (target, profile) = (folder.parent()?, folder.file_name()?);
    // Cargo marks its target folder so that backups leave it out (<https://bford.info/cachedir/>).
    if !target.join("CACHEDIR.TAG").exists() {
        return None;
    }
    // The profile `dev` has the folder `debug`, for historical reasons; all others have their own name.
    let profile = if profile == "debug" { OsStr::new("dev") } else { profile };
    let mut args: Vec<OsString> = vec!["build".into(), "--quiet".into()];
    args.extend(["--manifest-path".into(), MANIFEST.into(), "--target-dir".into(), target.into()]);
    args.extend(["--profile".into(), profile.into()]);
    // TLS and the live screen, which no demo shows, are a sixth of the first build.
    args.push("--no-default-features".into());
    args.extend(packages.iter().flat_map(|package| ["-p".into(), package.into()]));
    Some(args)
}

fn wait_for_cargo(mut command: Command, stop: &StageReached) -> Result<(), ProgramsError> {
    // Cargo writes nothing to stdout here; that pipe's end is how we hear of its end.
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(ProgramsError::Cargo)?;
    let (ended, end) = bounded::<()>(1);
    let stdout = child.stdout.take();
    let waiter = Builder::new().name("cargo".to_owned()).spawn(move || {
        // Whatever it says and however it ends: it has ended.
        let _ = stdout.map(|mut stdout| stdout.read_to_end(&mut Vec::new()));
        drop(ended);
    });
    let waited = waiter.map_err(ProgramsError::Cargo).and_then(|waiter| {
        let waited = wait_until_ended(&end, stop);
        if waited.is_err() {
            // It may have ended in this moment; the wait below tells.
            let _ = child.kill();
        }
        // A panic of the waiter has been printed by the panic hook; there is nothing to add.
        let _ = waiter.join();
        waited
    });
    let status = child.wait().map_err(ProgramsError::Cargo)?;
    waited?;
    if status.success() { Ok(()) } else { Err(ProgramsError::Build) }
}

fn wait_until_ended(end: &Receiver<()>, stop: &StageReached) -> Result<(), ProgramsError> {
    select! {
        recv(end) -> _ => Ok(()),
        recv(stop) -> _ => Err(ProgramsError::Interrupted),
        default(BUILD_MAX) => Err(ProgramsError::BuildTimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_and_the_folder_are_those_of_the_course_itself() {
        let target = tempfile::tempdir().unwrap();
        std::fs::write(target.path().join("CACHEDIR.TAG"), "").unwrap();
        let args = |profile: &str| build_args(&target.path().join(profile), &["tcp-server"]).unwrap();
        for (folder, profile) in [("debug", "dev"), ("release", "release"), ("課堂", "課堂")] {
            let args = args(folder);
            assert_eq!(
                args[4..],
                [
                    OsStr::new("--target-dir"),
                    target.path().as_os_str(),
                    OsStr::new("--profile"),
                    OsStr::new(profile),
                    OsStr::new("--no-default-features"),
                    OsStr::new("-p"),
                    OsStr::new("tcp-server")
                ]
            );
        }
    }

    #[test]
    fn nothing_is_built_into_a_folder_that_is_not_cargos() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(build_args(&folder.path().join("bin"), &["tcp-server"]), None);
    }

    #[test]
    fn a_missing_program_is_said_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = Programs::in_folder(folder.path().to_owned()).command("tcp-server").unwrap_err().to_string();
        assert!(error.contains("tcp-server") && error.contains("cargo build --workspace"), "{error}");
    }

    #[test]
    fn the_cargo_that_runs_us_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(format!("cargo{EXE_SUFFIX}"));
        std::fs::write(&file, "").unwrap();
        let path = Some(folder.path().as_os_str());
        assert_eq!(cargo_in(Some("own".into()), path), Some("own".into()));
        assert_eq!(cargo_in(None, path), Some(file));
        assert_eq!(cargo_in(None, None), None);
    }
}
