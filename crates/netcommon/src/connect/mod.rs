//! An active open to a `HOST:PORT`: every address is tried, within one deadline.
//!
//! A name may have many addresses, some of which do not work from here. Trying them one after the
//! other would wait minutes for the first silent one; so the next attempt starts 250 ms after the last,
//! or at once when one has failed, and the first finished handshake wins. One thread watches them all.
//!
//! Read `race.rs` (when to start which), then this file (the sockets), then `error.rs` (the words).
//! Source: RFC 8305, "Happy Eyeballs".

mod error;
mod lookup;
mod race;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub use self::error::{Cause, ConnectError, Failure, Failures};
pub use self::lookup::lookup;
use self::race::{Race, Step, interleave};
use crate::addr::HostPort;
use crate::net::TcpStream;
use crate::readiness::{Interest, Readiness};
use crate::shutdown::Shutdown;

/// How many addresses of one name are tried.
///
/// Whoever answers for a name may list thousands, and each costs a socket; the sixteenth begins after
/// 4 s, when most users have stopped waiting.
const ATTEMPTS_MAX: usize = 16;

/// No connect waits longer, whatever the option says: a deadline must fit into the system's clock.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// From here on the system hands out ports by itself: Linux's default, the others begin at 49152.
const EPHEMERAL_PORTS_START: u16 = 32_768;

/// Connects to the first address of `target` that answers, within `timeout` including the look-up.
///
/// `getaddrinfo(3)` on a thread of its own, then `socket(2)` and a non-blocking `connect(2)` per
/// address. Blocks until one has connected, all have failed, or the time is up. A look-up that is
/// still under way then ends by itself later, because the system offers no way to interrupt it.
///
/// # Errors
/// The name is not found; or each address is refused, unreachable, silent or not allowed, and the error
/// says which. `netcommon::cli::describe` prints it with what to try.
///
/// # Examples
/// ```
/// use netcommon::{addr, connect::connect};
/// use std::time::Duration;
///
/// let listener = addr::listen(&"127.0.0.1:0".parse().unwrap(), &Default::default()).unwrap();
/// let target = listener.local_addr().unwrap().into();
/// let stream = connect(&target, Duration::from_secs(3))?;
/// assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
/// # drop(stream);
///
/// drop(listener);
/// let error = connect(&target, Duration::from_secs(3)).unwrap_err();
/// assert_eq!(error.to_string(), format!("connect to {target}"));
/// assert_eq!(error.hint(), Some("start the server first, or check the port"));
/// # Ok::<(), netcommon::connect::ConnectError>(())
/// ```
pub fn connect(target: &HostPort, timeout: Duration) -> Result<TcpStream, ConnectError> {
    // A token that nobody moves.
    connect_until(target, timeout, &Shutdown::new())
}

/// Connects as [`connect`] does, but gives up as soon as shutdown begins.
///
/// # Errors
/// As [`connect`]; [`ConnectError::Interrupted`] when `shutdown` came first.
///
/// # Examples
/// ```
/// use netcommon::connect::{ConnectError, connect_until};
/// use netcommon::shutdown::Shutdown;
/// use std::time::Duration;
///
/// let shutdown = Shutdown::new();
/// shutdown.advance();
/// let result = connect_until(&"教室.example:80".parse().unwrap(), Duration::from_secs(3), &shutdown);
/// assert!(matches!(result, Err(ConnectError::Interrupted { .. })));
/// ```
pub fn connect_until(target: &HostPort, timeout: Duration, shutdown: &Shutdown) -> Result<TcpStream, ConnectError> {
    connect_timed(target, timeout, shutdown, || {})
}

/// Connects as [`connect_until`] does, and calls `looked_up` when the addresses are known, before the first
/// attempt: for a program that tells how long the name took and how long the handshake.
///
/// # Errors
/// As [`connect_until`].
///
/// # Examples
/// ```
/// use netcommon::{addr, connect::connect_timed, shutdown::Shutdown};
/// use std::time::{Duration, Instant};
///
/// let listener = addr::listen(&"127.0.0.1:0".parse().unwrap(), &Default::default()).unwrap();
/// let target = listener.local_addr().unwrap().into();
/// let mut known = None;
/// connect_timed(&target, Duration::from_secs(3), &Shutdown::new(), || known = Some(Instant::now()))?;
/// assert!(known.is_some());
/// # Ok::<(), netcommon::connect::ConnectError>(())
/// ```
pub fn connect_timed(
    target: &HostPort,
    timeout: Duration,
    shutdown: &Shutdown,
    looked_up: impl FnOnce(),
) -> Result<TcpStream, ConnectError> {
    if shutdown.is_draining() {
        return Err(ConnectError::Interrupted { target: target.clone() });
    }
    let deadline = Instant::now() + timeout.min(TIMEOUT_MAX);
    let mut addrs = interleave(&lookup(target, timeout, deadline, shutdown)?);
    addrs.truncate(ATTEMPTS_MAX);
    looked_up();
    let target = target.clone();
    match connect_any(&addrs, deadline, shutdown) {
        Ok(End::Connected(stream)) => Ok(stream),
        Ok(End::Interrupted) => Err(ConnectError::Interrupted { target }),
        Ok(End::Lost(attempts)) => Err(ConnectError::Connect { target, failures: failures(addrs, attempts, timeout) }),
        Err(cause) => Err(ConnectError::System { target, cause }),
    }
}

/// How the race between the sockets ended.
enum End {
    Connected(TcpStream),
    /// With how far each address got.
    Lost(Vec<Attempt>),
    Interrupted,
}

/// An attempt, as far as it got.
#[derive(Debug)]
enum Attempt {
    NotTried,
    Running,
    Failed(io::Error),
}

/// The loop that owns the sockets: does what the race says, and tells it what happened.
// ANCHOR: connect_any
fn connect_any(addrs: &[SocketAddr], deadline: Instant, shutdown: &Shutdown) -> io::Result<End> {
    let mut attempts: Vec<Attempt> = addrs.iter().map(|_| Attempt::NotTried).collect();
    let mut race = Race::new(addrs.len(), Instant::now(), deadline);
    let mut running = Readiness::new()?;
    shutdown.wake_on_drain(running.waker());
    loop {
        let now = Instant::now();
        match race.step(now) {
            Step::Start(i) => match TcpStream::start_connect(addrs[i]) {
                Ok(stream) => {
                    running.insert(stream, Interest::Writable, i)?;
                    attempts[i] = Attempt::Running;
                }
                Err(error) => {
                    race.failed(now);
                    attempts[i] = Attempt::Failed(error);
                }
            },
            Step::WaitUntil(time) => {
                for (i, stream) in wait_for_ends(&mut running, time)? {
                    match finish(&stream, addrs[i]) {
                        // Dropping `running` closes the others.
                        Ok(()) => return Ok(End::Connected(stream)),
                        Err(error) => {
                            race.failed(Instant::now());
                            attempts[i] = Attempt::Failed(error);
                        }
                    }
                }
                if shutdown.is_draining() {
                    return Ok(End::Interrupted);
                }
            }
            Step::Lost => return Ok(End::Lost(attempts)),
        }
    }
}
// ANCHOR_END: connect_any

/// Waits until attempts have ended, or `deadline` is there; returns and removes those that have.
fn wait_for_ends(running: &mut Readiness<TcpStream, usize>, deadline: Instant) -> io::Result<Vec<(usize, TcpStream)>> {
    let mut ready = Vec::new();
    running.wait(Some(deadline), &mut ready)?;
    let removed = ready.iter().filter_map(|ready| running.remove(ready.key));
    let mut ended: Vec<_> = removed.map(|(stream, i)| (i, stream)).collect();
    // Of two that have ended while we slept, the one that the system prefers comes first.
    ended.sort_unstable_by_key(|(i, _)| *i);
    Ok(ended)
}

/// Ends an attempt whose stream has become writable: connected, or why not.
fn finish(stream: &TcpStream, target: SocketAddr) -> io::Result<()> {
    stream.finish_connect()?;
    // The system may have given us the very port that we connect to. Then our SYN has met itself, and
    // TCP's simultaneous open (RFC 9293 section 3.5) makes a connection of one socket with itself: an
    // echo that no server sends. Only ports that the system hands out can be hit.
    if target.port() >= EPHEMERAL_PORTS_START && meets_itself(stream.local_addr()?, target) {
        return Err(ErrorKind::ConnectionRefused.into());
    }
    Ok(())
}

/// Whether a connection from `local` to `target` is one socket that has met itself, and nobody listens.
///
/// # Examples
/// ```
/// use netcommon::connect::meets_itself;
///
/// let addr = "127.0.0.1:50312".parse().unwrap();
/// assert!(meets_itself(addr, addr) && !meets_itself("127.0.0.1:50313".parse().unwrap(), addr));
/// ```
#[must_use]
pub fn meets_itself(local: SocketAddr, target: SocketAddr) -> bool {
    local.port() == target.port() && (local.ip() == target.ip() || target.ip().is_unspecified())
}

fn failures(addrs: Vec<SocketAddr>, attempts: Vec<Attempt>, timeout: Duration) -> Failures {
    let cause = |attempt| match attempt {
        Attempt::NotTried => Cause::NotTried,
        Attempt::Running => Cause::Silence(timeout),
        Attempt::Failed(error) => Cause::Said(error),
    };
    Failures(addrs.into_iter().zip(attempts).map(|(addr, attempt)| Failure { addr, cause: cause(attempt) }).collect())
}
