//! The command `echoload`: options in, one report out.
//!
//! Wiring only; the library's `lib.rs` says in which order to read the rest.

use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, SocketAddrV4};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use echoload::exchange::{HEAD_LEN, MESSAGE_LEN_MAX};
use echoload::fleet::Opening;
use echoload::{spoof, tcp, udp};

/// Loads an echo server and compares every byte of every answer.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:\n  \
    echoload tcp 127.0.0.1:8888 --connections 100 --prefix 'Server received: '\n  \
    echoload udp 127.0.0.1:9999 --prefix 'Server received: ' --json")]
struct Options {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON object instead of lines.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep many TCP connections busy, one message on its way on each.
    Tcp {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        measure: Measure,
        /// How many connections.
        #[arg(long, default_value_t = 100)]
        connections: usize,
        /// How many connections may be opening at once.
        #[arg(long, default_value_t = 8)]
        at_once: usize,
        /// For how many seconds all of them together may be opening.
        #[arg(long, default_value_t = 60)]
        open_within: u64,
    },
    /// Keep windows of UDP datagrams full.
    Udp {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        measure: Measure,
        /// How many sockets, each a client of its own.
        #[arg(long, default_value_t = 4)]
        sockets: usize,
        /// How many datagrams each socket keeps on their way.
        #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
        outstanding: u16,
    },
    /// Connect many times at once and wait for everyone's first answer.
    Connect {
        #[command(flatten)]
        target: Target,
        /// How many connections.
        #[arg(long, default_value_t = 256)]
        burst: usize,
        /// For how many seconds to wait for the last one.
        #[arg(long, default_value_t = 10)]
        within: u64,
    },
    /// Send server B one datagram in the name of server A, and count what follows.
    Spoof {
        /// The address in whose name the datagram is sent.
        a: SocketAddrV4,
        /// The address that it is sent to.
        b: SocketAddrV4,
        /// What the datagram says.
        #[arg(long, default_value = "早安")]
        message: String,
        /// For how many seconds to count.
        #[arg(long, default_value_t = 1.0)]
        seconds: f64,
    },
}

/// Whom to ask, and what for.
#[derive(Debug, Args)]
struct Target {
    /// The server, as ADDRESS:PORT.
    server: SocketAddr,
    /// Bytes in each message.
    #[arg(long, default_value_t = 64, value_parser = message_len)]
    size: usize,
    /// What each answer must begin with, before the message itself.
    #[arg(long, default_value = "")]
    prefix: String,
}

/// For how long, and at whose cost.
#[derive(Debug, Args)]
struct Measure {
    /// For how many seconds to measure.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Also report what this process and its descendants used.
    #[arg(long)]
    pid: Option<u32>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let printed = run(&options.command).and_then(|(report, all_right)| {
        let text = if options.json { report.to_json() + "\n" } else { report.to_string() };
        match io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(all_right),
        }
    });
    match printed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("echoload: not every answer was right");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("echoload: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The report, and whether every answer was right.
fn run(command: &Command) -> Result<(echoload::report::Report, bool)> {
    match command {
        Command::Tcp { target, measure, connections, at_once, open_within } => {
            let timeout = Duration::from_secs(*open_within);
            let opening = target.opening(*connections, *at_once, timeout);
            let measured = Duration::try_from_secs_f64(measure.seconds)?;
            tcp::load(target.server, &opening, measured, measure.pid)
        }
        Command::Udp { target, measure, sockets, outstanding } => {
            let load = udp::Load {
                sockets: *sockets,
                outstanding: usize::from(*outstanding),
                message_len: target.size,
                prefix: target.prefix.clone().into_bytes(),
                measured: Duration::try_from_secs_f64(measure.seconds)?,
            };
            udp::load(target.server, &load, measure.pid)
        }
        Command::Connect { target, burst, within } => {
            let opening = target.opening(*burst, *burst, Duration::from_secs(*within));
            Ok((tcp::connect(target.server, &opening)?, true))
        }
        Command::Spoof { a, b, message, seconds } => {
            let watched = Duration::try_from_secs_f64(*seconds)?;
            Ok((spoof::attack(*a, *b, message, watched)?, true))
        }
    }
}

impl Target {
    fn opening(&self, connections: usize, at_once: usize, timeout: Duration) -> Opening {
        Opening {
            connections,
            at_once: at_once.max(1),
            message_len: self.size,
            prefix: self.prefix.clone().into_bytes(),
            timeout,
        }
    }
}

/// A message holds its head and fits every send buffer.
fn message_len(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(len) if (HEAD_LEN..=MESSAGE_LEN_MAX).contains(&len) => Ok(len),
        _ => Err(format!("expected {HEAD_LEN} to {MESSAGE_LEN_MAX} bytes")),
    }
}
