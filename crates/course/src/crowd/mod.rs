//! A crowd before two servers: chapter 2's with a thread for each client, chapter 6's with one for all.
//!
//! The same clients ask the same question without pause, first of one server, then of the other; each
//! second prints what the system says of the server meanwhile. Not a benchmark, since everything shares
//! one computer: `scripts/bench/event-server` measures with more care. Read `clients.rs` next.

mod clients;
mod vitals;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use netcommon::addr::HostPort;
use netcommon::cli::INTERRUPTED;
use netcommon::descriptors::room_for;
use netcommon::error::OpError;
use netcommon::lang::Lang;
use netcommon::shutdown::Shutdown;

use self::clients::Clients;
use self::vitals::Vitals;
use crate::failure::PlayError;
use crate::lane::{Heard, Lane};
use crate::player::DEADLINE;
use crate::programs::Programs;
use crate::screen::Screen;
use crate::tour::{Options, prepare};

/// The two servers, in the order of the chapters.
pub(crate) const SERVERS: [&str; 2] = ["tcp-server", "event-server"];

/// More than this computer has ports for on one address.
pub const CLIENTS_MAX: u16 = 20_000;

/// Sends `wanted` clients to each server in turn, for so many seconds each.
///
/// Blocks until both have been seen, or Ctrl-C.
///
/// # Errors
/// When a program is missing or does not serve, or nobody reads our output any more.
pub fn crowd(wanted: u16, seconds: u16, options: &Options) -> anyhow::Result<ExitCode> {
    let interrupted = Ok(ExitCode::from(INTERRUPTED));
    let Some((programs, shutdown)) = prepare(options, &SERVERS)? else { return interrupted };
    match compare(&[wanted], seconds, &programs, &mut Screen::stdout(options.lang), &shutdown) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(PlayError::Interrupted) => interrupted,
        Err(error) => Err(error.into()),
    }
}

/// Crowds of these sizes, the smallest first, each before both servers. A size that descriptors do not
/// allow becomes what they do allow, once.
pub(crate) fn compare(
    sizes: &[u16],
    seconds: u16,
    programs: &Programs,
    screen: &mut Screen,
    shutdown: &Shutdown,
) -> Result<(), PlayError> {
    let mut largest = 0;
    screen.empty_line()?;
    for &wanted in sizes {
        let count = descriptors_for(wanted);
        if count < wanted {
            screen.sentence(&too_few(count, wanted, screen.lang()))?;
            screen.empty_line()?;
        }
        if count > largest {
            for name in SERVERS {
                watch(name, count, seconds, programs, screen, shutdown)?;
            }
        }
        largest = largest.max(count);
    }
    Ok(())
}

/// One server with `count` clients, a line for each second.
fn watch(
    name: &str,
    count: u16,
    seconds: u16,
    programs: &Programs,
    screen: &mut Screen,
    shutdown: &Shutdown,
) -> Result<(), PlayError> {
    let lang = screen.lang();
    let mut command = programs.command(name)?;
    command.args(["127.0.0.1:0", "--quiet", "--max-connections", &CLIENTS_MAX.to_string()]);
    let mut server = Lane::start(name, command).map_err(|error| OpError::new("start", name, error))?;
    let addr = listening_addr(&mut server, shutdown).with_context(|| format!("start {name}"));
    let began = Instant::now();
    let clients = addr.and_then(|addr| Clients::open(&addr, count, shutdown));
    let mut clients = clients.map_err(PlayError::Crowd)?;
    screen.line(&came(name, count, began.elapsed(), lang))?;
    for _ in 0..seconds {
        let tally = clients.ask_for(Duration::from_secs(1)).map_err(PlayError::Crowd)?;
        if shutdown.is_draining() {
            return Err(PlayError::Interrupted);
        }
        screen.line(&second(name, tally.answers, clients.len(), &Vitals::of(server.pid()), lang))?;
        if tally.wrong > 0 || clients.len() < usize::from(count) {
            let (wrong, left) = (tally.wrong, clients.len());
            return Err(PlayError::Crowd(anyhow!("{name}: {wrong} wrong answers, {left} clients left of {count}")));
        }
    }
    Ok(())
}

/// Why the crowd is smaller than wished, and who could change that.
fn too_few(count: u16, wanted: u16, lang: Lang) -> String {
    let raise = if cfg!(target_os = "macos") {
        format!("sudo launchctl limit maxfiles {wanted} unlimited")
    } else {
        format!("sudo prlimit --pid $$ --nofile={}", u32::from(wanted) + 100)
    };
    lang.pick(
        format!(
            "The limit on descriptors lets {count} of {wanted} clients in. It has been raised as far as it goes \
             without an administrator (`ulimit -Hn`); one raises it for this terminal with `{raise}`."
        ),
        format!(
            "檔案描述符的上限只容得下 {wanted} 個用戶端中的 {count} 個。不需要管理員就能提高的部分（`ulimit -Hn`）已經用到底了；\
             管理員可以用 `{raise}` 提高這個終端機的上限。"
        ),
    )
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
    use netcommon::columns::width;

    #[test]
    fn a_second_fits_a_terminal_in_both_languages() {
        let vitals = Vitals { threads: "10003".to_owned(), mib: "150.3".to_owned() };
        for lang in [Lang::En, Lang::ZhTw] {
            let line = second("event-server", 139_356, 10_000, &vitals, lang);
            assert!(width(&line) <= 80 && line.contains("139356") && line.contains("10003"), "{line}");
        }
    }
}
