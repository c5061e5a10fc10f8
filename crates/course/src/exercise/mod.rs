//! The exercises' checker: a pupil's program, in any language, is held to its exercise over real sockets.
//!
//! ```text
//! exercises/*.toml ──▶ Exercise (cases) ──▶ trial ──start──▶ the pupil's program (a lane)
//!                                             └──connect──▶ clients in our own hands (peers)
//! ```
//!
//! A case is a conversation that clients of ours hold with the program, or a play in which it has a part
//! beside the course's own programs. Every case starts the program anew, so none depends on another.
//!
//! Read in this order: `exercises/chat.toml` · [`bytes`] and [`talk`], how a conversation is written (pure) ·
//! [`peer`], a client · [`yours`], the pupil's command · [`trial`], one case · [`check`], the command. [`start`]
//! lays the first file of an exercise into a folder.

pub mod bytes;
pub mod check;
pub mod peer;
pub mod start;
pub mod talk;
pub mod trial;
pub mod yours;

use serde::Deserialize;

use crate::script::{Contents, ScriptError, Step, Text, check_steps};
use peer::Wire;
use talk::{Line, TalkError};

/// Name and text of every exercise, in the book's order.
const FILES: &[(&str, &str)] = &[
    ("lines.toml", include_str!("../../exercises/lines.toml")),
    ("length.toml", include_str!("../../exercises/length.toml")),
    ("udp.toml", include_str!("../../exercises/udp.toml")),
    ("http.toml", include_str!("../../exercises/http.toml")),
    ("chat.toml", include_str!("../../exercises/chat.toml")),
    ("file-receive.toml", include_str!("../../exercises/file-receive.toml")),
    ("file-send.toml", include_str!("../../exercises/file-send.toml")),
];

/// An exercise: what the pupil's program is asked to do, and the cases that it is held to.
#[derive(Debug)]
pub struct Exercise {
    /// The chapter's number.
    pub chapter: u8,
    /// The name, as `course check NAME` takes it.
    pub name: String,
    /// One line on what is to be built.
    pub title: Text,
    /// The chapter's page, a file name in `docs/en` and `docs/zh-TW`.
    pub page: String,
    /// What may stand in the command, and what the program has to do with it.
    pub command: Text,
    /// A command that could be the pupil's.
    pub example: String,
    /// The cases, in the order in which they are tried.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Debug)]
pub struct Case {
    /// What holds when the case passes.
    pub title: Text,
    /// How it is tried.
    pub kind: Kind,
}

/// How a case is tried.
#[derive(Debug)]
pub enum Kind {
    /// Clients of ours talk with the program.
    Talk {
        /// How their messages travel.
        wire: Wire,
        /// What they say and hear.
        lines: Vec<Line>,
    },
    /// A demo in which the program has a part, under the name `yours`.
    Play {
        /// What lies in the folder that it is played in.
        folder: Contents,
        /// What happens.
        steps: Vec<Step>,
    },
}

/// An exercise's file that cannot be read; a test keeps this from happening.
#[derive(Debug, thiserror::Error)]
pub enum ExerciseError {
    /// Not TOML, or not the TOML of an exercise.
    #[error("not an exercise")]
    Toml(#[from] toml::de::Error),
    /// A conversation that cannot be held.
    #[error("case {number}")]
    Talk {
        /// Counted from 1.
        number: usize,
        /// Which line, and why.
        #[source]
        cause: TalkError,
    },
    /// A play that cannot be played.
    #[error("case {number}")]
    Play {
        /// Counted from 1.
        number: usize,
        /// Which step, and why.
        #[source]
        cause: ScriptError,
    },
    /// A case that is neither.
    #[error("case {number} needs either `talk`, and a `wire` for all of them, or `steps`")]
    Neither {
        /// Counted from 1.
        number: usize,
    },
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    chapter: u8,
    name: String,
    title: Text,
    page: String,
    command: Text,
    example: String,
    wire: Option<Wire>,
    /// What every conversation begins with.
    #[serde(default)]
    opening: String,
    cases: Vec<WrittenCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCase {
    title: Text,
    talk: Option<String>,
    #[serde(default)]
    folder: Contents,
    steps: Option<Vec<Step>>,
}

impl Exercise {
    /// Reads an exercise's file.
    ///
    /// # Errors
    /// [`ExerciseError`] says which case cannot be tried and why.
    pub fn parse(text: &str) -> Result<Self, ExerciseError> {
        let Written { chapter, name, title, page, command, example, wire, opening, cases } = toml::from_str(text)?;
        let cases = cases.into_iter().enumerate().map(|(index, case)| {
            let number = index + 1;
            let kind = match (case.talk, wire, case.steps) {
                (Some(talk), Some(wire), None) => {
                    let lines = talk::parse(&format!("{opening}\n{talk}"))
                        .map_err(|cause| ExerciseError::Talk { number, cause })?;
                    Kind::Talk { wire, lines }
                }
                (None, _, Some(steps)) => {
                    check_steps(&case.folder, &steps).map_err(|cause| ExerciseError::Play { number, cause })?;
                    Kind::Play { folder: case.folder, steps }
                }
                _ => return Err(ExerciseError::Neither { number }),
            };
            Ok(Case { title: case.title, kind })
        });
        Ok(Self { chapter, name, title, page, command, example, cases: cases.collect::<Result<_, _>>()? })
    }
}

/// All exercises, in the book's order.
///
/// # Panics
/// When a file of the course itself cannot be read, which a test keeps from happening.
///
/// # Examples
/// ```
/// let names: Vec<_> = course::exercise::all().into_iter().map(|exercise| exercise.name).collect();
/// assert_eq!(names[..2], ["lines", "length"]);
/// ```
#[must_use]
pub fn all() -> Vec<Exercise> {
    let read = |(_, text): &(&str, &str)| Exercise::parse(text).expect("a test reads every file of the list");
    FILES.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use netcommon::lang::Lang;

    use super::*;

    fn problem(text: &str) -> String {
        format!("{:#}", anyhow::Error::from(Exercise::parse(text).unwrap_err()))
    }

    #[test]
    fn every_file_of_the_folder_is_in_the_list_and_can_be_tried() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("exercises");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let files: BTreeSet<_> = files.filter(|name| name.ends_with(".toml")).collect();
        assert_eq!(files, FILES.iter().map(|(name, _)| (*name).to_owned()).collect());
        for (file, text) in FILES {
            let exercise = Exercise::parse(text).map_err(anyhow::Error::from).unwrap();
            assert_eq!(*file, format!("{}.toml", exercise.name));
            assert!(exercise.cases.len() > 2, "{file}");
        }
    }

    #[test]
    fn every_exercise_has_its_page_and_titles_of_one_line() {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        for exercise in all() {
            for lang in [Lang::En, Lang::ZhTw] {
                let page = docs.join(lang.to_string()).join(&exercise.page);
                let page = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
                let command = format!("check {} --", exercise.name);
                assert!(page.contains(&command), "the page does not tell of `{command}`");
                for case in &exercise.cases {
                    let title = case.title.pick(lang);
                    assert!(netcommon::columns::width(title) <= 68, "{}: {title}", exercise.name);
                }
            }
        }
    }

    #[test]
    fn a_case_that_cannot_be_tried_is_named() {
        let head = |rest: &str| {
            format!(
                r#"chapter = 2
                name = "x"
                page = "02-tcp.md"
                example = "x"
                title = {{ en = "x", zh-TW = "x" }}
                command = {{ en = "x", zh-TW = "x" }}
                {rest}"#
            )
        };
        let case = "[[cases]]\ntitle = { en = \"x\", zh-TW = \"x\" }\n";
        let neither = "case 1 needs either `talk`, and a `wire` for all of them, or `steps`";
        assert_eq!(problem(&head(case)), neither);
        assert_eq!(problem(&head(&format!("{case}talk = \"小明 connects\""))), neither);
        let talk = format!("wire = \"lines\"\n{case}talk = \"小明 > 好\"");
        assert_eq!(problem(&head(&talk)), "case 1: line `小明 > 好`: 小明 is not connected");
        let play = format!("{case}[[cases.steps]]\nexit.lane = \"網路\"\n");
        assert_eq!(problem(&head(&play)), "case 1: step 1: no program runs in lane `網路`");
    }
}
