//! The program `tcp-client`: arguments → connect → talk → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use netcommon::addr::HostPort;
use netcommon::cli::{Common, INTERRUPTED, finish, print_line};
use netcommon::connect::connect_until;
use netcommon::framing::{Framing, Limits, ReadError};
use netcommon::shutdown::Shutdown;
use netcommon::units::{parse_duration, parse_size};
use tcp_client::dialogue::Ending;
use tcp_client::lesson;
use tcp_client::sending::Manner;
use tcp_client::session::{Input, Session};

/// Teaches how a TCP client talks to a server, and why one read is not one message.
#[derive(Debug, Parser)]
#[command(version, after_help = "Examples:\n  tcp-client\n  tcp-client 127.0.0.1:8888 --message 你好 --narrate")]
struct Args {
    /// The server
    #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:8888")]
    server: HostPort,

    /// How messages are found in the stream: `raw`, `lines` or `length`
    #[arg(long, value_name = "raw|lines|length", default_value = "raw")]
    framing: Framing,

    /// The longest message, for `lines` and `length`; the server has its own limit
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "64KiB")]
    max_message: usize,

    /// Send this message instead of asking; may be given several times
    #[arg(short, long, value_name = "M")]
    message: Vec<String>,

    /// Send all `--message`s with one write, without waiting for answers
    #[arg(long, requires = "message")]
    glue: bool,

    /// Write N bytes at a time, with pauses, as a slow network would deliver them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    slice: Option<u16>,

    /// How long to wait for the connection, and for each answer
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10s")]
    timeout: Duration,

    /// Show how a byte stream glues and cuts messages, and what framing does about it; needs no server
    #[arg(long)]
    lesson: bool,

    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    finish("tcp-client", run(Args::parse()))
}

fn run(args: Args) -> anyhow::Result<ExitCode> {
    args.common.apply();
    if args.lesson {
        lesson::show(args.common.lang)?;
        return Ok(ExitCode::SUCCESS);
    }
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let stream = match connect_until(&args.server, args.timeout, &shutdown) {
        Err(_) if shutdown.is_draining() => return Ok(ExitCode::from(INTERRUPTED)),
        connected => connected?,
    };
    print_line(format_args!("Connected to {}", args.server))?;
    log::info!("framing {}, each answer within {:?}", args.framing, args.timeout);
    let manner = args.slice.map_or(Manner::Whole, |len| Manner::Sliced(len.into()));
    let limits = Limits { message_len_max: args.max_message };
    let session = Session { stream, framing: args.framing, limits, manner, timeout: args.timeout, shutdown };
    let (ending, why) = session.run(input(args.message, args.glue))?;
    conclude(ending, why, &args.server, args.timeout)
}

/// Where the messages come from: the command line, a person, or a pipe.
fn input(messages: Vec<String>, glue: bool) -> Input {
    match (messages.is_empty(), glue) {
        (false, false) => Input::Messages(messages),
        (false, true) => Input::Glued(messages),
        (true, _) if io::stdin().is_terminal() => Input::Terminal,
        (true, _) => Input::Pipe,
    }
}

/// Turns the way the conversation ended into words and an exit code.
fn conclude(ending: Ending, why: Option<ReadError>, server: &HostPort, timeout: Duration) -> anyhow::Result<ExitCode> {
    match ending {
        Ending::Done | Ending::ServerStays => {
            print_line(format_args!("Connection closed"))?;
            Ok(ExitCode::SUCCESS)
        }
        Ending::ServerLeft => {
            let why = why.map_or_else(|| anyhow!("the server closed the connection"), anyhow::Error::from);
            Err(why).context(format!("read from {server}"))
        }
        Ending::NoAnswer => {
            let why =
                anyhow!("none within {timeout:?}; does the server use the same --framing? --timeout waits longer");
            Err(why).context(format!("answer from {server}"))
        }
        Ending::Interrupted => Ok(ExitCode::from(INTERRUPTED)),
    }
}
