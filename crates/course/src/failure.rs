//! Why a demo did not go as it should: which step, what was expected, what each lane said.
//!
//! Written for the author of a demo or a chapter, in English as all errors are. Made by `crate::player`.

use std::fmt::Write as _;
use std::io;

use netcommon::cli::StdoutError;
use netcommon::error::OpError;

use crate::lane::Lane;
use crate::programs::ProgramsError;
use crate::script::Step;

/// A demo that ended before its last step.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// Something that it shows did not happen.
    #[error("{0}")]
    Step(Box<StepFailure>),
    /// A program of it is not there.
    #[error(transparent)]
    Programs(#[from] ProgramsError),
    /// The system refused something.
    #[error(transparent)]
    System(#[from] OpError),
    /// A crowd that was not served.
    #[error("{0:#}")]
    Crowd(anyhow::Error),
    /// Nobody reads our output any more.
    #[error(transparent)]
    Stdout(#[from] StdoutError),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// A step that did not go as it should.
#[derive(Debug)]
pub struct StepFailure {
    /// `chapter 2, step 7 (wait in lane 小明)`; empty until the player knows it.
    place: String,
    expected: String,
    actual: String,
    lanes: Vec<(String, Vec<String>)>,
}

impl std::fmt::Display for StepFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: expected {}, but {}", self.place, self.expected, self.actual)?;
        for (lane, said) in &self.lanes {
            write!(f, "\n  {lane} said:")?;
            if said.is_empty() {
                f.write_str(" nothing")?;
            }
            said.iter().try_for_each(|line| write!(f, "\n    {line}"))?;
        }
        Ok(())
    }
}

impl StepFailure {
    pub(crate) fn new(expected: String) -> Self {
        Self { place: String::new(), expected, actual: String::new(), lanes: Vec::new() }
    }

    pub(crate) fn line_expected(part: &str, like: Option<String>) -> Self {
        let mut expected = format!("a line with `{part}`");
        if let Some(like) = like {
            // Writing to a String cannot fail.
            let _ = write!(expected, " that reads `{like}`");
        }
        Self::new(expected)
    }

    pub(crate) fn but(mut self, actual: &str) -> PlayError {
        actual.clone_into(&mut self.actual);
        PlayError::Step(Box::new(self))
    }
}

impl PlayError {
    pub(crate) fn system(operation: &'static str, object: &str, cause: io::Error) -> Self {
        Self::System(OpError::new(operation, format_args!("`{object}`"), cause))
    }

    /// Adds where it happened and what everybody had said.
    pub(crate) fn in_step(mut self, index: usize, step: &Step, lanes: &mut [(&str, Lane)]) -> Self {
        if let Self::Step(failure) = &mut self {
            failure.place = format!("step {} ({})", index + 1, name(step));
            for (name, lane) in lanes {
                failure.lanes.push(((*name).to_owned(), lane.last_words().map(str::to_owned).collect()));
            }
        }
        self
    }

    /// Adds which chapter's demo it was.
    pub(crate) fn in_chapter(mut self, chapter: u8) -> Self {
        if let Self::Step(failure) = &mut self {
            failure.place = format!("chapter {chapter}, {}", failure.place);
        }
        self
    }
}

/// The step as it is called in the file, with its lane.
fn name(step: &Step) -> String {
    match step {
        Step::Say(_) => "say".to_owned(),
        Step::Ask(_) => "ask".to_owned(),
        Step::Answer(_) => "answer".to_owned(),
        Step::Start { lane, command } => format!("start `{}` in lane `{lane}`", command.text()),
        Step::Wait { lane, .. } => format!("wait in lane `{lane}`"),
        Step::Type { lane, .. } => format!("type into lane `{lane}`"),
        Step::EndInput { lane } => format!("end the input of lane `{lane}`"),
        Step::Interrupt { lane } => format!("interrupt lane `{lane}`"),
        Step::Exit { lane, .. } => format!("exit of lane `{lane}`"),
        Step::Run { lane, command, .. } => format!("run `{}` in lane `{lane}`", command.text()),
        Step::Kill { lane } => format!("kill lane `{lane}`"),
        Step::Same { file, copy } => format!("same `{file}` and `{copy}`"),
        Step::Page { file } => format!("page `{file}`"),
    }
}
