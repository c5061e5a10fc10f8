//! The program `chat-room`: arguments → a server's or a client's wiring → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first, `args.rs` for the options.

mod args;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::Context;
use chat_room::join::look::Look;
use chat_room::join::session::{self, Options, Outcome};
use clap::Parser;
use netcommon::cli::{INTERRUPTED, finish};
use netcommon::shutdown::Shutdown;

use crate::args::{Cli, Command, JoinArgs};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Join(args) => join(args),
    };
    finish("chat-room", result)
}

fn join(args: JoinArgs) -> anyhow::Result<ExitCode> {
    args.common.apply();
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let options = options(args);
    match session::run(options, &shutdown)? {
        Outcome::Done => Ok(ExitCode::SUCCESS),
        Outcome::Interrupted => Ok(ExitCode::from(INTERRUPTED)),
    }
}

/// What the options mean on this terminal, or on none.
fn options(args: JoinArgs) -> Options {
    let terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let talks = args.common.narrate.is_some() || args.common.verbose > 0;
    // A prompt cannot share its screen with the narration or the log.
    let plain = args.plain || !terminal || (talks && io::stderr().is_terminal());
    let colour = !plain && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let look = Look { marks: !plain, colour, bell: args.bell && io::stdout().is_terminal(), lang: args.common.lang };
    Options {
        server: args.server,
        name: args.name,
        reconnect: args.reconnect,
        times: args.times,
        plain,
        timeout: args.timeout,
        pace: args.pace,
        look,
    }
}
