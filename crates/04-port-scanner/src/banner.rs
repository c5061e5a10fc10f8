//! What a service says first, before it has been asked anything.
//!
//! ```text
//! connect ──▶ wait: writable ──▶ wait: readable ──▶ read ──▶ a line feed, 512 bytes, the end or the time is up
//! ```
//!
//! Some services greet (SSH, SMTP, FTP), others wait for the client to begin (HTTP). The greeting often
//! tells the program and its version. It comes from the network: so it is bounded in length and in time,
//! and escaped before it is shown. Read `engine/events.rs` before: the same shape, for reading.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use netcommon::error::is_timeout;
use netcommon::net::TcpStream;
use netcommon::readiness::{Interest, Key, Readiness};
use netcommon::shutdown::Shutdown;

use crate::engine::{connected, failed};
use crate::scan::pace::Pace;
use crate::verdict::{Answer, Reason, Verdict};

/// How much of a greeting is kept: a line of SMTP has at most 512 bytes (RFC 5321 section 4.5.3.1.5).
pub const BANNER_LEN_MAX: usize = 512;

/// How many services are listened to at once: with 65,535 that wait to be asked, all take 64 times the patience.
pub const LISTENERS_MAX: usize = 1024;

/// What came of listening to a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Greeting {
    /// Its first bytes, at least one.
    Words(Vec<u8>),
    /// Nothing while we listened: it waits to be asked.
    Silence,
    /// It ended the stream without a word.
    Closed,
    /// There was nothing to listen to: it reset the connection, or *we* have run out of something.
    Failed(Reason),
}

/// How to listen.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// How long each service may take.
    pub patience: Duration,
    /// How many connects may start in a second.
    pub rate: Option<u32>,
    /// How many sockets there may be at once; never more than [`LISTENERS_MAX`].
    pub sockets_max: usize,
}

/// Listens to each of `addrs`, and hands over what was heard, in no particular order. How many have not been
/// heard to their end.
///
/// Blocks until then, or until shutdown begins.
///
/// # Errors
/// What `heard` returns; when the system cannot watch sockets at all.
pub fn listen_to(
    addrs: Vec<SocketAddr>,
    config: Config,
    shutdown: &Shutdown,
    heard: &mut dyn FnMut(SocketAddr, &Greeting) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    let mut listener = Listener::new(addrs, config)?;
    shutdown.wake_on_drain(listener.watched.waker());
    let mut ready = Vec::new();
    loop {
        if shutdown.is_draining() {
            return Ok(listener.left());
        }
        let wake = listener.begin(heard)?;
        if listener.left() == 0 {
            return Ok(0);
        }
        listener.watched.wait(wake, &mut ready)?;
        for ready in &ready {
            listener.advance(ready.key, heard)?;
        }
        listener.give_up(Instant::now(), heard)?;
    }
}

/// A service that is being listened to.
struct Conversation {
    addr: SocketAddr,
    is_connected: bool,
    words: Vec<u8>,
}

type Heard<'h> = &'h mut dyn FnMut(SocketAddr, &Greeting) -> anyhow::Result<()>;

struct Listener {
    config: Config,
    pace: Pace,
    waiting: VecDeque<SocketAddr>,
    watched: Readiness<TcpStream, Conversation>,
    /// In the order in which they began, so that the first one is due first.
    deadlines: VecDeque<(Instant, Key)>,
}

impl Listener {
    fn new(addrs: Vec<SocketAddr>, config: Config) -> io::Result<Self> {
        let config = Config { sockets_max: config.sockets_max.clamp(1, LISTENERS_MAX), ..config };
        let (watched, pace) = (Readiness::new()?, Pace::new(config.rate));
        Ok(Self { config, pace, waiting: addrs.into(), watched, deadlines: VecDeque::new() })
    }

    fn left(&self) -> usize {
        self.waiting.len() + self.watched.len()
    }

    /// Begins as many conversations as there is room for; until when to wait then.
    fn begin(&mut self, heard: Heard<'_>) -> anyhow::Result<Option<Instant>> {
        let due = |listener: &Self| listener.deadlines.front().map(|(at, _)| *at);
        while self.watched.len() < self.config.sockets_max
            && let Some(addr) = self.waiting.pop_front()
        {
            let now = Instant::now();
            if let Some(at) = self.pace.not_before(now) {
                self.waiting.push_front(addr);
                return Ok(Some(due(self).map_or(at, |due| due.min(at))));
            }
            match self.connect(addr) {
                Ok(key) => {
                    self.pace.on_try(now);
                    self.deadlines.push_back((now + self.config.patience, key));
                }
                Err(error) => match failed(&error, addr) {
                    // There is as much room as is in use.
                    Answer::NoRoom(_) if !self.watched.is_empty() => {
                        self.config.sockets_max = self.watched.len();
                        self.waiting.push_front(addr);
                    }
                    _ => heard(addr, &Greeting::Failed(Reason::of(&error)))?,
                },
            }
        }
        Ok(due(self))
    }

    fn connect(&mut self, addr: SocketAddr) -> io::Result<Key> {
        let stream = TcpStream::start_connect(addr)?;
        self.watched.insert(stream, Interest::Writable, Conversation { addr, is_connected: false, words: Vec::new() })
    }

    /// A socket is ready: goes on with it, and tells if that was the end.
    fn advance(&mut self, key: Key, heard: Heard<'_>) -> anyhow::Result<()> {
        let Some((stream, conversation)) = self.watched.get_mut(key) else { return Ok(()) };
        if let Some(greeting) = conversation.advance(stream) {
            let addr = conversation.addr;
            self.watched.remove(key);
            return heard(addr, &greeting);
        }
        Ok(self.watched.set_interest(key, Interest::Readable)?)
    }

    /// Ends those whose time is up at `now`.
    fn give_up(&mut self, now: Instant, heard: Heard<'_>) -> anyhow::Result<()> {
        while let Some((_, key)) = self.deadlines.pop_front_if(|(at, _)| *at <= now) {
            if let Some((_, Conversation { addr, words, .. })) = self.watched.remove(key) {
                heard(addr, &if words.is_empty() { Greeting::Silence } else { Greeting::Words(words) })?;
            }
        }
        Ok(())
    }
}

impl Conversation {
    /// Takes what has come; the greeting, if nothing more is wanted. Does not block.
    fn advance(&mut self, mut stream: &TcpStream) -> Option<Greeting> {
        if !self.is_connected {
            let result = stream.connect_result().and_then(|()| match connected(stream, self.addr) {
                Answer::Says(Verdict::Open) => Ok(()),
                // It has met itself: who listened there has gone since.
                _ => Err(io::ErrorKind::ConnectionRefused.into()),
            });
            if let Err(error) = result {
                return Some(Greeting::Failed(Reason::of(&error)));
            }
            self.is_connected = true;
        }
        let mut buf = [0; BANNER_LEN_MAX];
        let end = match stream.read(&mut buf[..BANNER_LEN_MAX - self.words.len()]) {
            Ok(0) => Greeting::Closed,
            Ok(len) => {
                self.words.extend_from_slice(&buf[..len]);
                let is_enough = self.words.len() >= BANNER_LEN_MAX || self.words.contains(&b'\n');
                return is_enough.then(|| Greeting::Words(std::mem::take(&mut self.words)));
            }
            Err(error) if is_timeout(&error) || error.kind() == io::ErrorKind::Interrupted => return None,
            Err(error) => Greeting::Failed(Reason::of(&error)),
        };
        Some(if self.words.is_empty() { end } else { Greeting::Words(std::mem::take(&mut self.words)) })
    }
}
