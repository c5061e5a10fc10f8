//! One thread for all connections under way: non-blocking connects, and the system says which have ended.
//!
//! ```text
//!            ┌──────────── Scan (decides) ◀───────────── answer ──────────────┐
//!            ▼ ask                                                            │
//! socket ── connect ──▶ "in progress" ──▶ watched ──▶ wait: these are ready ──┘
//!    ▲         └─▶ refused at once (loopback) ─▶ answer                │
//!    └──────────── idle: asks the next port (Linux) ◀── refused ───────┘
//! ```
//!
//! On Linux a second `connect` on a refused socket fetches the error and takes the socket for new, so one
//! socket asks thousands of ports. Elsewhere each port gets a socket of its own. Read `crate::scan` before.
//! Source: connect(2), "EINPROGRESS" and "EALREADY"; the reuse is Linux's own, POSIX leaves it open.

use std::io;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use netcommon::net::TcpStream;
use netcommon::readiness::{Interest, Key, Readiness, Ready};
use netcommon::shutdown::Shutdown;

use super::{End, Observer, connected, failed};
use crate::scan::{Scan, Step, TryId};
use crate::verdict::Answer;

/// A refused socket can ask again.
const REUSES_SOCKETS: bool = cfg!(target_os = "linux");

/// After so many steps we look for answers, for Ctrl-C and to the progress bar, even if there is more to ask.
const STEPS_BETWEEN_LOOKS: u32 = 64;

/// How old our knowledge may be before silence is believed: the loop may have been held up by a slow stdout.
const LOOK_AGE_MAX: Duration = Duration::from_millis(5);

/// Does what `scan` says until it is done; what is not settled then, `scan` knows.
///
/// Blocks until then, or until shutdown begins.
///
/// # Errors
/// What the observer returns; when the system cannot watch sockets at all.
pub fn run(scan: &mut Scan, shutdown: &Shutdown, observer: Observer<'_>) -> anyhow::Result<End> {
    let mut sockets = Sockets::new()?;
    shutdown.wake_on_drain(sockets.watched.waker());
    let (mut steps, mut looked_at) = (0_u32, Instant::now());
    loop {
        let now = Instant::now();
        steps = steps.wrapping_add(1);
        let is_time_to_look = steps.is_multiple_of(STEPS_BETWEEN_LOOKS) || now >= looked_at + LOOK_AGE_MAX;
        let step = if is_time_to_look { Step::WaitUntil(now) } else { scan.next(now) };
        while let Some(id) = scan.next_dropped() {
            sockets.close(id);
        }
        let mut found = None;
        match step {
            Step::Ask(id, addr) => {
                let answer = sockets.ask(id, addr);
                found = answer.and_then(|answer| scan.on_answer(id, answer, Instant::now()));
            }
            Step::Found(finding) => found = Some(finding),
            Step::WaitUntil(until) => {
                sockets.wait(until)?;
                looked_at = Instant::now();
                while let Some((id, answer)) = sockets.next_answer() {
                    if let Some(finding) = scan.on_answer(id, answer, looked_at)
                        && observer(Some(&finding))? == ControlFlow::Break(())
                    {
                        return Ok(End::Enough);
                    }
                }
                if shutdown.is_draining() {
                    return Ok(End::Interrupted);
                }
                if observer(None)? == ControlFlow::Break(()) {
                    return Ok(End::Enough);
                }
            }
            Step::Done => return Ok(End::Complete),
        }
        if let Some(finding) = found
            && observer(Some(&finding))? == ControlFlow::Break(())
        {
            return Ok(End::Enough);
        }
    }
}

/// The sockets of all tries under way, and those that can be used again.
struct Sockets {
    /// Each with its try and whom it asks.
    watched: Readiness<TcpStream, (TryId, SocketAddr)>,
    /// By the number of the try.
    keys: Vec<Option<Key>>,
    ready: Vec<Ready>,
    /// Refused sockets of one family.
    idle: Vec<TcpStream>,
    idle_is_v4: bool,
}

impl Sockets {
    fn new() -> io::Result<Self> {
        let watched = Readiness::new()?;
        Ok(Self { watched, keys: Vec::new(), ready: Vec::new(), idle: Vec::new(), idle_is_v4: true })
    }

    /// Begins a try; the answer if there is one already.
    // ANCHOR: ask
    fn ask(&mut self, id: TryId, addr: SocketAddr) -> Option<Answer> {
        let stream = match self.unconnected(addr) {
            Ok(stream) => stream,
            Err(error) => return Some(Answer::of_error(&error)),
        };
        let mut result = stream.try_connect(addr);
        if REUSES_SOCKETS && addr.ip().is_loopback() && matches!(result, Ok(false)) {
            // Both ends are this machine: the answer came while `connect` was returning.
            result = stream.try_connect(addr);
        }
        match result {
            Ok(false) => self.watch(id, addr, stream),
            result => Some(self.end(stream, addr, result.map(drop))),
        }
    }
    // ANCHOR_END: ask

    /// A socket that was refused before, or a new one.
    fn unconnected(&mut self, addr: SocketAddr) -> io::Result<TcpStream> {
        if self.idle_is_v4 != addr.is_ipv4() {
            self.idle.clear();
            self.idle_is_v4 = addr.is_ipv4();
        }
        self.idle.pop().map_or_else(|| TcpStream::unconnected(addr), Ok)
    }

    /// Has the system tell when the connect ends; an answer if it refuses to.
    fn watch(&mut self, id: TryId, addr: SocketAddr, stream: TcpStream) -> Option<Answer> {
        match self.watched.insert(stream, Interest::Writable, (id, addr)) {
            Ok(key) => {
                if self.keys.len() <= id.index() {
                    self.keys.resize(id.index() + 1, None);
                }
                self.keys[id.index()] = Some(key);
                None
            }
            Err(error) => Some(Answer::of_error(&error)),
        }
    }

    /// Waits until connects have ended, but not longer than `until`.
    fn wait(&mut self, until: Instant) -> io::Result<()> {
        self.watched.wait(Some(until), &mut self.ready)
    }

    /// One of the connects that had ended at the last wait.
    // ANCHOR: next_answer
    fn next_answer(&mut self) -> Option<(TryId, Answer)> {
        loop {
            let Ready { key, .. } = self.ready.pop()?;
            // It may have been closed since, because another try of its port was answered.
            let Some((stream, (id, addr))) = self.watched.remove(key) else { continue };
            self.keys[id.index()] = None;
            // On Linux this fetches the error as SO_ERROR would, and makes the socket new.
            let result = if REUSES_SOCKETS { stream.try_connect(addr) } else { stream.connect_result().map(|()| true) };
            let result = match result {
                // Ready, but not at an end: an ICMP message says why, and the kernel would go on trying.
                Ok(false) => match stream.connect_result() {
                    Ok(()) => match self.watch(id, addr, stream) {
                        Some(answer) => return Some((id, answer)),
                        None => continue,
                    },
                    Err(error) => Err(error),
                },
                result => result.map(drop),
            };
            return Some((id, self.end(stream, addr, result)));
        }
    }
    // ANCHOR_END: next_answer

    /// What the end of a connect means; the socket is kept if it can ask again, else closed.
    fn end(&mut self, stream: TcpStream, addr: SocketAddr, result: io::Result<()>) -> Answer {
        match result {
            Ok(()) => connected(&stream, addr),
            Err(error) => {
                if REUSES_SOCKETS && error.kind() == io::ErrorKind::ConnectionRefused {
                    self.idle.push(stream);
                }
                failed(&error, addr)
            }
        }
    }

    /// Closes the socket of a try that is no longer wanted.
    fn close(&mut self, id: TryId) {
        if let Some(key) = self.keys.get_mut(id.index()).and_then(Option::take) {
            self.watched.remove(key);
        }
    }
}
