//! A demo as it is written: a TOML file of steps, read into types that cannot be wrong.
//!
//! Pure: no process, no socket, no clock. [`Demo::parse`] reads a file and refuses one that could not
//! be played (a lane that was never started, a value that nothing captured); `crate::player` plays it.
//! Read `demos/01-sockets.toml` beside this file. Format: TOML 1.0, <https://toml.io/en/v1.0.0>.

mod check;
mod command;
mod folder;
mod pattern;

use std::collections::{BTreeMap, BTreeSet};

use netcommon::lang::Lang;
use serde::Deserialize;

pub use command::CommandLine;
pub use folder::Contents;
pub(crate) use folder::Scratch;
pub use pattern::{Pattern, fill};

/// The one value that every demo begins with: the language of its sentences, as `--lang` takes it.
pub const LANG: &str = "lang";

/// Another one, where there is a folder: its path.
pub const HERE: &str = "here";

/// What the demo has captured so far: `server` → `127.0.0.1:40813`.
pub type Values = BTreeMap<String, String>;

/// One session: which chapter it shows, and what happens in it.
///
/// # Examples
/// ```
/// use course::script::Demo;
///
/// let demo = Demo::parse(r#"
///     chapter = 2
///     name = "hello"
///     title = { en = "Hello", zh-TW = "你好" }
///     about = { en = "One client.", zh-TW = "一個用戶端。" }
///     read = "crates/02-tcp-client/src/lib.rs"
///     [[steps]]
///     run.lane = "client"
///     run.command = "tcp-client --help"
/// "#)?;
/// assert_eq!(demo.programs(), ["tcp-client"]);
/// # Ok::<(), course::script::ScriptError>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demo {
    /// The chapter's number.
    pub chapter: u8,
    /// The demo's short name, as `course demo NAME` takes it.
    pub name: String,
    /// The heading.
    pub title: Text,
    /// One or two sentences before the first step.
    pub about: Text,
    /// The file to read first afterwards.
    pub read: String,
    /// Commands that a pupil can try alone afterwards.
    #[serde(default, rename = "try")]
    pub to_try: Vec<String>,
    /// What lies in the folder that the programs are started in; without it they start where the course does.
    #[serde(default)]
    pub folder: Contents,
    /// What happens, in this order.
    pub steps: Vec<Step>,
    /// What follows when the demo is played alone; a tour has no time for it.
    pub crowd: Option<Crowd>,
}

/// A crowd of clients before the servers of chapters 2 and 6, one after the other: `crate::crowd`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crowd {
    /// How many clients; each number is a crowd of its own.
    pub clients: Vec<u16>,
    /// For how many seconds each server is asked.
    pub seconds: u16,
    /// A question to predict.
    pub ask: Text,
    /// Its answer.
    pub answer: Text,
}

/// The same sentence in both languages of the course.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    en: String,
    #[serde(rename = "zh-TW")]
    zh_tw: String,
}

impl Text {
    /// The sentence in `lang`.
    #[must_use]
    pub fn pick(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.zh_tw)
    }
}

/// One thing that happens. A lane is one program with its label on the screen.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// One sentence on what to see.
    Say(Text),
    /// A question to predict; an `answer` follows it.
    Ask(Text),
    /// The answer to the last question, after it was seen.
    Answer(Text),
    /// Starts a program in a lane of its own.
    Start {
        /// The lane's label.
        lane: String,
        /// What a pupil would type, without `cargo run -p`.
        command: CommandLine,
    },
    /// Waits for a line in a lane; everything up to it is shown.
    Wait {
        /// Where.
        lane: String,
        /// What the line contains; `{server}` captures a word the first time and stands for it afterwards.
        #[serde(rename = "for")]
        part: Pattern,
        /// How the whole line must look, when a part is not enough.
        like: Option<Pattern>,
    },
    /// Types a line into a program.
    Type {
        /// Where.
        lane: String,
        /// The line, without its end.
        line: String,
    },
    /// Ends a program's input, as Ctrl-D does.
    EndInput {
        /// Where.
        lane: String,
    },
    /// Interrupts a program, as Ctrl-C does.
    Interrupt {
        /// Where.
        lane: String,
    },
    /// Expects a program's end.
    Exit {
        /// Where.
        lane: String,
        /// The exit code that it must have.
        #[serde(default)]
        code: i32,
    },
    /// Runs a program to its end.
    Run {
        /// The lane's label.
        lane: String,
        /// What a pupil would type, without `cargo run -p`.
        command: CommandLine,
        /// What its lines must contain, in this order; several blanks in a line count as one.
        #[serde(default)]
        expect: Vec<Pattern>,
        /// Shows only lines that contain one of these, and says how many it leaves out.
        #[serde(default)]
        show: Vec<String>,
        /// The exit code that it must have.
        #[serde(default)]
        code: i32,
    },
    /// Ends a program at once, when how it would end is of no interest.
    Kill {
        /// Where.
        lane: String,
    },
    /// Expects that two files of the demo's folder have the same bytes.
    Same {
        /// The original.
        file: String,
        /// What was made of it.
        copy: String,
    },
    /// Shows a page that a program has made: in the browser when somebody goes step by step.
    Page {
        /// Its name in the demo's folder.
        file: String,
    },
}

/// A demo file that cannot be played, and why.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// Not TOML, or not the TOML of a demo.
    #[error("not a demo")]
    Toml(#[from] toml::de::Error),
    /// A file or folder that would lie outside the demo's own folder.
    #[error("folder: `{name}` is not a plain name")]
    Name {
        /// As it is written.
        name: String,
    },
    /// A step that makes no sense where it stands.
    #[error("step {number}: {problem}")]
    Step {
        /// Counted from 1, as a reader counts.
        number: usize,
        /// What is wrong with it.
        problem: String,
    },
}

/// The packages whose programs `steps` start, each once.
pub(crate) fn packages<'a>(steps: impl IntoIterator<Item = &'a Step>) -> BTreeSet<&'a str> {
    steps.into_iter().filter_map(|step| step.command()?.package()).collect()
}

/// Whether steps can be played in this order, and a folder made for them.
///
/// # Errors
/// [`ScriptError`] says which step cannot be played and why.
pub(crate) fn check_steps(folder: &Contents, steps: &[Step]) -> Result<(), ScriptError> {
    match folder.wrong_name() {
        Some(name) => Err(ScriptError::Name { name: name.to_owned() }),
        None => check::check(steps),
    }
}

impl Demo {
    /// Reads a demo file.
    ///
    /// # Errors
    /// [`ScriptError`] says which step cannot be played and why.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let demo: Self = toml::from_str(text)?;
        check_steps(&demo.folder, &demo.steps)?;
        Ok(demo)
    }

    /// The packages whose programs the demo starts, each once, sorted.
    #[must_use]
    pub fn programs(&self) -> Vec<&str> {
        let mut programs = packages(&self.steps);
        programs.extend(self.crowd.iter().flat_map(|_| crate::crowd::SERVERS));
        programs.into_iter().collect()
    }

    /// The lanes' labels, in the order in which they appear.
    pub fn lanes(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Start { lane, .. } | Step::Run { lane, .. } => Some(lane.as_str()),
            _ => None,
        })
    }
}

impl Step {
    /// The command that the step starts, if it starts one.
    #[must_use]
    pub fn command(&self) -> Option<&CommandLine> {
        match self {
            Self::Start { command, .. } | Self::Run { command, .. } => Some(command),
            _ => None,
        }
    }
}
