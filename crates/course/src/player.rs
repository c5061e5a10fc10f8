//! Plays a demo: one step after the other, each wait with a deadline.
//!
//! ```text
//! Demo (steps) ──▶ Player ──start, type, interrupt──▶ Lane, Lane …   (programs)
//!                    │ ◀────────── lines ────────────────┘
//!                    └──▶ Screen
//! ```
//!
//! A program's lines are shown when a step has waited for them, not when they happen to arrive: so two
//! programs never interleave by chance, and every run looks the same but for the port numbers. What
//! should be seen before the next action, a demo has to wait for. Read `crate::script` before this file.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use netcommon::cli::StdoutError;
use netcommon::shutdown::StageReached;

use crate::failure::{PlayError, StepFailure};
use crate::keyboard::Keyboard;
use crate::lane::{Heard, Lane};
use crate::page;
use crate::programs::Programs;
use crate::screen::Screen;
use crate::script::{CommandLine, Contents, Demo, HERE, LANG, Pattern, Scratch, Step, Values, fill};
use crate::words;

/// The deadline of every wait: generous, because a busy machine is no failure of the program.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// What a demo is played with.
pub struct Player<'a> {
    /// Where the programs are.
    pub programs: &'a Programs,
    /// Where it is shown.
    pub screen: &'a mut Screen,
    /// Stops before each action until Enter, if there is a keyboard.
    pub keyboard: Option<Keyboard>,
    /// Ends when the user interrupts.
    pub stop: &'a StageReached,
    /// The longest wait for any one thing.
    pub deadline: Duration,
}

/// A demo in progress. Dropping it ends every program that still runs.
struct Session<'a> {
    lanes: Vec<(&'a str, Lane)>,
    /// Where programs are started; below the lanes, because they are to end before it is removed.
    scratch: Option<Scratch>,
    values: Values,
    /// They stay open behind the demo, and are nobody's lane.
    browsers: Vec<Child>,
    /// A question was just asked, which has stopped already.
    has_stopped: bool,
}

impl Player<'_> {
    /// Plays `demo` to its end. Blocks for at most the deadline per step, and for Enter with a keyboard.
    ///
    /// # Errors
    /// When something that the demo shows did not happen, when the user interrupts, or when nobody
    /// reads our output any more. No program is left running.
    pub fn play(&mut self, demo: &Demo) -> Result<(), PlayError> {
        self.screen.set_lanes(demo.lanes());
        self.play_steps(&demo.folder, &demo.steps).map_err(|error| error.in_chapter(demo.chapter))
    }

    /// Plays steps in a folder of their own, as [`Player::play`] does.
    pub(crate) fn play_steps(&mut self, folder: &Contents, steps: &[Step]) -> Result<(), PlayError> {
        let mut values = Values::from([(LANG.to_owned(), self.screen.lang().to_string())]);
        let scratch = folder.make().map_err(|cause| PlayError::system("make", "a folder to play in", cause))?;
        if let Some(scratch) = &scratch {
            values.insert(HERE.to_owned(), scratch.path().display().to_string());
        }
        let mut session = Session { lanes: Vec::new(), scratch, values, browsers: Vec::new(), has_stopped: false };
        for (index, step) in steps.iter().enumerate() {
            self.step(step, &mut session).map_err(|error| error.in_step(index, step, &mut session.lanes))?;
        }
        Ok(())
    }

    fn step<'a>(&mut self, step: &'a Step, session: &mut Session<'a>) -> Result<(), PlayError> {
        if let Some(what) = words::next_action(step, &session.values, self.screen.lang()) {
            self.stop_before(&what, session)?;
        }
        match step {
            Step::Say(text) => self.screen.sentence(&fill(text.pick(self.screen.lang()), &session.values))?,
            Step::Ask(text) => {
                self.ask(&fill(text.pick(self.screen.lang()), &session.values))?;
                session.has_stopped = true;
            }
            Step::Answer(text) => self.mark(words::ANSWER, text, session)?,
            Step::Start { lane, command } => self.start(lane, command, session)?,
            Step::Wait { lane, part, like } => self.wait(lane, part, like.as_ref(), session)?,
            Step::Type { lane, line } => {
                let line = fill(line, &session.values);
                self.screen.typed(lane, ">", &line)?;
                session.lane(lane)?.type_line(&line);
            }
            Step::EndInput { lane } => {
                self.screen.typed(lane, "", words::END_OF_INPUT.pick_in(self.screen.lang()))?;
                session.lane(lane)?.end_input();
            }
            Step::Interrupt { lane } => self.interrupt(lane, session)?,
            Step::Exit { lane, code } => {
                self.show_rest(lane, session)?;
                self.exit(lane, *code, 0, session)?;
            }
            Step::Run { lane, command, expect, show, code } => {
                self.start(lane, command, session)?;
                session.lane(lane)?.end_input();
                let left_out = self.run(lane, expect, show, session)?;
                self.exit(lane, *code, left_out, session)?;
            }
            Step::Kill { lane } => session.lanes.retain(|(name, _)| name != lane),
            Step::Same { file, copy } => same(file, copy, session)?,
            Step::Page { file } => self.page(file, session)?,
        }
        Ok(())
    }

    /// Asks what will happen; with `--step`, waits for Enter.
    pub(crate) fn ask(&mut self, question: &str) -> Result<(), PlayError> {
        let lang = self.screen.lang();
        self.screen.marked_sentence(words::PREDICT.pick_in(lang), question)?;
        if self.keyboard.is_some() {
            self.screen.line(words::ENTER.pick_in(lang))?;
        }
        self.wait_for_enter()
    }

    /// With `--step`: says what comes and waits for Enter, unless a question has just stopped.
    fn stop_before(&mut self, what: &str, session: &mut Session<'_>) -> Result<(), PlayError> {
        if self.keyboard.is_some() && !std::mem::take(&mut session.has_stopped) {
            let next = words::NEXT.pick_in(self.screen.lang());
            self.screen.marked_sentence(next, what)?;
            self.wait_for_enter()?;
        }
        Ok(())
    }

    fn wait_for_enter(&mut self) -> Result<(), PlayError> {
        let Some(keyboard) = &self.keyboard else { return Ok(()) };
        if !keyboard.wait_for_enter(self.stop) {
            return Err(PlayError::Interrupted);
        }
        self.screen.entered();
        Ok(())
    }

    fn mark(
        &mut self,
        word: words::Word,
        text: &crate::script::Text,
        session: &Session<'_>,
    ) -> Result<(), StdoutError> {
        let lang = self.screen.lang();
        self.screen.marked_sentence(word.pick_in(lang), &fill(text.pick(lang), &session.values))
    }

    fn start<'a>(&mut self, name: &'a str, command: &CommandLine, session: &mut Session<'a>) -> Result<(), PlayError> {
        self.screen.typed(name, "$", &command.typed(&session.values))?;
        let folder = session.scratch.as_ref().map(Scratch::path);
        let program = self.programs.command_for(command, &session.values, folder)?;
        let lane = Lane::start(name, program).map_err(|cause| PlayError::system("start", command.program(), cause))?;
        session.lanes.push((name, lane));
        Ok(())
    }

    fn wait(
        &mut self,
        name: &str,
        part: &Pattern,
        like: Option<&Pattern>,
        session: &mut Session<'_>,
    ) -> Result<(), PlayError> {
        if session.lane(name)?.was_killed() {
            return Ok(());
        }
        let expected =
            |values: &Values| StepFailure::line_expected(&part.show(values), like.map(|like| like.show(values)));
        let deadline = Instant::now() + self.deadline;
        loop {
            let heard = session.lane(name)?.next_line(deadline, self.stop);
            let line = match heard {
                Heard::Line(line) => line,
                Heard::Interrupted => return Err(PlayError::Interrupted),
                Heard::End => return Err(expected(&session.values).but("the program ended before it came")),
                Heard::TimedOut => {
                    return Err(expected(&session.values).but(&format!("it did not come within {:?}", self.deadline)));
                }
            };
            self.screen.said(name, &line)?;
            let Some(captured) = part.find_in(&line, &session.values) else { continue };
            let before = session.values.clone();
            session.values.extend(captured);
            if let Some(like) = like {
                let captured = like.match_whole(&line, &before);
                session
                    .values
                    .extend(captured.ok_or_else(|| expected(&before).but(&format!("the line was `{line}`")))?);
            }
            return Ok(());
        }
    }

    fn interrupt(&mut self, name: &str, session: &mut Session<'_>) -> Result<(), PlayError> {
        self.screen.typed(name, "", "^C")?;
        let lane = session.lane(name)?;
        lane.interrupt().map_err(|cause| PlayError::system("interrupt", name, cause))?;
        if lane.was_killed() {
            self.screen.sentence(words::KILLED.pick_in(self.screen.lang()))?;
        }
        Ok(())
    }

    /// Shows what a program says until it closes its output.
    fn show_rest(&mut self, name: &str, session: &mut Session<'_>) -> Result<(), PlayError> {
        let deadline = Instant::now() + self.deadline;
        loop {
            match session.lane(name)?.next_line(deadline, self.stop) {
                Heard::Line(line) => self.screen.said(name, &line)?,
                Heard::End => return Ok(()),
                Heard::Interrupted => return Err(PlayError::Interrupted),
                Heard::TimedOut => return Err(self.still_running()),
            }
        }
    }

    /// Hears a program to its end and holds its lines to `expect`; shows all of them or those of `show`.
    /// Returns how many it has left out.
    fn run(
        &mut self,
        name: &str,
        expect: &[Pattern],
        show: &[String],
        session: &mut Session<'_>,
    ) -> Result<usize, PlayError> {
        let deadline = Instant::now() + self.deadline;
        let mut missing = expect.iter().peekable();
        let mut left_out = 0;
        loop {
            let line = match session.lane(name)?.next_line(deadline, self.stop) {
                Heard::Line(line) => line,
                Heard::End => break,
                Heard::Interrupted => return Err(PlayError::Interrupted),
                Heard::TimedOut => return Err(self.still_running()),
            };
            if let Some(captured) = missing.peek().and_then(|part| part.find_in_table(&line, &session.values)) {
                session.values.extend(captured);
                missing.next();
            }
            if show.is_empty() || show.iter().any(|part| line.contains(part)) {
                self.screen.said(name, &line)?;
            } else {
                left_out += 1;
            }
        }
        match missing.next() {
            Some(part) => {
                let failure = StepFailure::line_expected(&part.show(&session.values), None);
                Err(failure.but("the program ended without it"))
            }
            None => Ok(left_out),
        }
    }

    fn exit(&mut self, name: &str, code: i32, left_out: usize, session: &mut Session<'_>) -> Result<(), PlayError> {
        let deadline = Instant::now() + self.deadline;
        let lane = session.lane(name)?;
        let killed = lane.was_killed();
        let status =
            lane.exit_status(deadline, self.stop).map_err(|cause| PlayError::system("wait for", name, cause))?;
        let Some(status) = status else {
            let interrupted = self.stop.try_recv() == Err(crossbeam_channel::TryRecvError::Disconnected);
            return Err(if interrupted { PlayError::Interrupted } else { self.still_running() });
        };
        if status.code() != Some(code) && !killed {
            let failure = StepFailure::new(format!("exit code {code}"));
            return Err(failure.but(&format!("it ended with {status}")));
        }
        self.screen.said(name, &words::ended(status, left_out, self.screen.lang()))?;
        session.lanes.retain(|(lane, _)| *lane != name);
        Ok(())
    }

    fn page(&mut self, file: &str, session: &mut Session<'_>) -> Result<(), PlayError> {
        let path = session.scratch.as_ref().map(|scratch| scratch.path().join(file)).filter(|path| path.is_file());
        let Some(path) = path else {
            return Err(StepFailure::new(format!("the page {file}")).but("no program has made it"));
        };
        if self.keyboard.is_some() {
            match page::open(&path) {
                Ok(browser) => session.browsers.push(browser),
                Err(why) => self.screen.sentence(&words::page_lies_at(&path, &why, self.screen.lang()))?,
            }
        }
        Ok(())
    }

    fn still_running(&self) -> PlayError {
        StepFailure::new("the program's end".to_owned()).but(&format!("it still ran after {:?}", self.deadline))
    }
}

/// Whether `copy` has the bytes of `file`, both in the folder of the session.
fn same(file: &str, copy: &str, session: &Session<'_>) -> Result<(), PlayError> {
    let read = |name: &str| session.scratch.as_ref().map(|scratch| fs::read(scratch.path().join(name)));
    let original =
        read(file).unwrap_or_else(|| Ok(Vec::new())).map_err(|cause| PlayError::system("read", file, cause))?;
    let actual = match read(copy) {
        Some(Ok(bytes)) if bytes == original => return Ok(()),
        Some(Ok(bytes)) => format!("its {} bytes are not the {} of `{file}`", bytes.len(), original.len()),
        Some(Err(error)) => error.to_string(),
        None => "there is no folder".to_owned(),
    };
    Err(StepFailure::new(format!("`{copy}` to be the same as `{file}`")).but(&actual))
}

impl Session<'_> {
    fn lane(&mut self, name: &str) -> Result<&mut Lane, PlayError> {
        let lane = self.lanes.iter_mut().find(|(lane, _)| *lane == name).map(|(_, lane)| lane);
        // The script's check has refused a demo that does this.
        lane.ok_or_else(|| StepFailure::new(format!("a program in lane `{name}`")).but("none runs"))
    }
}
