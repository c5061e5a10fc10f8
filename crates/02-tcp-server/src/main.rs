//! The program `tcp-server`: arguments → bind → print the address → serve → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use netcommon::addr::{HostPort, listen};
use netcommon::cli::{Common, finish};
use netcommon::console::Console;
use netcommon::framing::Framing;
use netcommon::net::{BACKLOG, ListenOptions};

use netcommon::shutdown::Shutdown;
use netcommon::units::{parse_duration, parse_size};
use tcp_server::{Config, serve};

/// Teaches how a TCP server serves many clients at once, one thread for each.
#[derive(Debug, Parser)]
#[command(version, after_help = "Examples:\n  tcp-server\n  tcp-server 127.0.0.1:0 --framing lines --narrate")]
struct Args {
    /// Where to listen; port 0 takes a free port
    #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:8888")]
    listen: HostPort,

    /// How messages are found in the stream: `raw`, `lines` or `length`
    #[arg(long, default_value = "raw")]
    framing: Framing,

    /// Connections at once; the next client is told so and closed
    #[arg(long, value_name = "N", default_value_t = Config::default().max_connections)]
    max_connections: usize,

    /// The longest message, for `lines` and `length`
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "64KiB")]
    max_message: usize,

    /// Close a client that sends no whole message for so long
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10m")]
    idle_timeout: Duration,

    /// How long answers in progress may take after Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "5s")]
    grace: Duration,

    /// Finished handshakes that the kernel keeps until we accept them
    #[arg(long, value_name = "N", default_value_t = BACKLOG)]
    backlog: i32,

    /// Leave out the line for each message
    #[arg(short, long)]
    quiet: bool,

    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    finish("tcp-server", run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.common.apply();
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let listener = listen(&args.listen, &ListenOptions { backlog: args.backlog })?;
    let on_closed = shutdown.clone();
    let console = Console::start(move || on_closed.advance()).context("start the console")?;
    let lines = console.lines();
    lines.line(format_args!("Server listening on {}", listener.local_addr()?));
    let config = Config {
        framing: args.framing,
        max_connections: args.max_connections,
        message_len_max: args.max_message,
        idle_timeout: args.idle_timeout,
        grace: args.grace,
        quiet: args.quiet,
    };
    let report = serve(listener, &config, &shutdown, &lines).context("accept")?;
    lines.line(format_args!("{report}"));
    console.finish();
    Ok(ExitCode::SUCCESS)
}
