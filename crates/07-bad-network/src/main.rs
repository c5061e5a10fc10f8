//! The program `bad-network`: arguments → bind → print the address → relay → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first, `args.rs` for the options.

mod args;

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use bad_network::event::{Event, Voice};
use bad_network::log::Log;
use bad_network::network::Network;
use bad_network::record::{Heading, Recording};
use bad_network::scenario::Scenario;
use bad_network::setting::{Settings, Way};
use bad_network::{tcp, udp};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use netcommon::addr::{HostPort, bind_udp, listen, resolve};
use netcommon::cli::{finish, print_line};
use netcommon::columns::wrap;
use netcommon::console::Console;
use netcommon::descriptors::room_for;
use netcommon::error::OpError;
use netcommon::net::ListenOptions;
use netcommon::shutdown::Shutdown;
use socket2::{Domain, Protocol, Socket, Type};

use crate::args::{Between, Cli, Command, ScenariosArgs, TcpArgs, UdpArgs};

/// What a projector and an old terminal show of a line.
const COLUMNS: usize = 80;

/// How far a scenario's texts stand behind its name.
const INDENT: usize = 2;

/// A seed that we choose is short enough to be typed again.
const SEED_CHOSEN_MAX: u64 = 1_000_000;

fn main() -> ExitCode {
    let result = match Cli::try_parse().unwrap_or_else(|error| in_our_words(error).exit()).command {
        Command::Udp(args) => run_udp(&args),
        Command::Tcp(args) => run_tcp(&args),
        Command::Scenarios(args) => list_scenarios(&args),
    };
    finish("bad-network", result)
}

/// Tells with an option of the other protocol whose it is, and of options in conflict only those that were typed.
fn in_our_words(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::Strings(all)) = error.get(ContextKind::PriorArg).cloned() {
        let typed: Vec<String> =
            std::env::args().map(|arg| arg.split('=').next().unwrap_or_default().to_owned()).collect();
        let name = |option: &String| option.split(' ').next().unwrap_or_default().to_owned();
        let told: Vec<String> = all.into_iter().filter(|option| typed.contains(&name(option))).collect();
        error.insert(ContextKind::PriorArg, ContextValue::Strings(told));
    }
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg).cloned() else { return error };
    let Some(name) = option.strip_prefix("--").filter(|_| error.kind() == ErrorKind::UnknownArgument) else {
        return error;
    };
    let cli = Cli::command();
    let takes = |command: &&clap::Command| command.get_arguments().any(|arg| arg.get_long() == Some(name));
    if let Some(command) = cli.get_subcommands().find(takes) {
        let tip = format!("`{option}` is for `bad-network {}`", command.get_name());
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::Usage);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

fn run_udp(args: &UdpArgs) -> anyhow::Result<ExitCode> {
    let between = &args.between;
    between.common.apply();
    let seed = args.seed.unwrap_or_else(|| RandomState::new().hash_one(0) % SEED_CHOSEN_MAX);
    let network = match &args.replay {
        Some(path) => {
            let name = path.display().to_string();
            let file = File::open(path).map_err(|error| OpError::new("open", &name, error))?;
            Network::replay(Recording::read(BufReader::new(file), &name)?)
        }
        None => Network::new(ways(between, "udp", &args.settings(), |scenario| &scenario.udp)?, seed),
    };
    let seed = args.replay.is_none().then_some(seed);
    refuse_same_file(args.replay.as_deref(), between.log.as_deref())?;
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let front = bind_udp(&between.listen)?;
    let front_addr = front.local_addr().context("ask for our address")?;
    let target = targets(between, front_addr)?.remove(0);
    let log = log_of(between, "udp", seed)?;
    let _ = room_for(udp::Limits::default().flows_max);
    let limits = udp::Limits { idle: args.forget_after, ..udp::Limits::default() };
    let (console, voice) = start_console(between, &shutdown)?;
    // Before anybody reads where to send: it makes room for what comes at once.
    let relay = udp::Relay::new(front, target, network, log, voice, limits)?;
    let started = Event::Started { target, seed };
    announce(between, &console, &format!("Bad network for UDP listening on {front_addr}"), &started);
    relay.run(between.grace, &shutdown)?;
    console.finish();
    Ok(ExitCode::SUCCESS)
}

fn run_tcp(args: &TcpArgs) -> anyhow::Result<ExitCode> {
    let between = &args.between;
    between.common.apply();
    let ways = ways(between, "tcp", &args.settings(), |scenario| &scenario.tcp)?;
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    if args.refuse {
        return refuse(between, &shutdown);
    }
    let listener = listen(&between.listen, &ListenOptions::default())?;
    let front_addr = listener.local_addr().context("ask for our address")?;
    let mut others = targets(between, front_addr)?;
    let target = others.remove(0);
    let log = log_of(between, "tcp", None)?;
    // If the system allows fewer, the others wait in the backlog; `-v` says how many fit.
    let _ = room_for(2 * tcp::CONNECTIONS_MAX);
    let (console, voice) = start_console(between, &shutdown)?;
    let config = tcp::Config { ways, others, ignore: args.ignore, ..tcp::Config::default() };
    let relay = tcp::Relay::new(listener, target, config, log, voice)?;
    let started = Event::Started { target, seed: None };
    announce(between, &console, &format!("Bad network for TCP listening on {front_addr}"), &started);
    relay.run(between.grace, &shutdown)?;
    console.finish();
    Ok(ExitCode::SUCCESS)
}

/// Holds the port without listening: the system refuses whoever comes, and nobody else takes the port.
fn refuse(between: &Between, shutdown: &Shutdown) -> anyhow::Result<ExitCode> {
    let held = hold_port(&between.listen)?;
    let addr = held.local_addr()?.as_socket().context("ask for our address")?;
    let target = targets(between, addr)?.remove(0);
    let (console, voice) = start_console(between, shutdown)?;
    let started = Event::Started { target, seed: None };
    announce(between, &console, &format!("Refusing instead of listening on {addr}"), &started);
    // Nothing is ever sent here; the receive ends when the token moves.
    let _ = shutdown.draining().recv();
    voice.say(&Event::ShuttingDown);
    console.finish();
    Ok(ExitCode::SUCCESS)
}

/// A bound socket that does not listen.
fn hold_port(listen: &HostPort) -> anyhow::Result<Socket> {
    let addr = resolve(listen)?.into_iter().next().ok_or_else(|| anyhow!("resolve {listen}: no address"))?;
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP)).context("make a socket")?;
    // As a server's own port: connections that have ended a moment ago do not stand in the way.
    #[cfg(unix)]
    socket.set_reuse_address(true).context("set SO_REUSEADDR")?;
    socket.bind(&addr.into()).map_err(|error| OpError::new("bind", addr, error))?;
    Ok(socket)
}

/// The ways of a scenario with the options over it. Settings that do not fit together are a wrong usage.
fn ways<W: Way>(
    between: &Between,
    protocol: &str,
    options: &Settings,
    of_protocol: fn(&Scenario) -> &Settings,
) -> anyhow::Result<[W; 2]> {
    let scenario = between.scenario.as_deref().map(Scenario::find).transpose()?;
    let below = scenario.as_ref().map(of_protocol).cloned().unwrap_or_default();
    if let Some(name) = &between.scenario
        && below == Settings::default()
    {
        return Err(anyhow!("scenario {name}: it does nothing to {protocol}; it has nothing in a table [{protocol}]"));
    }
    Settings::ways(&[&below, options]).map_err(|what| {
        let mut cli = Cli::command();
        cli.build();
        let command = cli.find_subcommand_mut(protocol).expect("it is one of the two");
        command.error(ErrorKind::ValueValidation, what).exit()
    })
}

/// Where the server may be: addresses of the family that we listen on before others, or a client of `127.0.0.1` might
/// end up at a `::1` where nobody is.
fn targets(between: &Between, front: SocketAddr) -> anyhow::Result<Vec<SocketAddr>> {
    let target = &between.target;
    let mut addrs = resolve(target)?;
    addrs.sort_by_key(|addr| addr.is_ipv4() != front.is_ipv4());
    let first = *addrs.first().ok_or_else(|| anyhow!("resolve {target}: no address"))?;
    if first.port() == 0 {
        return Err(anyhow!("target {target}: no server is at port 0; name the port that it listens on"));
    }
    refuse_circle(front, first)?;
    Ok(addrs)
}

/// Before anything is sent: what came out at the target would come in again, for ever.
fn refuse_circle(front: SocketAddr, target: SocketAddr) -> anyhow::Result<()> {
    let same_host = front.ip() == target.ip() || front.ip().is_unspecified() && target.ip().is_loopback();
    if front.port() == target.port() && same_host {
        return Err(anyhow!("target {target}: that is where we listen ourselves; name the server's address"));
    }
    Ok(())
}

/// A log is empty as soon as it is opened for writing.
fn refuse_same_file(replay: Option<&Path>, log: Option<&Path>) -> anyhow::Result<()> {
    let (Some(replay), Some(log)) = (replay, log) else { return Ok(()) };
    if let (Ok(from), Ok(to)) = (replay.canonicalize(), log.canonicalize())
        && from == to
    {
        return Err(anyhow!("log {}: that is the file to replay; name another one", log.display()));
    }
    Ok(())
}

/// The log with its heading, if one is wanted.
fn log_of(between: &Between, protocol: &str, seed: Option<u64>) -> anyhow::Result<Log> {
    let Some(path) = &between.log else { return Ok(Log::default()) };
    let options = std::env::args_os().skip(1).map(|option| option.to_string_lossy().into_owned()).collect();
    Ok(Log::create(path, &Heading { protocol: protocol.to_owned(), seed, options })?)
}

/// The console, and what speaks through it.
fn start_console(between: &Between, shutdown: &Shutdown) -> anyhow::Result<(Console, Voice)> {
    let on_closed = shutdown.clone();
    let console = Console::start(move || on_closed.advance()).context("start the console")?;
    let voice = Voice::new(console.lines(), between.json);
    Ok((console, voice))
}

/// The first line, and the first event: from now on clients may come.
fn announce(between: &Between, console: &Console, first_line: &str, started: &Event) {
    console.lines().line(format_args!("{first_line}"));
    Voice::new(console.lines(), between.json).say(started);
}

fn list_scenarios(args: &ScenariosArgs) -> anyhow::Result<ExitCode> {
    for scenario in Scenario::built_in() {
        print_line(format_args!("{}", scenario.name))?;
        for words in [&scenario.about, &scenario.figures] {
            for line in wrap(words.pick(args.common.lang), COLUMNS - INDENT) {
                print_line(format_args!("{:INDENT$}{line}", ""))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_refused() {
        let circle =
            |front: &str, target: &str| refuse_circle(front.parse().unwrap(), target.parse().unwrap()).is_err();
        assert!(circle("127.0.0.1:9001", "127.0.0.1:9001") && circle("0.0.0.0:9001", "127.0.0.1:9001"));
        assert!(!circle("127.0.0.1:9001", "127.0.0.1:9999") && !circle("127.0.0.1:9001", "192.0.2.1:9001"));
    }
}
