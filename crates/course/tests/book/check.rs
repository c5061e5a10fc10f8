//! Plays a session and compares each step with what its page shows.
//!
//! A program that fails must show it: on the page is its stderr (`2>&1`), or the exit code is asked for
//! (`echo $?`). Read `session.rs` and `compare.rs` before.

use crate::compare::difference;
use crate::page::Page;
use crate::session::{Said, play};
use crate::support::{Finding, finding};
use crate::transcript::{Lane, Session};

/// Plays a session and compares every step with its page.
pub(crate) fn session(page: &Page, session: &Session) -> Vec<Finding> {
    let name = &session.name;
    let played = match play(session, false) {
        Ok(played) => played,
        Err(error) => {
            return vec![finding(&page.path, session.lanes[0].steps[0].line, format!("transcript {name}: {error}"))];
        }
    };
    let mut found = Vec::new();
    for (lane, said) in session.lanes.iter().zip(&played.said) {
        for (number, (step, said)) in lane.steps.iter().zip(said).enumerate() {
            let mut wrong = |what: String| {
                let stderr =
                    if said.stderr.is_empty() { String::new() } else { format!("\n    its stderr: {}", said.stderr) };
                found.push(finding(&page.path, step.line, format!("transcript {name}: {what}{stderr}")));
            };
            if let Some(difference) = difference(&step.expected(), &said.lines, &played.kept) {
                wrong(difference);
            } else if fails_in_silence(lane, number, said) {
                wrong(format!("ends with {:?}, and the page shows neither stderr (`2>&1`) nor `echo $?`", said.code));
            }
        }
    }
    found
}

/// Whether a program failed although its page shows no error and does not ask for the exit code.
fn fails_in_silence(lane: &Lane, number: usize, said: &Said) -> bool {
    let step = &lane.steps[number];
    let is_open = step.run().is_some_and(|run| run.merged) || step.is_interrupted();
    let is_asked = lane.steps.get(number + 1).is_some_and(|next| next.run().is_none());
    said.code != Some(0) && !is_open && !is_asked
}
