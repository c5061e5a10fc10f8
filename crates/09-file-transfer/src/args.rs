//! The options of `file-transfer`, and what they are checked for.
//!
//! Only the program reads this; the library takes values that are right already. Source of the names:
//! the programs' common contract (addresses, durations, `--json`).

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use netcommon::addr::HostPort;
use netcommon::cli::Common;
use netcommon::net::DATAGRAM_LEN_MAX_V4;
use netcommon::units::{parse_duration, parse_duration_or_zero};

/// Teaches what TCP does for a living, by sending files over UDP: nothing lost, as fast as the link allows.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  file-transfer receive --into 收件匣\n  file-transfer send 照片.jpg 筆記.txt --to 127.0.0.1:9900"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// Which side.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Receive files and keep those whose digest is right
    Receive(ReceiveArgs),
    /// Send files, and end when the receiver has verified them and has them on disk
    Send(SendArgs),
    /// Draw what --trace has written, as SVG: bytes over time, losses, what was sent again, the window
    Draw(DrawArgs),
}

/// Which protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// The chapter's: many datagrams on their way, selective acknowledgement, congestion control
    Full,
    /// The exercise's: one datagram, one acknowledgement
    Simple,
}

/// How much may be on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Algorithm {
    /// Always the same number of datagrams (--window)
    Fixed,
    /// One more each round trip, half after a loss (RFC 5681)
    Aimd,
    /// What the path delivered in a second, times its shortest round trip (BBR)
    Bbr,
}

#[derive(Debug, Args)]
pub(crate) struct ReceiveArgs {
    /// Where to receive; port 0 takes a free port
    #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:9900")]
    pub listen: HostPort,

    /// The folder for the files; nothing outside it is ever touched
    #[arg(long, value_name = "DIR")]
    pub into: PathBuf,

    /// End after one session: exit code 0 when its files are verified and in place, 1 otherwise
    #[arg(long)]
    pub once: bool,

    #[command(flatten)]
    pub both: BothArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// What to send
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Where the receiver is
    #[arg(long, value_name = "HOST:PORT")]
    pub to: HostPort,

    /// How much may be on its way
    #[arg(long, value_enum, default_value_t = Algorithm::Bbr)]
    pub congestion: Algorithm,

    /// With --congestion fixed: so many datagrams
    #[arg(long, value_name = "DATAGRAMS", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub window: u32,

    /// No datagram longer than this, whatever the path was found to carry
    #[arg(long, value_name = "BYTES", default_value_t = DATAGRAM_LEN_MAX_V4 as u16, value_parser = clap::value_parser!(u16).range(1_200..=DATAGRAM_LEN_MAX_V4 as i64))]
    pub datagram: u16,

    /// Send each burst at once instead of spreading it over the round trip
    #[arg(long)]
    pub no_pacing: bool,

    /// After a loss, send everything behind it again, as if the receiver could not say what it has
    #[arg(long)]
    pub no_sack: bool,

    /// Write what became of every datagram to this file; `draw` makes a picture of it
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,

    #[command(flatten)]
    pub both: BothArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DrawArgs {
    /// What `send --trace FILE` has written
    #[arg(value_name = "TRACE")]
    pub trace: PathBuf,

    /// Draw only what happened from this time on
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_duration_or_zero)]
    pub from: Duration,

    /// Draw only what happened before this time
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub until: Option<Duration>,

    /// Write the picture to this file instead of stdout
    #[arg(short, long, value_name = "FILE.svg")]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct BothArgs {
    /// Which protocol to speak
    #[arg(long, value_enum, default_value_t = Protocol::Full)]
    pub protocol: Protocol,

    /// Give a silent peer up after this time
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_duration)]
    pub timeout: Duration,

    /// Print events as JSON, one object a line
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub common: Common,
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
