//! The program `file-transfer`: arguments → files or folder → socket → library → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first.

mod args;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use file_transfer::congestion::{Aimd, Bbr, Congestion, Fixed};
use file_transfer::disk::{DiskStore, FileSource};
use file_transfer::report::{Fate, Report, Totals};
use file_transfer::send::Tracer;
use file_transfer::sender::Options;
use file_transfer::simple;
use file_transfer::trace::{Trace, draw};
use file_transfer::view::{Side, View};
use netcommon::addr::{HostPort, bind_udp, resolve};
use netcommon::cli::{INTERRUPTED, finish, print_line};
use netcommon::error::OpError;
use netcommon::shutdown::Shutdown;

use crate::args::{Algorithm, Cli, Command, DrawArgs, Protocol, ReceiveArgs, SendArgs};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Receive(args) => receive(&args),
        Command::Send(args) => send(&args),
        Command::Draw(args) => draw_trace(&args),
    };
    finish("file-transfer", result)
}

fn send(args: &SendArgs) -> anyhow::Result<ExitCode> {
    args.both.common.apply();
    let mut source = FileSource::open(&args.files)?;
    let offers = source.offers().to_vec();
    let peer = first_address(&args.to)?;
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let mut view = View::new(Side::Sender, args.both.json, &shutdown);
    let mut tell = |report: &Report| view.tell(report);
    let mut trace = args.trace.as_deref().map(Trace::create).transpose()?;
    let mut add = trace.as_mut().map(|trace| |at: Duration, fate: &Fate| trace.add(at, fate));
    let totals = match args.both.protocol {
        Protocol::Simple => {
            let add = add.as_mut().map(|add| add as &mut simple::send::OnFate<'_>);
            simple::send::run(peer, &offers, &mut source, args.both.timeout, &shutdown, &mut tell, add)
        }
        Protocol::Full => {
            let add = add.as_mut().map(|add| add as Tracer<'_>);
            file_transfer::send::run(peer, &offers, &mut source, options(args), &shutdown, &mut tell, add)
        }
    };
    view.finish()?;
    Ok(exit_code(&totals?, &shutdown))
}

/// How the session is to be run, as the options say.
fn options(args: &SendArgs) -> Options {
    let congestion = match args.congestion {
        Algorithm::Fixed => Congestion::Fixed(Fixed::new(args.window)),
        Algorithm::Aimd => Congestion::Aimd(Aimd::default()),
        // Two senders that begin at once shall not ask for more at the same moments.
        Algorithm::Bbr => Congestion::Bbr(Box::new(Bbr::new(file_transfer::send::random()))),
    };
    Options {
        congestion,
        pacing: !args.no_pacing,
        sack: !args.no_sack,
        timeout: args.both.timeout,
        datagram_len_max: args.datagram.into(),
        trace: args.trace.is_some(),
    }
}

fn receive(args: &ReceiveArgs) -> anyhow::Result<ExitCode> {
    args.both.common.apply();
    let mut store = DiskStore::open(&args.into)?;
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let socket = bind_udp(&args.listen)?;
    let addr = socket.local_addr().context("ask for our address")?;
    print_line(format_args!("File receiver listening on {addr}"))?;
    let mut view = View::new(Side::Receiver, args.both.json, &shutdown);
    let mut tell = |report: &Report| view.tell(report);
    let totals = match args.both.protocol {
        Protocol::Simple => {
            simple::receive::run(&socket, &mut store, args.both.timeout, args.once, &shutdown, &mut tell)
        }
        Protocol::Full => {
            file_transfer::receive::run(socket, &mut store, args.both.timeout, args.once, &shutdown, &mut tell)
        }
    };
    view.finish()?;
    let totals = totals?;
    // A receiver that was stopped has done its job, unless it was to wait for one session.
    Ok(if args.once { exit_code(&totals, &shutdown) } else { ExitCode::SUCCESS })
}

fn draw_trace(args: &DrawArgs) -> anyhow::Result<ExitCode> {
    args.common.apply();
    let times = args.from..args.until.unwrap_or(Duration::MAX);
    let svg = draw(&args.trace, times, args.common.lang)?;
    match &args.output {
        Some(path) => std::fs::write(path, svg).map_err(|error| OpError::new("write", path.display(), error))?,
        None => print_line(format_args!("{}", svg.trim_end()))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn exit_code(totals: &Totals, shutdown: &Shutdown) -> ExitCode {
    match totals {
        Totals { files_failed: 0, files_done: 1.., .. } => ExitCode::SUCCESS,
        _ if shutdown.is_draining() => ExitCode::from(INTERRUPTED),
        _ => ExitCode::FAILURE,
    }
}

fn first_address(host: &HostPort) -> anyhow::Result<SocketAddr> {
    resolve(host)?.into_iter().next().ok_or_else(|| anyhow!("resolve {host}: no address"))
}
