//! The program `socket-basics`: command line in, one page per topic or one JSON object out.
//!
//! Wiring only; the lesson is in the library, to be read in the order that `lib.rs` gives. The errors
//! that a topic provokes are its results; the exit code is 1 when a name has no address, or when the
//! system refuses what a topic needs: that is said, and the other topics come all the same.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use netcommon::cli::{Common, finish, print_line};
use netcommon::lang::Lang;
use socket_basics::topic::{Finding, LookError, Report, Topic};

/// Teaches what a socket is: its numbers, its options, its names, and the errors that everybody meets.
#[derive(Debug, Parser)]
#[command(
    name = "socket-basics",
    version,
    after_help = "Examples:\n  socket-basics\n  socket-basics errors refused --lang zh-TW"
)]
struct Args {
    /// What to look at; by default everything
    topic: Option<Topic>,

    /// With `resolve`: the name to look up; with `errors`: the one error to provoke
    what: Option<String>,

    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    finish("socket-basics", run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.common.apply();
    let topics = args.topic.as_ref().map_or(Topic::all(), std::slice::from_ref);
    let mut found = BTreeMap::new();
    let mut code = ExitCode::SUCCESS;
    for (index, topic) in topics.iter().enumerate() {
        let finding = match topic.look(args.what.as_deref(), args.common.lang) {
            Ok(finding) => finding,
            Err(LookError::System(error)) => {
                code = finish("socket-basics", Err(error.into()));
                continue;
            }
            Err(LookError::Usage(message)) => {
                Args::command().error(ErrorKind::ValueValidation, message).print()?;
                return Ok(ExitCode::from(2));
            }
        };
        if finding.is_nothing() {
            code = ExitCode::FAILURE;
        }
        if args.json {
            found.insert(topic.name(), finding);
        } else {
            print_page(index, &finding, args.common.lang)?;
        }
    }
    if args.json {
        let report = Report { system: std::env::consts::OS, topics: found };
        print_line(format_args!("{}", serde_json::to_string_pretty(&report)?))?;
    }
    Ok(code)
}

/// Prints a page as soon as it is there, an empty line before every page but the first.
fn print_page(index: usize, finding: &Finding, lang: Lang) -> anyhow::Result<()> {
    if index > 0 {
        print_line(format_args!(""))?;
    }
    print_line(format_args!("{}", finding.page(lang)))?;
    Ok(())
}
