//! The program `chat-room`: arguments → a server's or a client's wiring → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first, `args.rs` for the options.

mod args;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use chat_room::join;
use clap::Parser;
use netcommon::cli::finish;
use netcommon::connect::connect;

use crate::args::{Cli, Command, JoinArgs};

/// How long a room may take to answer the handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Join(args) => run_join(&args),
    };
    finish("chat-room", result)
}

fn run_join(args: &JoinArgs) -> anyhow::Result<ExitCode> {
    args.common.apply();
    let stream = connect(&args.server, CONNECT_TIMEOUT)?;
    join::run(&stream, &args.name, io::stdin().lock())?;
    Ok(ExitCode::SUCCESS)
}
