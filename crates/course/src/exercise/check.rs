//! `course check EXERCISE -- COMMAND…`: every case of an exercise, tried with the pupil's program.
//!
//! One line a case; under one that fails, the conversation so far, what was expected and what came. Exit code
//! 0 when all hold, 1 when not, 130 after Ctrl-C. Read `trial.rs` before.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use netcommon::cli::{StdoutError, Usage, interrupted};
use netcommon::columns::{pad, width};
use netcommon::lang::Lang;
use netcommon::shutdown::Shutdown;

use super::trial::{self, Failure, TrialError};
use super::yours::Yours;
use super::{Case, Exercise, Kind, all};
use crate::failure::PlayError;
use crate::player::{DEADLINE, Player};
use crate::programs::Programs;
use crate::screen::Screen;
use crate::script::packages;
use crate::tour::{Options, prepare};
use crate::words;

/// Lists the exercises that have a checker, with a command for each.
///
/// # Errors
/// When nobody reads our output any more.
pub fn list(lang: Lang) -> anyhow::Result<ExitCode> {
    let exercises = all();
    let mut screen = Screen::stdout(lang);
    let columns = exercises.iter().map(|exercise| width(&exercise.name)).max().unwrap_or(0);
    screen.sentence(words::EXERCISES.pick_in(lang))?;
    screen.empty_line()?;
    for Exercise { chapter, name, title, example, .. } in &exercises {
        screen.line(&format!("{chapter:>2}  {}  {}", pad(name, columns), title.pick(lang)))?;
        screen.line(&format!("    {}  check {name} -- {example}", " ".repeat(columns)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The exercise called `name`.
///
/// # Errors
/// When there is none; the message says how to see them.
pub fn find(name: &str) -> anyhow::Result<Exercise> {
    let found = all().into_iter().find(|exercise| exercise.name == name);
    found.ok_or_else(|| Usage(format!("exercise `{name}`: there is none; `cargo run -- check` lists them")).into())
}

/// What a pupil wishes of a check.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Only this case, counted from 1.
    pub only: Option<usize>,
    /// How long a client waits for a message.
    pub patience: Duration,
}

/// Tries the cases of the exercise called `name`, as `wish` has it, with the pupil's `command`.
///
/// # Errors
/// When a case fails, the command cannot be started, or nobody reads our output any more.
pub fn check(name: &str, command: Vec<String>, wish: Wish, options: &Options) -> anyhow::Result<ExitCode> {
    let exercise = find(name)?;
    let lang = options.lang;
    let Some(yours) = Yours::new(command) else {
        let example = &exercise.example;
        bail!(Usage(format!("check {name}: no command; give yours behind `--`: check {name} -- {example}")));
    };
    let count = exercise.cases.len();
    if let Some(number) = wish.only.filter(|number| !(1..=count).contains(number)) {
        bail!(Usage(format!("check {name}: case {number}: there are {count}")));
    }
    let Some(mut checker) = Checker::new(&exercise, yours, wish.patience, options)? else {
        return Ok(interrupted());
    };
    let mut screen = Screen::stdout(lang);
    screen.heading(&words::chapter(exercise.chapter, exercise.title.pick(lang), lang))?;
    let (mut tried, mut held) = (0, 0);
    let mut cases =
        exercise.cases.iter().enumerate().filter(|(index, _)| wish.only.is_none_or(|only| only == index + 1));
    for (index, case) in cases.by_ref() {
        tried += 1;
        match checker.try_case(case) {
            Ok(()) => {
                held += 1;
                screen.line(&result(words::HOLDS, index, case, lang))?;
            }
            Err(TrialError::Interrupted | TrialError::Play(PlayError::Interrupted)) => {
                return Ok(interrupted());
            }
            Err(TrialError::NotStarted(error)) => return Err(error.into()),
            Err(error) => {
                screen.line(&result(words::FAILS, index, case, lang))?;
                // The first one whole; a screen full of conversations is read by nobody.
                tell(&error, tried == held + 1, &mut screen)?;
                if matches!(&error, TrialError::Failed(failure) if failure.is_before_the_first_line()) {
                    break;
                }
            }
        }
    }
    screen.sentence(&words::held(held, tried, cases.count(), &exercise.page, lang))?;
    Ok(if held == tried { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `ok      3  a line goes to everybody but its author`
fn result(word: words::Word, index: usize, case: &Case, lang: Lang) -> String {
    format!("{}  {:>2}  {}", pad(word.pick_in(lang), 6), index + 1, case.title.pick(lang))
}

/// Shows the line that failed and what came instead; if `whole`, also what happened before, and what the program said.
fn tell(error: &TrialError, whole: bool, screen: &mut Screen) -> Result<(), StdoutError> {
    let lang = screen.lang();
    let TrialError::Failed(failure) = error else {
        let text = error.to_string();
        let lines = text.lines().take(if whole { usize::MAX } else { 1 });
        return lines.into_iter().try_for_each(|line| screen.indented("            ", line));
    };
    let Failure { played, line, instead, said } = &**failure;
    if whole {
        played.iter().try_for_each(|line| screen.indented("            ", line))?;
    }
    screen.indented("          ! ", line)?;
    screen.indented(&format!("            {}", words::INSTEAD.pick_in(lang)), instead)?;
    if !whole || said.is_empty() {
        return Ok(());
    }
    screen.line(&format!("            {}", words::YOURS_SAID.pick_in(lang)))?;
    said.iter().try_for_each(|line| screen.indented("              ", line))
}

/// What the cases are tried with.
struct Checker {
    yours: Yours,
    patience: Duration,
    programs: Programs,
    shutdown: Shutdown,
}

impl Checker {
    /// Builds the course's own programs that the cases need; `None` after Ctrl-C.
    fn new(exercise: &Exercise, yours: Yours, patience: Duration, options: &Options) -> anyhow::Result<Option<Self>> {
        let steps = exercise.cases.iter().filter_map(|case| match &case.kind {
            Kind::Play { steps, .. } => Some(steps),
            Kind::Talk { .. } => None,
        });
        let packages: Vec<_> = packages(steps.flatten()).into_iter().collect();
        let Some((programs, shutdown)) = prepare(options, &packages)? else { return Ok(None) };
        Ok(Some(Self { programs: programs.with_yours(yours.clone()), yours, patience, shutdown }))
    }

    fn try_case(&mut self, case: &Case) -> Result<(), TrialError> {
        let stop = self.shutdown.draining();
        match &case.kind {
            Kind::Talk { wire, lines } => trial::talk(&self.yours, *wire, lines, self.patience, stop),
            Kind::Play { folder, steps } => {
                // Nobody watches; what went wrong is in the error.
                let mut screen = Screen::on(Box::new(std::io::sink()), Lang::En);
                let mut player =
                    Player { programs: &self.programs, screen: &mut screen, keyboard: None, stop, deadline: DEADLINE };
                Ok(player.play_steps(folder, steps)?)
            }
        }
    }
}
