//! The tour of all chapters, one chapter's demo, and the list: what `course` shows.
//!
//! A demo that fails is reported at once and the tour goes on, so that one broken chapter does not hide
//! the others; the exit code remembers it. Read `crate::player` for what playing means.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use netcommon::cli::{StdoutError, Usage, interrupted};
use netcommon::columns::{pad, width};
use netcommon::lang::Lang;
use netcommon::shutdown::Shutdown;

use crate::ahead::Ahead;
use crate::crowd::compare;
use crate::demos;
use crate::failure::PlayError;
use crate::keyboard::Keyboard;
use crate::player::{DEADLINE, Player};
use crate::programs::{Programs, ProgramsError};
use crate::screen::Screen;
use crate::script::{Crowd, Demo};
use crate::words;

/// A demo file that a user names may be this large: two hundred times what a demo needs, so that
/// a wrong file name (a video, a device) costs nothing.
const DEMO_BYTES_MAX: u64 = 1024 * 1024;

/// How a demo is shown.
#[derive(Debug, Clone)]
pub struct Options {
    /// The language of the sentences.
    pub lang: Lang,
    /// Stops before each action until Enter.
    pub step: bool,
    /// Where the programs are; built beside the course itself if not given.
    pub programs: Option<PathBuf>,
}

/// Plays every chapter's demo.
///
/// # Errors
/// When a demo did not go as it should, or nobody reads our output any more.
pub fn tour(options: &Options) -> anyhow::Result<ExitCode> {
    let demos = demos::all()?;
    let mut screen = Screen::stdout(options.lang);
    screen.sentence(words::TOUR.pick_in(options.lang))?;
    play(&demos, &mut screen, options, Crowds::LeftOut)
}

/// Whether the crowds of demos are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crowds {
    Shown,
    LeftOut,
}

/// Plays the demos of one chapter, or a demo file, with its crowd.
///
/// # Errors
/// When there is no such chapter or file, or as for [`tour`].
pub fn demo(wanted: &str, options: &Options) -> anyhow::Result<ExitCode> {
    let chosen = if Path::new(wanted).extension().is_some_and(|extension| extension == "toml") {
        vec![demos::read(wanted, &read_file(wanted)?)?]
    } else {
        demos::meant(&demos::all()?, wanted).cloned().into_iter().collect()
    };
    if chosen.is_empty() {
        bail!(Usage(format!("demo `{wanted}`: no such chapter; `cargo run -- list` shows them")));
    }
    play(&chosen, &mut Screen::stdout(options.lang), options, Crowds::Shown)
}

/// Lists the chapters that have a demo.
///
/// # Errors
/// When nobody reads our output any more.
pub fn list(lang: Lang) -> anyhow::Result<ExitCode> {
    let demos = demos::all()?;
    let mut screen = Screen::stdout(lang);
    let columns = demos.iter().map(|demo| width(&demo.name)).max().unwrap_or(0);
    for demo in &demos {
        let title = demo.title.pick(lang);
        screen.line(&format!("{:>2}  {}  {title}", demo.chapter, pad(&demo.name, columns)))?;
        screen.line(&format!("    {}  {}", " ".repeat(columns), demo.programs().join(", ")))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read_file(path: &str) -> anyhow::Result<String> {
    let read = || -> io::Result<String> {
        let file = fs::File::open(path)?;
        if file.metadata()?.len() > DEMO_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        io::read_to_string(file)
    };
    read().with_context(|| format!("read {path}"))
}

/// Where the programs are, and the token that Ctrl-C moves.
fn find(options: &Options) -> anyhow::Result<(Programs, Shutdown)> {
    let shutdown = Shutdown::on_signals().context("listen for Ctrl-C")?;
    let programs = match &options.programs {
        Some(folder) => Programs::in_folder(folder.clone()),
        None => Programs::beside_this_one()?,
    };
    Ok((programs, shutdown))
}

/// The programs of `packages`, built if need be, and the token that Ctrl-C moves; `None` after Ctrl-C.
pub(crate) fn prepare(options: &Options, packages: &[&str]) -> anyhow::Result<Option<(Programs, Shutdown)>> {
    let (programs, shutdown) = find(options)?;
    let packages = packages.iter().map(ToString::to_string).collect();
    let mut ahead = Ahead::start(&programs, vec![packages]).context("start a thread")?;
    match ahead.next(options.lang, shutdown.draining()) {
        Err(ProgramsError::Interrupted) => Ok(None),
        built => Ok(Some(built.map(|()| (programs, shutdown))?)),
    }
}

fn play(demos: &[Demo], screen: &mut Screen, options: &Options, crowds: Crowds) -> anyhow::Result<ExitCode> {
    let (programs, shutdown) = find(options)?;
    let stages = demos.iter().map(|demo| demo.programs().iter().map(ToString::to_string).collect());
    let mut ahead = Ahead::start(&programs, stages.collect()).context("start a thread")?;
    let keyboard = if options.step { Keyboard::of_terminal().context("listen for Enter")? } else { None };
    let stop = shutdown.draining();
    let mut player = Player { programs: &programs, screen, keyboard, stop, deadline: DEADLINE };
    let mut failed = Vec::new();
    for demo in demos {
        match ahead.next(options.lang, stop) {
            Err(ProgramsError::Interrupted) => return Ok(interrupted()),
            built => built?,
        }
        let crowd = demo.crowd.as_ref().filter(|_| crowds == Crowds::Shown);
        match play_one(demo, crowd, &mut player, &shutdown) {
            Ok(()) => {}
            Err(PlayError::Interrupted) => return Ok(interrupted()),
            Err(PlayError::Stdout(error)) => return Err(error.into()),
            Err(error) => {
                report(&error);
                failed.push(demo.name.as_str());
            }
        }
    }
    if !failed.is_empty() {
        bail!("play {}: not everything happened that should have", failed.join(", "));
    }
    if demos.len() > 1 {
        say_goodbye(player.screen)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn play_one(demo: &Demo, crowd: Option<&Crowd>, player: &mut Player<'_>, shutdown: &Shutdown) -> Result<(), PlayError> {
    let lang = player.screen.lang();
    player.screen.heading(&words::chapter(demo.chapter, demo.title.pick(lang), lang))?;
    player.screen.sentence(demo.about.pick(lang))?;
    player.play(demo)?;
    if let Some(crowd) = crowd {
        player.ask(crowd.ask.pick(lang))?;
        compare(&crowd.clients, crowd.seconds, player.programs, player.screen, shutdown)?;
        player.screen.marked_sentence(words::ANSWER.pick_in(lang), crowd.answer.pick(lang))?;
    }
    player.screen.empty_line()?;
    for command in &demo.to_try {
        player.screen.line(&format!("{}{command}", words::TRY.pick_in(lang)))?;
    }
    player.screen.line(&format!("{}{}", words::READ.pick_in(lang), demo.read))?;
    Ok(())
}

/// Tells of a failed demo at once; the exit code and the last line repeat it.
fn report(error: &PlayError) {
    // An operation's error stands in its own words, its cause behind it.
    let text = match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    // Without stderr there is nobody to tell; the exit code still does.
    let _ = writeln!(io::stderr(), "course: {text}");
}

fn say_goodbye(screen: &mut Screen) -> Result<(), StdoutError> {
    let lang = screen.lang();
    screen.heading(words::NOW_YOU.pick_in(lang))?;
    for (command, what) in [
        ("cargo run -- list", words::CHAPTERS),
        ("cargo run -- demo 2 --step", words::SLOWLY),
        ("cargo run -- doctor", words::DOCTOR),
    ] {
        screen.line(&format!("{}{}", pad(command, 28), what.pick_in(lang)))?;
    }
    Ok(())
}
