//! Transcripts: what a pupil types and sees, in one or more terminals ("lanes") at a time.
//!
//! ```text
//! session "echo"      lane "server"   $ cargo run -q -p tcp-server     step: a command and what it shows
//!                     lane "client"   $ cargo run -q -p tcp-client
//! ```
//! A line with a program's prompt is typed by the pupil, `^C` is the pupil's Ctrl-C, and `[...]` alone
//! on a line stands for any number of lines. Read `page.rs` and `command.rs` before.

use crate::command::{self, Command, Run};
use crate::page::{Mark, Page};
use crate::support::{Finding, finding};

/// What stands before what the pupil types.
pub(crate) const PROMPTS: [&str; 1] = ["Enter message (or 'quit' to exit): "];

/// The line that matches any number of lines.
pub(crate) const ANYTHING: &str = "[...]";

/// The blocks of one page with one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// The name in the mark.
    pub name: String,
    /// Whether the page, and so the pupil's system, is Chinese.
    pub chinese: bool,
    /// The terminals, in order of appearance.
    pub lanes: Vec<Lane>,
}

/// One terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lane {
    /// The words behind `console`, such as `server`.
    pub label: String,
    /// Indices of its blocks in [`Page::blocks`]: more than one when the page goes on with it later.
    pub blocks: Vec<usize>,
    /// Its commands in order.
    pub steps: Vec<Step>,
}

/// A command and what the page shows of its output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// The line number of the command on the page.
    pub line: usize,
    /// The line with the command as it stands on the page.
    pub typed_command: String,
    /// The command.
    pub command: Command,
    /// The lines below it, with what was typed.
    pub shown: Vec<String>,
}

impl Step {
    /// The program that the step runs, if it runs one.
    pub(crate) fn run(&self) -> Option<&Run> {
        match &self.command {
            Command::Run(run) => Some(run),
            Command::ExitCode => None,
        }
    }

    /// What the pupil types, line by line.
    pub(crate) fn typed(&self) -> Vec<&str> {
        self.shown.iter().filter_map(|line| typed(line)).collect()
    }

    /// Whether the pupil presses Ctrl-C.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.shown.iter().any(|line| line.starts_with("^C"))
    }

    /// The program's own lines: without what was typed, and without `^C`.
    pub(crate) fn expected(&self) -> Vec<String> {
        let own = self.shown.iter().filter(|line| typed(line).is_none() && *line != "^C");
        own.map(|line| line.strip_prefix("^C").unwrap_or(line).to_owned()).collect()
    }

    /// The program's own lines before Ctrl-C.
    pub(crate) fn before_interrupt(&self) -> Vec<String> {
        let before = self.shown.iter().take_while(|line| !line.starts_with("^C"));
        before.filter(|line| typed(line).is_none()).cloned().collect()
    }

    /// The address that a server's first line shows; the tour is none, though it shows such lines.
    pub(crate) fn listens_on(&self) -> Option<&str> {
        let own = self.run().is_some_and(|run| run.program != "course");
        let addr = |line: &'_ String| line.find("listening on ").map(|at| at + "listening on ".len());
        let line =
            self.shown.iter().filter(|_| own).find(|line| addr(line).is_some_and(|at| !line[at..].contains(' ')))?;
        Some(line.rsplit(' ').next().unwrap_or_default())
    }
}

fn typed(line: &str) -> Option<&str> {
    PROMPTS.iter().find_map(|prompt| line.strip_prefix(prompt).or((line == prompt.trim_end()).then_some("")))
}

/// The sessions of a page, and blocks that are none.
pub(crate) fn sessions(page: &Page) -> (Vec<Session>, Vec<Finding>) {
    let mut sessions: Vec<Session> = Vec::new();
    let mut wrong = Vec::new();
    for (index, block) in page.blocks.iter().enumerate() {
        let Some(label) = block.info.strip_prefix("console") else { continue };
        let Mark::Transcript(name) = &block.mark else {
            let what = "a console block that nothing runs: name it with `<!-- transcript: NAME -->` above; what cannot be run \
                        here stands in a `text` block";
            wrong.push(finding(&page.path, page.line_of(block), what));
            continue;
        };
        let at = sessions.iter().position(|session| session.name == *name).unwrap_or_else(|| {
            sessions.push(Session { name: name.clone(), chinese: page.is_chinese(), lanes: Vec::new() });
            sessions.len() - 1
        });
        if let Err(error) = add_block(&mut sessions[at], label.trim(), index, page) {
            wrong.push(finding(&page.path, page.line_of(block), format!("transcript {name}: {error}")));
        }
    }
    (sessions, wrong)
}

fn add_block(session: &mut Session, label: &str, index: usize, page: &Page) -> Result<(), String> {
    let block = &page.blocks[index];
    let (before, steps) = steps(page.content(block), page.line_of(block))?;
    let lane = session.lanes.iter().position(|lane| lane.label == label);
    match lane {
        Some(lane) => {
            let lane = &mut session.lanes[lane];
            lane.blocks.push(index);
            lane.steps.last_mut().ok_or("a lane without a command")?.shown.extend(before);
            lane.steps.extend(steps);
        }
        None if before.is_empty() && !steps.is_empty() => {
            session.lanes.push(Lane { label: label.to_owned(), blocks: vec![index], steps });
        }
        None => return Err("the first block of a lane begins with `$ ` and a command".to_owned()),
    }
    Ok(())
}

/// The lines before the first command, and the commands.
fn steps(lines: &[String], first: usize) -> Result<(Vec<String>, Vec<Step>), String> {
    let mut before = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        // The tour shows commands itself; its lines are output.
        let in_tour = steps.last().and_then(Step::run).is_some_and(|run| run.program == "course");
        match line.strip_prefix("$ ").filter(|command| !in_tour || *command == "echo $?") {
            Some(command) => {
                let command = command::parse(command)?;
                steps.push(Step { line: first + number, typed_command: line.clone(), command, shown: Vec::new() });
            }
            None => steps.last_mut().map_or(&mut before, |step| &mut step.shown).push(line.clone()),
        }
    }
    Ok((before, steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<!-- transcript: echo -->\n```console server\n$ cargo run -q -p tcp-server\nServer listening on 127.0.0.1:8888\n\
        ^C\nServer shutting down...\n```\ntext\n```console client\n$ cargo run -q -p tcp-client\n\
        Enter message (or 'quit' to exit): 你好\nServer response: 你好\nEnter message (or 'quit' to exit): quit\n$ echo $?\n0\n```\n\
        ```console server\nGoodbye\n```\n";

    fn read(text: &str) -> (Vec<Session>, Vec<Finding>) {
        sessions(&Page::parse("docs/en/a.md", text))
    }

    #[test]
    fn blocks_of_one_name_are_one_session() {
        let (sessions, wrong) = read(PAGE);
        assert_eq!((sessions.len(), wrong), (1, Vec::new()));
        let [server, client] = sessions[0].lanes.as_slice() else { panic!("{sessions:?}") };
        let step = &server.steps[0];
        assert_eq!((step.listens_on(), step.is_interrupted()), (Some("127.0.0.1:8888"), true));
        assert_eq!(step.before_interrupt(), ["Server listening on 127.0.0.1:8888"]);
        assert_eq!(step.expected(), ["Server listening on 127.0.0.1:8888", "Server shutting down...", "Goodbye"]);
        assert_eq!(
            (client.steps[0].typed(), client.steps[0].expected()),
            (vec!["你好", "quit"], vec!["Server response: 你好".to_owned()])
        );
        assert_eq!((&client.steps[1].command, client.steps[1].line), (&Command::ExitCode, 14));
    }

    #[test]
    fn the_tours_own_commands_and_servers_are_output() {
        let (sessions, _) = read(
            "<!-- transcript: tour -->\n```console\n$ cargo run -q\n$ cargo run -q -p tcp-server\nServer listening on 127.0.0.1:1\n```\n",
        );
        assert_eq!((sessions[0].lanes[0].steps.len(), sessions[0].lanes[0].steps[0].listens_on()), (1, None));
    }

    #[test]
    fn blocks_that_cannot_be_run_are_found() {
        for (text, want) in [
            ("```console\n$ cargo run -q\n```\n", "nothing runs"),
            ("<!-- transcript: a -->\n```console\n$ nc 127.0.0.1 1\n```\n", "can be checked"),
            ("<!-- transcript: a -->\n```console\nno command\n```\n", "begins with"),
        ] {
            let (_, wrong) = read(text);
            assert!(wrong.len() == 1 && wrong[0].what.contains(want), "{want}: {wrong:?}");
        }
    }
}
