//! The command line: each impairment an option, each option a [`Setting`].
//!
//! Read `main.rs` before. clap prints what is written here for `--help`.

use std::path::PathBuf;
use std::time::Duration;

use bad_network::setting::{Setting, Settings, Way};
use bad_network::stream_way::StreamWay;
use bad_network::way::DatagramWay;
use clap::{Args, Parser, Subcommand};
use netcommon::addr::HostPort;
use netcommon::cli::Common;
use netcommon::units::parse_duration;

/// Teaches what programs must survive: a network in the middle that loses, delays, repeats, cuts and stops.
#[derive(Debug, Parser)]
#[command(
    name = "bad-network",
    version,
    after_help = "Examples:\n  bad-network udp 127.0.0.1:9001 127.0.0.1:9999 --loss 5% --delay 50ms --seed 7\n  \
                  bad-network tcp 127.0.0.1:8001 127.0.0.1:8888 --slice 4"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "made once, and clap wants the arguments by value")]
pub(crate) enum Command {
    /// Stand between UDP clients and a server: loss, delay, duplication, reordering, corruption, a queue
    Udp(UdpArgs),
    /// Stand between TCP clients and a server: delay, rate, slices, glue, stalls, resets, half-closes
    Tcp(TcpArgs),
    /// List the scenarios, with a sentence each and where their figures come from
    Scenarios(ScenariosArgs),
}

/// `scenarios`
#[derive(Debug, Args)]
pub(crate) struct ScenariosArgs {
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What both protocols take.
#[derive(Debug, Args)]
pub(crate) struct Between {
    /// Where clients connect to; port 0 takes a free port
    #[arg(value_name = "LISTEN")]
    pub(crate) listen: HostPort,

    /// Where the server is
    #[arg(value_name = "TARGET")]
    pub(crate) target: HostPort,

    /// A network with a name (see `bad-network scenarios`), or a file of your own; options lie over it
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub(crate) scenario: Option<String>,

    /// Write what becomes of everything into this file, a line of JSON each
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,

    /// How long what is on its way may take after Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "5s")]
    pub(crate) grace: Duration,

    /// Print events as JSON, one object a line, behind the first line
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// `udp`
#[derive(Debug, Args)]
pub(crate) struct UdpArgs {
    #[command(flatten)]
    pub(crate) between: Between,

    /// Where chance begins: the same seed and the same traffic give the same fates; chosen when left out
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// Do again what this log tells, in place of chance; what it does not tell of passes untouched
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "scenario", "UdpImpairments"])]
    pub(crate) replay: Option<PathBuf>,

    /// Forget a client that has been silent for so long
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "4m")]
    pub(crate) forget_after: Duration,

    #[command(flatten)]
    impairments: UdpImpairments,
}

impl UdpArgs {
    /// The impairments as settings.
    pub(crate) fn settings(&self) -> Settings {
        self.impairments.settings()
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Impairments (both ways, unless in --up or --down)")]
struct UdpImpairments {
    /// How long a datagram is on its way, for example 50ms
    #[arg(long, value_name = "TIME", value_parser = setting::<DatagramWay>("delay"))]
    delay: Option<Setting>,

    /// How far the delay strays, either way
    #[arg(long, value_name = "TIME", value_parser = setting::<DatagramWay>("vary"))]
    vary: Option<Setting>,

    /// How it strays: `uniform`, or `normal` with --vary as standard deviation
    #[arg(long, value_name = "HOW", value_parser = setting::<DatagramWay>("spread"))]
    spread: Option<Setting>,

    /// The share that is lost, for example 5%
    #[arg(long, value_name = "SHARE", value_parser = setting::<DatagramWay>("loss"))]
    loss: Option<Setting>,

    /// Losses come in bad spells of so many datagrams on average
    #[arg(long, value_name = "N", value_parser = setting::<DatagramWay>("burst"))]
    burst: Option<Setting>,

    /// The share that is lost in a bad spell, 100% if not given
    #[arg(long, value_name = "SHARE", value_parser = setting::<DatagramWay>("burst-loss"))]
    burst_loss: Option<Setting>,

    /// The share that arrives twice; the copy is made behind the line, and takes nothing of its rate
    #[arg(long, value_name = "SHARE", value_parser = setting::<DatagramWay>("duplicate"))]
    duplicate: Option<Setting>,

    /// The share that is held back until the next one that is not has passed, or for 300 ms if none comes
    #[arg(long, value_name = "SHARE", value_parser = setting::<DatagramWay>("reorder"))]
    reorder: Option<Setting>,

    /// How many have to pass, 1 if not given
    #[arg(long, value_name = "N", value_parser = setting::<DatagramWay>("reorder-gap"))]
    reorder_gap: Option<Setting>,

    /// The share that has one bit flipped
    #[arg(long, value_name = "SHARE", value_parser = setting::<DatagramWay>("corrupt"))]
    corrupt: Option<Setting>,

    /// The rate of the line for all clients together, for example 20mbit
    #[arg(long, value_name = "RATE", value_parser = setting::<DatagramWay>("rate"))]
    rate: Option<Setting>,

    /// How many bytes wait for the line, 64KiB if not given; what finds no place is dropped
    #[arg(long, value_name = "SIZE", value_parser = setting::<DatagramWay>("queue"))]
    queue: Option<Setting>,

    /// How long one waits for the line at most, or is dropped
    #[arg(long, value_name = "TIME", value_parser = setting::<DatagramWay>("queue-time"))]
    queue_time: Option<Setting>,

    /// Nothing passes between these times, for example 2s-5s from the program's start
    #[arg(long, value_name = "FROM-TO", value_parser = setting::<DatagramWay>("cut"))]
    cut: Option<Setting>,

    /// From the client to the target only: any of the above as KEY=VALUE,...
    #[arg(long, value_name = "KEY=VALUE,...", value_delimiter = ',', value_parser = Setting::parse::<DatagramWay>)]
    up: Vec<Setting>,

    /// From the target to the client only
    #[arg(long, value_name = "KEY=VALUE,...", value_delimiter = ',', value_parser = Setting::parse::<DatagramWay>)]
    down: Vec<Setting>,
}

impl UdpImpairments {
    fn settings(&self) -> Settings {
        let Self { delay, vary, spread, loss, burst, burst_loss, duplicate, reorder, reorder_gap, .. } = self;
        let Self { corrupt, rate, queue, queue_time, cut, up, down, .. } = self;
        let first = [delay, vary, spread, loss, burst, burst_loss, duplicate, reorder, reorder_gap];
        let second = [corrupt, rate, queue, queue_time, cut];
        let both = first.into_iter().chain(second).flatten().cloned().collect();
        Settings { both, up: up.clone(), down: down.clone() }
    }
}

/// `tcp`
#[derive(Debug, Args)]
pub(crate) struct TcpArgs {
    #[command(flatten)]
    pub(crate) between: Between,

    /// Let the system refuse every connection, as if no server ran here
    #[arg(long, conflicts_with_all = ["ignore", "log", "scenario", "TcpImpairments"])]
    pub(crate) refuse: bool,

    /// Accept every connection and never answer, as a server that hangs
    #[arg(long)]
    pub(crate) ignore: bool,

    #[command(flatten)]
    impairments: TcpImpairments,
}

impl TcpArgs {
    /// The impairments as settings.
    pub(crate) fn settings(&self) -> Settings {
        self.impairments.settings()
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Impairments (both ways, unless in --up or --down)")]
struct TcpImpairments {
    /// How long bytes are on their way, for example 50ms
    #[arg(long, value_name = "TIME", value_parser = setting::<StreamWay>("delay"))]
    delay: Option<Setting>,

    /// The rate of each connection, for example 20mbit
    #[arg(long, value_name = "RATE", value_parser = setting::<StreamWay>("rate"))]
    rate: Option<Setting>,

    /// Cut the stream into pieces of at most so many bytes, also inside a character
    #[arg(long, value_name = "SIZE", value_parser = setting::<StreamWay>("slice"))]
    slice: Option<Setting>,

    /// The time between two pieces, 100ms if not given
    #[arg(long, value_name = "TIME", value_parser = setting::<StreamWay>("slice-gap"))]
    slice_gap: Option<Setting>,

    /// Gather bytes for so long, then let them leave together
    #[arg(long, value_name = "TIME", value_parser = setting::<StreamWay>("glue"))]
    glue: Option<Setting>,

    /// Let nothing pass any more after so many bytes; the connection stays
    #[arg(long, value_name = "SIZE", value_parser = setting::<StreamWay>("stall-after"))]
    stall_after: Option<Setting>,

    /// Let nothing pass any more so long after a connection's beginning
    #[arg(long, value_name = "TIME", value_parser = setting::<StreamWay>("stall-at"))]
    stall_at: Option<Setting>,

    /// How long the stall lasts, for ever if not given
    #[arg(long, value_name = "TIME", value_parser = setting::<StreamWay>("stall-for"))]
    stall_for: Option<Setting>,

    /// Reset both sides after so many bytes
    #[arg(long, value_name = "SIZE", value_parser = setting::<StreamWay>("reset-after"))]
    reset_after: Option<Setting>,

    /// End the stream after so many bytes: with --up the server sees the end, with --down the client
    #[arg(long, value_name = "SIZE", value_parser = setting::<StreamWay>("close-after"))]
    close_after: Option<Setting>,

    /// How many bytes may be on their way, 256KiB if not given; behind them the sender waits
    #[arg(long, value_name = "SIZE", value_parser = setting::<StreamWay>("window"))]
    window: Option<Setting>,

    /// From the client to the target only: any of the above as KEY=VALUE,...
    #[arg(long, value_name = "KEY=VALUE,...", value_delimiter = ',', value_parser = Setting::parse::<StreamWay>)]
    up: Vec<Setting>,

    /// From the target to the client only
    #[arg(long, value_name = "KEY=VALUE,...", value_delimiter = ',', value_parser = Setting::parse::<StreamWay>)]
    down: Vec<Setting>,
}

impl TcpImpairments {
    fn settings(&self) -> Settings {
        let Self { delay, rate, slice, slice_gap, glue, stall_after, stall_at, stall_for, .. } = self;
        let Self { reset_after, close_after, window, up, down, .. } = self;
        let first = [delay, rate, slice, slice_gap, glue, stall_after, stall_at, stall_for];
        let both = first.into_iter().chain([reset_after, close_after, window]).flatten().cloned().collect();
        Settings { both, up: up.clone(), down: down.clone() }
    }
}

/// Reads the value of the option that is called like its key.
fn setting<W: Way>(key: &'static str) -> impl Fn(&str) -> Result<Setting, String> + Clone + Send + Sync + 'static {
    move |value| Setting::new::<W>(key, value)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_fit_together() {
        Cli::command().debug_assert();
    }

    fn udp(options: &[&str]) -> Result<UdpArgs, clap::Error> {
        let front = ["bad-network", "udp", "127.0.0.1:9001", "127.0.0.1:9999"];
        match Cli::try_parse_from(front.iter().chain(options))?.command {
            Command::Udp(args) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_option_becomes_a_setting() {
        let options = "--delay 50ms --vary 5ms --spread normal --loss 5% --burst 3 --burst-loss 90% --duplicate 1% \
                       --reorder 1% --reorder-gap 2 --corrupt 1% --rate 20mbit --queue 1MiB --queue-time 1s --cut 2s-5s";
        let options: Vec<&str> = options.split_whitespace().collect();
        let settings = udp(&options).unwrap().settings();
        assert_eq!(settings.both.len(), 14);
        let settings = udp(&["--up", "loss=5%,delay=9ms", "--down", "loss=1%"]).unwrap().settings();
        assert_eq!((settings.up.len(), settings.down.len()), (2, 1));
    }

    #[test]
    fn every_option_for_tcp_becomes_a_setting() {
        let options = "bad-network tcp 127.0.0.1:8001 127.0.0.1:8888 --delay 50ms --rate 20mbit --slice 4 --slice-gap 1ms \
                       --glue 5ms --stall-after 10 --stall-at 5s --stall-for 1s --reset-after 10 --close-after 10 --window 1MiB";
        match Cli::try_parse_from(options.split_whitespace()).unwrap().command {
            Command::Tcp(args) => assert_eq!(args.settings().both.len(), 11),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_wrong_value_is_told_with_its_option() {
        for (options, want) in [
            (["--loss", "5"], "'--loss <SHARE>': more than always"),
            (["--delay", "50"], "'--delay <TIME>': no unit; write for example"),
            (["--up", "lost=5%"], "unknown impairment `lost`; there are delay"),
        ] {
            let error = udp(&options).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }

    #[test]
    fn what_a_replay_and_a_refusal_would_ignore_is_refused() {
        for options in [&["--delay", "5s"][..], &["--cut", "1s-2s"], &["--up", "loss=5%"], &["--seed", "7"]] {
            let error = udp(&[&["--replay", "a.jsonl"], options].concat()).unwrap_err();
            assert_eq!(error.kind(), clap::error::ErrorKind::ArgumentConflict, "{options:?}");
        }
        for options in ["--delay 5s", "--log a.jsonl", "--ignore", "--scenario satellite", "--down slice=4"] {
            let line = format!("bad-network tcp 127.0.0.1:8001 127.0.0.1:8888 --refuse {options}");
            let error = Cli::try_parse_from(line.split_whitespace()).unwrap_err();
            assert_eq!(error.kind(), clap::error::ErrorKind::ArgumentConflict, "{options}");
        }
    }
}
