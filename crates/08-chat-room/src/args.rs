//! The command line. Read `main.rs` before; clap prints what is written here for `--help`.
//!
//! Each limit of the room is an option here and a named constant in the library.

use clap::{Args, Parser, Subcommand};
use netcommon::addr::HostPort;
use netcommon::cli::Common;

use chat_room::protocol::DEFAULT_ADDR;

/// Teaches what a server owes to many people who talk with each other: one order, fair limits, no waiting for anybody.
#[derive(Debug, Parser)]
#[command(
    name = "chat-room",
    version,
    after_help = "Examples:\n  chat-room join 小明\n  chat-room join bob 127.0.0.1:7777 <script.txt"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to be.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Join a room and talk
    Join(JoinArgs),
}

/// `join`
#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// The name that you want to have in the room
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// The room
    #[arg(value_name = "HOST:PORT", default_value = DEFAULT_ADDR)]
    pub(crate) server: HostPort,

    #[command(flatten)]
    pub(crate) common: Common,
}
