//! The program `course`: options in, a tour, a demo, a list or a doctor's report out.
//!
//! Without arguments it plays the tour. Read `course::tour` next, or `course::doctor`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use course::exercise::{check, start};
use course::{crowd, doctor, tour};
use netcommon::cli::finish;
use netcommon::lang::Lang;
use netcommon::units::parse_duration;

/// Teaches by playing the chapters' programs over real sockets; without a command, a tour of all chapters.
#[derive(Parser)]
#[command(
    version,
    after_help = "\
Examples:
  cargo run                        the tour
  cargo run -- demo 2 --step       chapter 2, one step at a time
  cargo run -- check chat -- python3 chat.py {address}"
)]
struct Args {
    #[command(subcommand)]
    command: Option<Action>,

    /// The language of explanations: `en` or `zh-TW`; by default the system's
    #[arg(long, value_name = "LANG", default_value = "auto", hide_default_value = true, global = true)]
    lang: Lang,

    /// Plays the programs of this folder; by default they are built beside the course itself
    #[arg(long, value_name = "DIR", global = true)]
    programs: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Action {
    /// List the chapters that have a demo
    List,
    /// Play one chapter's demo
    Demo {
        /// A chapter's number, a demo's name, a program, or the path of a demo file (`.toml`)
        chapter: String,
        /// Stop before each action, ask what will happen, and wait for Enter
        #[arg(long)]
        step: bool,
    },
    /// Send a crowd of clients to the servers of chapters 2 and 6, and watch both
    Crowd {
        /// How many clients
        #[arg(default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=i64::from(crowd::CLIENTS_MAX)))]
        clients: u16,
        /// For how many seconds each
        #[arg(long, default_value_t = 3)]
        seconds: u16,
    },
    /// Check your own program for an exercise, in any language; without a name, list the exercises
    Check {
        /// The exercise's name
        exercise: Option<String>,
        /// Try only this case
        #[arg(long, value_name = "N")]
        case: Option<usize>,
        /// How long a client waits for a message, for example 20s on a slow machine
        #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
        patience: Duration,
        /// Your command, with places such as {address} that are filled in
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Lay the first file of an exercise into a folder: it runs, and everything is still to do
    Start {
        /// The exercise's name
        exercise: String,
        /// Where; mine/NAME if not given
        folder: Option<PathBuf>,
    },
    /// See whether this computer is ready for the course
    Doctor,
}

fn main() -> ExitCode {
    finish("course", run(Args::parse()))
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    let options = tour::Options { lang: args.lang, step: false, programs: args.programs };
    match args.command {
        None => tour::tour(&options),
        Some(Action::List) => tour::list(options.lang),
        Some(Action::Demo { chapter, step }) => tour::demo(&chapter, &tour::Options { step, ..options }),
        Some(Action::Crowd { clients, seconds }) => crowd::crowd(clients, seconds, &options),
        Some(Action::Check { exercise: None, .. }) => check::list(options.lang),
        Some(Action::Check { exercise: Some(exercise), case, patience, command }) => {
            check::check(&exercise, command, check::Wish { only: case, patience }, &options)
        }
        Some(Action::Start { exercise, folder }) => start::start(&exercise, folder, options.lang),
        Some(Action::Doctor) => doctor::doctor(options.lang),
    }
}
