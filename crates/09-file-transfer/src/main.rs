//! The program `file-transfer`: arguments → socket → library → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first.

mod args;

use std::process::ExitCode;

use clap::Parser;
use netcommon::cli::finish;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    finish("file-transfer", run(&Cli::parse().command))
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Receive(args) => args.both.common.apply(),
        Command::Send(args) => args.both.common.apply(),
    }
    anyhow::bail!("this program is being written; so far it only knows its options")
}
