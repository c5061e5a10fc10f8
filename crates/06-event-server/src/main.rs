//! The program `event-server`: arguments → bind → print the address → serve → exit code.
//!
//! Wiring only, and nearly the same as `tcp-server`'s; the lesson is in the library. Read `lib.rs` first.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use event_server::{CONNECTIONS_MAX, serve};
use netcommon::addr::listen;
use netcommon::cli::finish;
use netcommon::console::Console;
use netcommon::descriptors::room_for;
use netcommon::echo::Options;
use netcommon::shutdown::Shutdown;
use netcommon::units::parse_count;

/// Teaches how a TCP server serves thousands of clients on one thread: it waits for none of them.
#[derive(Debug, Parser)]
#[command(version, after_help = "Examples:\n  event-server\n  event-server 127.0.0.1:0 --framing lines --narrate")]
struct Args {
    #[command(flatten)]
    service: Options,

    /// Connections at once; the next client is told so and closed
    #[arg(long, value_name = "N", value_parser = parse_count::<NonZeroUsize>,
          default_value_t = NonZeroUsize::new(CONNECTIONS_MAX).expect("it is not 0"))]
    max_connections: NonZeroUsize,
}

fn main() -> ExitCode {
    finish("event-server", run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let service = &args.service;
    service.common.apply();
    let max_connections = args.max_connections.get();
    // If the system allows fewer, the others wait in the backlog; `-v` says how many fit.
    let _ = room_for(max_connections);
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let listener = listen(&service.listen, &service.listen_options())?;
    let on_closed = shutdown.clone();
    let console = Console::start(move || on_closed.advance()).context("start the console")?;
    let lines = console.lines();
    lines.line(format_args!("Server listening on {}", listener.local_addr()?));
    let config = service.config(max_connections);
    let report = serve(listener, &config, &shutdown, &lines).context("serve")?;
    lines.line(format_args!("{report}"));
    console.finish();
    Ok(ExitCode::SUCCESS)
}
