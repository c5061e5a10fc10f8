//! The program `net-monitor`: arguments → a way of seeing, or a report → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first, `args.rs` for the options, `session.rs` for what all
//! ways of seeing do the same way.

mod args;
mod session;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use net_monitor::kernel::Watch;
use net_monitor::packets::{self, Capture};
use net_monitor::record::Record;
use net_monitor::{diff, journal, proxy, report};
use netcommon::cli::{StdoutError, finish};
use netcommon::descriptors::room_for;
use netcommon::error::OpError;

use crate::args::{CaptureArgs, Cli, Command, DiffArgs, ProxyArgs, ReportArgs, WatchArgs};
use crate::session::{Session, Source};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Proxy(args) => run_proxy(args),
        Command::Report(args) => report(&args),
        Command::Diff(args) => diff(&args),
        Command::Watch(args) => run_watch(args),
        Command::Capture(args) => run_capture(args),
    };
    finish("net-monitor", result)
}

fn run_proxy(args: ProxyArgs) -> anyhow::Result<ExitCode> {
    let ProxyArgs { pairs, udp, max_connections, forget_after, grace, recording } = args;
    let pairs = proxy::pairs::parse(&pairs, udp)
        .unwrap_or_else(|error| Cli::command().error(ErrorKind::ValueValidation, error).exit());
    let mut session = Session::begin(&recording, "proxy")?;
    let proxy::Bound { tcp, udp, fronts } = proxy::bind(&pairs)?;
    for (protocol, front, target) in fronts {
        session.watch(
            format!("{protocol} {front} -> {target}"),
            format_args!("Recording {protocol} for {target}, listening on {front}"),
        );
    }
    let mut sources: Vec<Source> = Vec::new();
    if !tcp.is_empty() {
        // Two for each, and some for the pipes through which the kernel moves much.
        let room = room_for(max_connections.saturating_mul(2).saturating_add(proxy::PIPE_ENDS_MAX));
        let connections_max = (room / 2).clamp(1, max_connections.max(1));
        sources.push(Source::new("tcp relay", move |witness, shutdown| {
            proxy::tcp::Relay::new(tcp, connections_max, witness)?.run(grace, shutdown).map(drop)
        }));
    }
    if !udp.is_empty() {
        sources.push(Source::new("udp relay", move |witness, shutdown| {
            proxy::udp::Relay::new(udp, forget_after, witness)?.run(shutdown)
        }));
    }
    session.run(&recording, sources)
}

fn report(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    args.common.apply();
    let record = read_record(&args.logs)?;
    if let Some(path) = &args.html {
        let page = report::html::page(&record, args.common.lang);
        fs::write(path, page).map_err(|error| OpError::new("write", path.display(), error))?;
    }
    let text = match args {
        ReportArgs { json: true, .. } => format!("{:#}\n", report::json::json(&record)),
        ReportArgs { csv: true, .. } => report::csv::csv(&record),
        ReportArgs { html: Some(path), .. } => format!("Report in {}\n", path.display()),
        ReportArgs { rows, .. } => report::text::text(&record, args.common.lang, *rows),
    };
    print(&text)
}

fn run_watch(WatchArgs { ports, recording }: WatchArgs) -> anyhow::Result<ExitCode> {
    if recording.common.pcapng.is_some() {
        let said = "`watch` sees the kernel's figures and no packets; `capture` and `proxy` take --pcapng";
        Cli::command().error(ErrorKind::ArgumentConflict, said).exit();
    }
    let mut session = Session::begin(&recording, "watch")?;
    let watch = Watch::open(&ports)?;
    for port in ports {
        session.watch(format!("tcp port {port}"), format_args!("Watching TCP port {port} through the kernel's tables"));
    }
    let source = Source::new("watch", move |witness, shutdown| watch.run(&witness, shutdown));
    session.run(&recording, vec![source])
}

fn diff(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    args.common.apply();
    let [a, b] = [&args.a, &args.b].map(|path| journal::read(std::slice::from_ref(path)));
    let names = [&args.a, &args.b].map(|path| path.display().to_string());
    print(&diff::text(&a?, &b?, [&names[0], &names[1]], args.common.lang))
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(StdoutError)?;
    Ok(ExitCode::SUCCESS)
}

fn run_capture(CaptureArgs { interface, ports, write, recording }: CaptureArgs) -> anyhow::Result<ExitCode> {
    let mut session = Session::begin(&recording, "capture")?;
    // It has no traffic of its own: what --pcapng asks of it are the packets that it sees.
    let write = write.or_else(|| recording.common.pcapng.clone());
    let capture = Capture::open(&interface, &ports, write.as_deref())?;
    for port in ports {
        session.watch(format!("{interface} port {port}"), format_args!("Capturing port {port} on {interface}"));
    }
    let source = Source::new("capture", move |witness, shutdown| capture.run(&witness, shutdown));
    session.run(&recording, vec![source])
}

/// A capture, or logs.
fn read_record(paths: &[PathBuf]) -> anyhow::Result<Record> {
    if let [path] = paths
        && packets::file::is_capture(path)?
    {
        return Ok(packets::file::read(path)?);
    }
    Ok(journal::read(paths)?)
}
