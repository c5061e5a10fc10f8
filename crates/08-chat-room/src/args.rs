//! The command line. Read `main.rs` before; clap prints what is written here for `--help`.
//!
//! The server's options are in `args/serve.rs`.

mod serve;

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use netcommon::addr::HostPort;
use netcommon::cli::Common;
use netcommon::units::{parse_duration, parse_duration_or_zero};

use chat_room::protocol::DEFAULT_ADDR;

pub(crate) use self::serve::ServeArgs;

/// Teaches what a server owes to many people who talk with each other: one order, fair limits, no waiting for anybody.
#[derive(Debug, Parser)]
#[command(
    name = "chat-room",
    version,
    after_help = "Examples:\n  chat-room serve\n  chat-room join 小明 127.0.0.1:7777"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to be.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "made once, and clap wants the arguments by value")]
pub(crate) enum Command {
    /// Open a room; /stats typed here shows its numbers
    Serve(ServeArgs),
    /// Join a room and talk
    Join(JoinArgs),
}

/// `join`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  chat-room join 小明 --times --bell\n  chat-room join bob 127.0.0.1:7777 --reconnect <script.txt"
)]
pub(crate) struct JoinArgs {
    /// The name that you want to have in the room
    #[arg(value_name = "NAME", value_parser = one_line)]
    pub(crate) name: String,

    /// The room
    #[arg(value_name = "HOST:PORT", default_value = DEFAULT_ADDR)]
    pub(crate) server: HostPort,

    /// Come back under the same name when the room is lost, with growing waits
    #[arg(long)]
    pub(crate) reconnect: bool,

    /// Show the time of each line
    #[arg(long)]
    pub(crate) times: bool,

    /// Ring the terminal's bell for a private message, or when somebody names you
    #[arg(long)]
    pub(crate) bell: bool,

    /// No prompt and no marks, even on a terminal: lines in, the room's lines out
    #[arg(long)]
    pub(crate) plain: bool,

    /// How long the server may take to connect, to let you in, and to say goodbye
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10s")]
    pub(crate) timeout: Duration,

    /// The time between two lines from a pipe, after the first 25, so that the room need not call them too fast
    #[arg(long, value_name = "TIME", value_parser = parse_duration_or_zero, default_value = "100ms")]
    pub(crate) pace: Duration,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// A name is sent as a line, so it must be one; what else a name may be, the room decides.
fn one_line(name: &str) -> Result<String, String> {
    match name.trim() {
        "" => Err("a name has one character at least".to_owned()),
        name if name.contains(['\n', '\r']) => Err("a name is one line".to_owned()),
        name => Ok(name.to_owned()),
    }
}
