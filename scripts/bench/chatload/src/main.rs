//! The command `chatload`: options in, one report out.
//!
//! Wiring only; the library's `lib.rs` says in which order to read the rest.

use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use chatload::dialect::Dialect;
use chatload::fan::{Load, run};
use chatload::order::HEAD_LEN;
use clap::Parser;

/// Loads a chat server with a room full of people and checks every delivery.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:\n  \
    chatload 127.0.0.1:7777 --members 100\n  \
    chatload 127.0.0.1:6667 --dialect irc --members 100 --rate 200 --json")]
struct Options {
    /// The server, as ADDRESS:PORT.
    server: SocketAddr,
    /// What the server speaks.
    #[arg(long, value_enum, default_value = "chat")]
    dialect: Dialect,
    /// Members who listen.
    #[arg(long, default_value_t = 100)]
    members: usize,
    /// More members, who never read once they are in.
    #[arg(long, default_value_t = 0)]
    stuck: usize,
    /// How many of the members talk.
    #[arg(long, default_value_t = 4)]
    authors: usize,
    /// Messages of each author on their way, when no rate is given.
    #[arg(long, default_value_t = 8)]
    window: usize,
    /// Messages a second of all together, by the clock.
    #[arg(long)]
    rate: Option<f64>,
    /// Bytes in each message.
    #[arg(long, default_value_t = 64)]
    size: usize,
    /// For how many seconds to measure.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How many may be joining at once.
    #[arg(long, default_value_t = 64)]
    at_once: usize,
    /// Also report what this process used.
    #[arg(long)]
    pid: Option<u32>,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let load = Load {
        dialect: options.dialect,
        members: options.members.max(2),
        stuck: options.stuck,
        authors: options.authors.clamp(1, options.members.clamp(1, 999)),
        window: options.window.max(1),
        rate: options.rate,
        text_len: options.size.max(HEAD_LEN),
        measured: Duration::from_secs_f64(options.seconds),
        at_once: options.at_once.max(1),
    };
    let printed = run(options.server, &load, options.pid).and_then(|(report, all_right)| {
        let text = if options.json { report.to_json() + "\n" } else { report.to_string() };
        match io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(all_right),
        }
    });
    match printed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "chatload: {error:#}");
            ExitCode::FAILURE
        }
    }
}
