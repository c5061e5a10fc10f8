//! Whether a demo's steps can be played in their order: found when the file is read, not on stage.
//!
//! Pure, as all of [`super`]; read its steps first.

use std::collections::BTreeSet;

use super::pattern::names;
use super::{ScriptError, Step};

/// Goes through the steps as the player will.
///
/// # Errors
/// [`ScriptError::Step`] for the first step that cannot be played.
pub(super) fn check(steps: &[Step]) -> Result<(), ScriptError> {
    let mut state = State { captured: BTreeSet::from([super::LANG, super::HERE]), ..State::default() };
    for (index, step) in steps.iter().enumerate() {
        state.step(step).map_err(|problem| ScriptError::Step { number: index + 1, problem })?;
    }
    state.end().map_err(|problem| ScriptError::Step { number: steps.len(), problem })
}

#[derive(Default)]
struct State<'a> {
    running: BTreeSet<&'a str>,
    captured: BTreeSet<&'a str>,
    question_open: bool,
    /// Something that would fail the demo has been looked at since the question.
    answer_seen: bool,
}

impl<'a> State<'a> {
    fn step(&mut self, step: &'a Step) -> Result<(), String> {
        self.answer_seen |= match step {
            Step::Wait { .. } | Step::Exit { .. } | Step::Same { .. } => true,
            Step::Run { expect, .. } => !expect.is_empty(),
            _ => false,
        };
        match step {
            Step::Say(_) => Ok(()),
            Step::Ask(_) if self.question_open => Err("a question before the last one was answered".to_owned()),
            Step::Ask(_) => {
                (self.question_open, self.answer_seen) = (true, false);
                Ok(())
            }
            Step::Answer(_) if !self.question_open => Err("an answer without a question".to_owned()),
            Step::Answer(_) if !self.answer_seen => Err("an answer that no step has held to what happened".to_owned()),
            Step::Answer(_) => {
                self.question_open = false;
                Ok(())
            }
            Step::Start { lane, command } => {
                self.know_all(names(command.text()))?;
                self.begin(lane)
            }
            Step::Wait { lane, part, like } => {
                self.captured.extend(part.names().chain(like.iter().flat_map(|like| like.names())));
                self.is_running(lane)
            }
            Step::Type { lane, line } => {
                self.know_all(names(line))?;
                self.is_running(lane)
            }
            Step::EndInput { lane } | Step::Interrupt { lane } => self.is_running(lane),
            Step::Exit { lane, .. } | Step::Kill { lane } => {
                self.is_running(lane)?;
                self.running.remove(lane.as_str());
                Ok(())
            }
            Step::Run { lane, command, expect, .. } => {
                self.know_all(names(command.text()))?;
                self.captured.extend(expect.iter().flat_map(|part| part.names()));
                self.begin(lane)?;
                self.running.remove(lane.as_str());
                Ok(())
            }
            Step::Same { file, copy } => {
                let outside = [file, copy].into_iter().find(|name| !super::folder::is_inside(name));
                outside.map_or(Ok(()), |name| Err(format!("`{name}` leads out of the folder")))
            }
            Step::Page { file } if super::folder::is_plain(file) => Ok(()),
            Step::Page { file } => Err(format!("`{file}` is not a plain name")),
        }
    }

    fn end(&self) -> Result<(), String> {
        if let Some(lane) = self.running.first() {
            return Err(format!("the demo ends without `exit` for lane `{lane}`"));
        }
        if self.question_open {
            return Err("the demo ends with a question".to_owned());
        }
        Ok(())
    }

    fn begin(&mut self, lane: &'a str) -> Result<(), String> {
        if !self.running.insert(lane) {
            return Err(format!("lane `{lane}` is still running"));
        }
        Ok(())
    }

    fn is_running(&self, lane: &str) -> Result<(), String> {
        if !self.running.contains(lane) {
            return Err(format!("no program runs in lane `{lane}`"));
        }
        Ok(())
    }

    fn know_all(&self, mut names: impl Iterator<Item = &'a str>) -> Result<(), String> {
        match names.find(|name| !self.captured.contains(name)) {
            Some(name) => Err(format!("nothing has captured `{{{name}}}`")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::script::Demo;

    const HEAD: &str = r#"
        chapter = 9
        name = "test"
        title = { en = "Title", zh-TW = "標題" }
        about = { en = "About.", zh-TW = "關於。" }
        read = "README.md"
    "#;
    const START: &str = "[[steps]]\nstart.lane = \"伺服器\"\nstart.command = \"echo\"\n";
    const EXIT: &str = "[[steps]]\nexit.lane = \"伺服器\"\n";
    const ASK: &str = "[[steps]]\nask = { en = \"?\", zh-TW = \"？\" }\n";
    const ANSWER: &str = "[[steps]]\nanswer = { en = \"!\", zh-TW = \"！\" }\n";

    fn parse(steps: &[&str]) -> Result<(), String> {
        let text = format!("{HEAD}\n{}", steps.concat());
        let error = Demo::parse(&text).map(drop).map_err(anyhow::Error::from);
        error.map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_demo_that_ends_what_it_starts_is_taken() {
        assert_eq!(parse(&[START, ASK, EXIT, ANSWER, START, EXIT]), Ok(()));
    }

    #[test]
    fn a_step_that_cannot_be_played_is_named() {
        let wait = "[[steps]]\nwait.lane = \"小明\"\nwait.for = \"x\"\n";
        let outside = "[[steps]]\npage.file = \"../報告.html\"\n";
        let elsewhere = "[[steps]]\nsame.file = \"課表.txt\"\nsame.copy = \"收件匣/../../課表.txt\"\n";
        let unknown = "[[steps]]\nrun.lane = \"小明\"\nrun.command = \"echo {server}\"\n";
        let run = "[[steps]]\nrun.lane = \"小明\"\nrun.command = \"echo\"\n";
        for (steps, want) in [
            (vec![START, START], "step 2: lane `伺服器` is still running"),
            (vec![START], "step 1: the demo ends without `exit` for lane `伺服器`"),
            (vec![EXIT], "step 1: no program runs in lane `伺服器`"),
            (vec![START, wait, EXIT], "step 2: no program runs in lane `小明`"),
            (vec![unknown], "step 1: nothing has captured `{server}`"),
            (vec![ASK, ASK], "step 2: a question before the last one was answered"),
            (vec![ANSWER], "step 1: an answer without a question"),
            (vec![START, ASK, ANSWER, EXIT], "step 3: an answer that no step has held to what happened"),
            (vec![START, EXIT, ASK, run, ANSWER], "step 5: an answer that no step has held to what happened"),
            (vec![ASK], "step 1: the demo ends with a question"),
            (vec![outside], "step 1: `../報告.html` is not a plain name"),
            (vec![elsewhere], "step 1: `收件匣/../../課表.txt` leads out of the folder"),
        ] {
            assert_eq!(parse(&steps), Err(want.to_owned()));
        }
    }

    #[test]
    fn a_misspelled_key_is_refused() {
        let misspelled = START.replace("start.lane", "start.lain");
        assert!(parse(&[&misspelled, EXIT]).unwrap_err().contains("lain"));
    }
}
