//! A crowd before two servers: chapter 2's with a thread for each client, chapter 6's with one for all.
//!
//! The same clients ask the same question without pause, first of one server, then of the other; each
//! second prints what the system says of the server meanwhile. Not a benchmark, since everything shares
//! one computer: `scripts/bench/event-server` measures with more care. Read `clients.rs` next.

mod clients;
mod vitals;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use netcommon::addr::HostPort;
use netcommon::cli::INTERRUPTED;
use netcommon::descriptors::room_for;
use netcommon::lang::Lang;
use netcommon::shutdown::Shutdown;

use self::clients::Clients;
use self::vitals::Vitals;
use crate::lane::{Heard, Lane};
use crate::player::DEADLINE;
use crate::programs::{Programs, ProgramsError};
use crate::screen::Screen;
use crate::tour::Options;

/// The two servers, in the order of the chapters.
const SERVERS: [&str; 2] = ["tcp-server", "event-server"];

/// More than this computer has ports for on one address.
pub const CLIENTS_MAX: u16 = 20_000;

/// Sends `wanted` clients to each server in turn, for so many seconds each.
///
/// Blocks until both have been seen, or Ctrl-C.
///
/// # Errors
/// When a program is missing or does not serve, or nobody reads our output any more.
pub fn crowd(wanted: u16, seconds: u16, options: &Options) -> anyhow::Result<ExitCode> {
    let (lang, mut screen) = (options.lang, Screen::stdout(options.lang));
    let shutdown = Shutdown::on_signals().context("listen for Ctrl-C")?;
    let programs = match &options.programs {
        Some(folder) => Programs::in_folder(folder.clone()),
        None => Programs::beside_this_one()?,
    };
    match programs.build(&SERVERS, lang, shutdown.draining()) {
        Err(ProgramsError::Interrupted) => return Ok(ExitCode::from(INTERRUPTED)),
        built => built?,
    }
    let count = descriptors_for(wanted);
    if count < wanted {
        screen.sentence(&lang.pick(
            format!("The limit on descriptors lets {count} of {wanted} clients in; `ulimit -Hn` says how far it goes."),
            format!("檔案描述符的上限只容得下 {wanted} 個用戶端中的 {count} 個；`ulimit -Hn` 會說最多可以到多少。"),
        ))?;
    }
    for name in SERVERS {
        let mut command = programs.command(name)?;
        command.args(["127.0.0.1:0", "--quiet", "--max-connections", &CLIENTS_MAX.to_string()]);
        let mut server = Lane::start(name, command).with_context(|| format!("start {name}"))?;
        let addr = listening_addr(&mut server, &shutdown).with_context(|| format!("start {name}"))?;
        let began = Instant::now();
        let mut clients = Clients::open(&addr, count, &shutdown)?;
        screen.line(&came(name, count, began.elapsed(), lang))?;
        for _ in 0..seconds {
            let tally = clients.ask_for(Duration::from_secs(1))?;
            if shutdown.is_draining() {
                return Ok(ExitCode::from(INTERRUPTED));
            }
            screen.line(&second(name, tally.answers, clients.len(), &Vitals::of(server.pid()), lang))?;
            if tally.wrong > 0 || clients.len() < usize::from(count) {
                bail!("{name}: {} wrong answers, {} clients left of {count}", tally.wrong, clients.len());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits for a server's first line.
fn listening_addr(server: &mut Lane, shutdown: &Shutdown) -> anyhow::Result<HostPort> {
    match server.next_line(Instant::now() + DEADLINE, shutdown.draining()) {
        Heard::Line(line) => Ok(line.rsplit(' ').next().unwrap_or_default().parse()?),
        other => bail!("no address on its first line: {other:?}"),
    }
}

fn came(name: &str, count: u16, took: Duration, lang: Lang) -> String {
    let millis = took.as_millis();
    lang.pick(
        format!("{name}: {count} clients connected within {millis} ms"),
        format!("{name}：{count} 個用戶端在 {millis} 毫秒內連上"),
    )
}

/// What one second was like; the words have fixed places, so that the eye can compare.
fn second(name: &str, answers: u64, clients: usize, vitals: &Vitals, lang: Lang) -> String {
    let Vitals { threads, mib } = vitals;
    lang.pick(
        format!("{name:<12} {clients:>6} clients  {threads:>6} threads  {mib:>6} MiB  {answers:>8} answers/s"),
        format!("{name:<12} {clients:>6} 個用戶端 {threads:>6} 個執行緒 {mib:>6} MiB  每秒 {answers:>8} 個回答"),
    )
}

/// Raises the limit on descriptors, which the servers inherit; how many of `wanted` clients fit.
fn descriptors_for(wanted: u16) -> u16 {
    // Each server has less open than we have.
    u16::try_from(room_for(wanted.into())).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::width;

    #[test]
    fn a_second_fits_a_terminal_in_both_languages() {
        let vitals = Vitals { threads: "10003".to_owned(), mib: "150.3".to_owned() };
        for lang in [Lang::En, Lang::ZhTw] {
            let line = second("event-server", 139_356, 10_000, &vitals, lang);
            assert!(width(&line) <= 80 && line.contains("139356") && line.contains("10003"), "{line}");
        }
    }
}
