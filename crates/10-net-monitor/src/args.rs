//! The command line: a way of seeing, or a report.
//!
//! Read `main.rs` before. clap prints what is written here for `--help`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use net_monitor::alert::Alert;
use net_monitor::journal::Rotation;
use net_monitor::proxy::CONNECTIONS_MAX;
use netcommon::cli::Common;
use netcommon::units::{parse_duration, parse_duration_or_zero, parse_size};

/// Teaches what can be known about connections, from where, and how surely: watches ports, keeps a log, makes reports.
#[derive(Debug, Parser)]
#[command(
    name = "net-monitor",
    version,
    after_help = "Examples:\n  net-monitor proxy 127.0.0.1:8001 127.0.0.1:8888 --log run.jsonl\n  \
                  net-monitor watch 8888 7777 --log run.jsonl\n  \
                  net-monitor report run.jsonl --html report.html"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Stand between clients and a server, pass everything on and write it down: on any system, without rights
    Proxy(ProxyArgs),
    /// Make a report of one log or several: text, or JSON, CSV, a page for a browser
    Report(ReportArgs),
    /// Hold two logs against each other: two days, or two witnesses of the same connections
    Diff(DiffArgs),
    /// Ask the kernel about TCP connections with these ports, short ones too: on Linux, without rights
    Watch(WatchArgs),
    /// Look at the packets of an interface: on Linux, with the right `CAP_NET_RAW`
    Capture(CaptureArgs),
}

/// What every way of seeing takes.
#[derive(Debug, Args)]
pub(crate) struct Recording {
    /// Write what is seen into this file, a line of JSON each; a log that exists is continued
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,

    /// Begin a new log file when this one has so many bytes: FILE becomes FILE.1, that becomes FILE.2
    #[arg(long, value_name = "SIZE", value_parser = parse_size, requires = "log")]
    pub(crate) rotate: Option<usize>,

    /// How many full log files to keep
    #[arg(long, value_name = "N", default_value_t = 9, requires = "rotate")]
    pub(crate) keep: u32,

    /// Say it on stderr when FIGURE > NUMBER or FIGURE < NUMBER begins to hold, and end with code 1: `new-connections > 100/s`,
    /// `errors > 0/s`, `bytes-in > 1MB/s`, `bytes-out < 1kB/s`, `open > 50`; may be given several times
    #[arg(long, value_name = "CONDITION")]
    pub(crate) alert: Vec<Alert>,

    /// Plain lines also on a terminal, in place of the live screen
    #[arg(long, conflicts_with = "json")]
    pub(crate) plain: bool,

    /// Print events as JSON, one object a line, behind the first lines
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl Recording {
    /// When the log becomes several files.
    pub(crate) fn rotation(&self) -> Option<Rotation> {
        let file_len_max = u64::try_from(self.rotate?).unwrap_or(u64::MAX);
        Some(Rotation { file_len_max, keep: self.keep })
    }
}

/// `proxy`
#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {
    /// LISTEN TARGET, or LISTEN=TARGET once or several times; `udp:` in front of LISTEN relays datagrams
    #[arg(value_name = "LISTEN TARGET | LISTEN=TARGET", required = true)]
    pub(crate) pairs: Vec<String>,

    /// Relay datagrams where no `tcp:` or `udp:` stands in front
    #[arg(long)]
    pub(crate) udp: bool,

    /// TCP connections at once; the next ones wait in the backlog
    #[arg(long, value_name = "N", default_value_t = CONNECTIONS_MAX)]
    pub(crate) max_connections: usize,

    /// Take a UDP client for gone when it has been silent for so long
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "4m")]
    pub(crate) forget_after: Duration,

    /// How long answers may still take after Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = parse_duration_or_zero, default_value = "5s")]
    pub(crate) grace: Duration,

    #[command(flatten)]
    pub(crate) recording: Recording,
}

/// `report`
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Logs of `--log`; the files of a rotation in any order. Or one capture, pcapng or pcap
    #[arg(value_name = "LOG", required = true)]
    pub(crate) logs: Vec<PathBuf>,

    /// One JSON object with everything
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,

    /// A line for each connection, for a spreadsheet
    #[arg(long)]
    pub(crate) csv: bool,

    /// Write a page for a browser into this file; needs no network and no script
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// How many connections the text lists
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) rows: usize,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// `watch`
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Ports to watch, at either end of a connection
    #[arg(value_name = "PORT", required = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) ports: Vec<u16>,

    #[command(flatten)]
    pub(crate) recording: Recording,
}

/// `diff`
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The one
    #[arg(value_name = "A")]
    pub(crate) a: PathBuf,

    /// The other
    #[arg(value_name = "B")]
    pub(crate) b: PathBuf,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// `capture`
#[derive(Debug, Args)]
pub(crate) struct CaptureArgs {
    /// The interface, such as `lo` or `eth0`
    #[arg(value_name = "INTERFACE")]
    pub(crate) interface: String,

    /// Ports to watch, TCP and UDP, at either end
    #[arg(value_name = "PORT", required = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) ports: Vec<u16>,

    /// Write the packets themselves into FILE, as pcapng; so does --pcapng
    #[arg(long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) recording: Recording,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_fit_together() {
        Cli::command().debug_assert();
    }
}
