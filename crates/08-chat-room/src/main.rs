//! The program `chat-room`: arguments → a server's or a client's wiring → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first, `args.rs` for the options.

mod args;

use std::fs::OpenOptions;
use std::io::{self, BufReader, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use chat_room::join::look::Look;
use chat_room::join::session::{self, Options, Outcome};
use chat_room::room::Room;
use chat_room::server::operator::{self, Board};
use chat_room::server::report::Report;
use chat_room::server::serve;
use clap::Parser;
use netcommon::addr::listen;
use netcommon::cli::{INTERRUPTED, finish};
use netcommon::console::Console;
use netcommon::descriptors::room_for;
use netcommon::error::OpError;
use netcommon::net::ListenOptions;
use netcommon::shutdown::Shutdown;

use crate::args::{Cli, Command, JoinArgs, ServeArgs};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => run_serve(&args),
        Command::Join(args) => join(args),
    };
    finish("chat-room", result)
}

fn run_serve(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    args.common.apply();
    let limits = args.limits();
    let places = room_for(limits.connections_max);
    if places < limits.connections_max {
        log::info!("descriptors for {places} members; `ulimit -Hn` says how far the limit goes");
    }
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let log = args.log.as_deref().map(open_log).transpose()?;
    let listener = listen(&args.listen, &ListenOptions { backlog: args.backlog })?;
    let on_closed = shutdown.clone();
    let console = Console::start(move || on_closed.advance()).context("start the console")?;
    console.lines().line(format_args!("Chat room listening on {}", listener.local_addr()?));
    let mut room = Room::new(limits);
    args.motd.iter().for_each(|text| room.set_motd(text));
    let mut report = Report::new(console.lines(), args.json);
    if let Some(log) = &log {
        report = report.with_log(log.lines());
    }
    if args.json || log.is_some() {
        room.keep_words();
    }
    let board = Board::default();
    if operator::may_read_stdin() {
        operator::start(BufReader::new(io::stdin()), board.clone(), console.lines()).context("start a thread")?;
    }
    let cut = serve(listener, room, args.grace, &shutdown, &report, &board).context("serve")?;
    report.line(format_args!("{}{}", board.stats().farewell(), cut_words(cut)));
    log.into_iter().for_each(Console::finish);
    console.finish();
    Ok(ExitCode::SUCCESS)
}

fn cut_words(cut: usize) -> String {
    if cut == 0 { String::new() } else { format!(", cut {cut} who did not take their last lines in time") }
}

/// The public room's file, behind a thread of its own.
fn open_log(path: &Path) -> anyhow::Result<Console> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file.map_err(|error| OpError::new("open", path.display(), error))?;
    let name = path.display().to_string();
    let on_failed = move || log::error!("write {name}: failed; the room goes on without its log");
    Console::start_on(file, on_failed).context("start the log")
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
