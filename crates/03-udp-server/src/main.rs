//! The program `udp-server`: arguments → bind → print the address → serve → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use netcommon::addr::{HostPort, bind_udp};
use netcommon::cli::{Common, finish};
use netcommon::console::Console;
use netcommon::shutdown::Shutdown;

/// Teaches how a UDP server answers datagrams from anyone, and when it had better be silent.
#[derive(Debug, Parser)]
#[command(version, after_help = "Examples:\n  udp-server\n  udp-server 127.0.0.1:0 --quiet --narrate")]
struct Args {
    /// Where to receive; port 0 takes a free port
    #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:9999")]
    listen: HostPort,

    /// Leave out the line for each datagram
    #[arg(short, long)]
    quiet: bool,

    #[command(flatten)]
    common: Common,
}

fn main() -> ExitCode {
    finish("udp-server", run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.common.apply();
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let socket = bind_udp(&args.listen)?;
    let on_closed = shutdown.clone();
    let console = Console::start(move || on_closed.advance()).context("start the console")?;
    let lines = console.lines();
    lines.line(format_args!("UDP Server listening on {}", socket.local_addr().context("ask for our address")?));
    let tally = udp_server::serve(&socket, args.quiet, &shutdown, &lines)?;
    lines.line(format_args!("{tally}"));
    console.finish();
    Ok(ExitCode::SUCCESS)
}
