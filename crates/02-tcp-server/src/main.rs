//! The program `tcp-server`: arguments → bind → print the address → serve → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use netcommon::addr::listen;
use netcommon::cli::finish;
use netcommon::console::Console;
use netcommon::echo::Options;
use netcommon::shutdown::Shutdown;
use netcommon::units::parse_count;
use tcp_server::serve;

/// Teaches how a TCP server serves many clients at once, one thread for each.
#[derive(Debug, Parser)]
#[command(version, after_help = "Examples:\n  tcp-server\n  tcp-server 127.0.0.1:0 --framing lines --narrate")]
struct Args {
    #[command(flatten)]
    service: Options,

    /// Connections at once; the next client is told so and closed
    #[arg(long, value_name = "N", value_parser = parse_count::<NonZeroUsize>, default_value = "1000")]
    max_connections: NonZeroUsize,
}

fn main() -> ExitCode {
    finish("tcp-server", run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let service = &args.service;
    service.common.apply();
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let listener = listen(&service.listen, &service.listen_options())?;
    let on_closed = shutdown.clone();
    let console = Console::start(move || on_closed.advance()).context("start the console")?;
    let lines = console.lines();
    lines.line(format_args!("Server listening on {}", listener.local_addr()?));
    let config = service.config(args.max_connections.get());
    let report = serve(listener, &config, &shutdown, &lines).context("accept")?;
    lines.line(format_args!("{report}"));
    console.finish();
    Ok(ExitCode::SUCCESS)
}
