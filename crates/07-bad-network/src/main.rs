//! The program `bad-network`: arguments → bind → print the address → relay → exit code.
//!
//! Wiring only; the lesson is in the library. Read `lib.rs` first, `args.rs` for the options.

mod args;

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::BufReader;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use bad_network::event::{Event, Voice};
use bad_network::log::Log;
use bad_network::network::Network;
use bad_network::record::{Heading, Recording};
use bad_network::scenario::Scenario;
use bad_network::setting::{Settings, Way};
use bad_network::{tcp, udp};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use netcommon::addr::{HostPort, bind_udp, listen, resolve};
use netcommon::cli::{finish, print_line};
use netcommon::console::Console;
use netcommon::descriptors::room_for;
use netcommon::error::OpError;
use netcommon::net::ListenOptions;
use netcommon::shutdown::Shutdown;
use socket2::{Domain, Protocol, Socket, Type};

use crate::args::{Between, Cli, Command, ScenariosArgs, TcpArgs, UdpArgs};

/// A seed that we choose is short enough to be typed again.
const SEED_CHOSEN_MAX: u64 = 1_000_000;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Udp(args) => run_udp(&args),
        Command::Tcp(args) => run_tcp(&args),
        Command::Scenarios(args) => list_scenarios(&args),
    };
    finish("bad-network", result)
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
        None => Network::new(ways(between, &args.settings(), |scenario| &scenario.udp)?, seed),
    };
    let seed = args.replay.is_none().then_some(seed);
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let target = target_of(between)?;
    let front = bind_udp(&between.listen)?;
    let front_addr = front.local_addr().context("ask for our address")?;
    refuse_circle(front_addr, target)?;
    let log = log_of(between, "udp", seed)?;
    let (console, voice) = begin(between, &format!("Bad network for UDP listening on {front_addr}"), &shutdown)?;
    voice.say(&Event::Started { target, seed });
    let _ = room_for(udp::Limits::default().flows_max);
    let limits = udp::Limits { idle: args.forget_after, ..udp::Limits::default() };
    udp::Relay::new(front, target, network, log, voice, limits)?.run(between.grace, &shutdown)?;
    console.finish();
    Ok(ExitCode::SUCCESS)
}

fn run_tcp(args: &TcpArgs) -> anyhow::Result<ExitCode> {
    let between = &args.between;
    between.common.apply();
    let ways = ways(between, &args.settings(), |scenario| &scenario.tcp)?;
    let shutdown = Shutdown::on_signals().context("wait for signals")?;
    let target = target_of(between)?;
    if args.refuse {
        return refuse(between, target, &shutdown);
    }
    let listener = listen(&between.listen, &ListenOptions::default())?;
    let front_addr = listener.local_addr().context("ask for our address")?;
    refuse_circle(front_addr, target)?;
    let log = log_of(between, "tcp", None)?;
    let (console, voice) = begin(between, &format!("Bad network for TCP listening on {front_addr}"), &shutdown)?;
    voice.say(&Event::Started { target, seed: None });
    // If the system allows fewer, the others wait in the backlog; `-v` says how many fit.
    let _ = room_for(2 * tcp::CONNECTIONS_MAX);
    let config = tcp::Config { ways, ignore: args.ignore, ..tcp::Config::default() };
    tcp::Relay::new(listener, target, config, log, voice)?.run(between.grace, &shutdown)?;
    console.finish();
    Ok(ExitCode::SUCCESS)
}

/// Holds the port without listening: the system refuses whoever comes, and nobody else takes the port.
fn refuse(between: &Between, target: SocketAddr, shutdown: &Shutdown) -> anyhow::Result<ExitCode> {
    let held = hold_port(&between.listen)?;
    let addr = held.local_addr()?.as_socket().context("ask for our address")?;
    let (console, voice) = begin(between, &format!("Refusing instead of listening on {addr}"), shutdown)?;
    voice.say(&Event::Started { target, seed: None });
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
    socket.bind(&addr.into()).map_err(|error| OpError::new("bind", addr, error))?;
    Ok(socket)
}

/// The ways of a scenario with the options over it. Settings that do not fit together are a wrong usage.
fn ways<W: Way>(
    between: &Between,
    options: &Settings,
    of_protocol: fn(&Scenario) -> &Settings,
) -> anyhow::Result<[W; 2]> {
    let scenario = between.scenario.as_deref().map(Scenario::find).transpose()?;
    let below = scenario.as_ref().map(of_protocol).cloned().unwrap_or_default();
    let made = Settings::ways(&[&below, options]);
    Ok(made.unwrap_or_else(|what| Cli::command().error(ErrorKind::ValueValidation, what).exit()))
}

fn target_of(between: &Between) -> anyhow::Result<SocketAddr> {
    let first = resolve(&between.target)?.into_iter().next();
    first.ok_or_else(|| anyhow!("resolve {}: no address", between.target))
}

/// Before anything is sent: what came out at the target would come in again, for ever.
fn refuse_circle(front: SocketAddr, target: SocketAddr) -> anyhow::Result<()> {
    let same_host = front.ip() == target.ip() || front.ip().is_unspecified() && target.ip().is_loopback();
    if front.port() == target.port() && same_host {
        return Err(anyhow!("target {target}: that is where we listen ourselves; name the server's address"));
    }
    Ok(())
}

/// The log with its heading, if one is wanted.
fn log_of(between: &Between, protocol: &str, seed: Option<u64>) -> anyhow::Result<Log> {
    let Some(path) = &between.log else { return Ok(Log::default()) };
    let options = std::env::args_os().skip(1).map(|option| option.to_string_lossy().into_owned()).collect();
    Ok(Log::create(path, &Heading { protocol: protocol.to_owned(), seed, options })?)
}

/// Prints the first line and hands out what says the others.
fn begin(between: &Between, first_line: &str, shutdown: &Shutdown) -> anyhow::Result<(Console, Voice)> {
    let on_closed = shutdown.clone();
    let console = Console::start(move || on_closed.advance()).context("start the console")?;
    console.lines().line(format_args!("{first_line}"));
    let voice = Voice::new(console.lines(), between.json);
    Ok((console, voice))
}

fn list_scenarios(args: &ScenariosArgs) -> anyhow::Result<ExitCode> {
    for scenario in Scenario::built_in() {
        let about = args.common.lang.pick(&scenario.about_en, &scenario.about_zh_tw);
        print_line(format_args!("{}\n  {about}\n  {}", scenario.name, scenario.figures))?;
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
