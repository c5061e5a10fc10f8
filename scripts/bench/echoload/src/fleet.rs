//! Many connections to one server, opened with a bounded number of handshakes under way.
//!
//! A connection counts as open when its first message has been answered: only then is it sure that
//! the server has accepted it, for the kernel completes handshakes that nobody has accepted yet.
//! [`tcp`](crate::tcp) loads the fleet afterwards.

use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use socket2::{Domain, Protocol, Socket, Type};

use crate::exchange::{Exchange, Verdict};
use crate::readiness::{Interest, Readiness};

/// How the fleet is opened.
#[derive(Debug, Clone)]
pub struct Opening {
    /// How many connections.
    pub connections: usize,
    /// How many of them may be under way at once: a peer with a short backlog drops the handshakes
    /// that do not fit, and each one is sent again only after a second.
    pub at_once: usize,
    /// The length of each message.
    pub message_len: usize,
    /// What each answer begins with.
    pub prefix: Vec<u8>,
    /// How long all of them together may take.
    pub timeout: Duration,
}

/// Connections that are all open.
#[derive(Debug)]
pub struct Fleet {
    server: SocketAddr,
    pub(crate) readiness: Readiness,
    pub(crate) connections: Vec<Connection>,
    /// From the first `connect` until the last handshake was complete.
    pub connected_after: Duration,
    /// From the first `connect` until the last connection had its first answer.
    pub answered_after: Duration,
    buffer: Vec<u8>,
}

/// One connection of the fleet; its socket has the same number in the readiness set.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) exchange: Exchange,
    pub(crate) stage: Stage,
    pub(crate) sent_at: Instant,
}

/// What a connection is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The end of the handshake.
    Connecting,
    /// The first answer.
    Greeting,
    /// The next message, or its answer.
    Open,
    /// Nothing: it was answered wrongly, or closed by the server.
    Retired,
}

/// What came on a connection that was ready to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Part of an answer, or a false alarm.
    Partial,
    /// The rest of an answer.
    Whole,
    /// Bytes that must not come.
    Wrong,
    /// The end of the stream, or a reset.
    Closed,
}

impl Fleet {
    /// Opens all connections to `server`; blocks until each has had its first answer.
    ///
    /// # Errors
    ///
    /// When a connection is refused, answered wrongly or closed, or when they are not all open
    /// within the timeout; the message says how many were.
    pub fn open(server: SocketAddr, opening: &Opening) -> Result<Self> {
        let start = Instant::now();
        let mut fleet = Self {
            server,
            readiness: Readiness::new().context("create a poller")?,
            connections: Vec::with_capacity(opening.connections),
            connected_after: Duration::ZERO,
            answered_after: Duration::ZERO,
            buffer: vec![0; 64 * 1024],
        };
        let mut open = 0;
        let mut ready = Vec::new();
        while open < opening.connections {
            while fleet.connections.len() < opening.connections && fleet.connections.len() - open < opening.at_once {
                fleet.connect(opening)?;
            }
            let left = opening.timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                let (all, limit) = (opening.connections, opening.timeout);
                bail!("open {all} connections to {server}: only {open} answered within {limit:?}");
            }
            fleet.readiness.wait(left, &mut ready)?;
            for number in &ready {
                open += usize::from(fleet.advance(*number, start)?);
            }
        }
        fleet.answered_after = start.elapsed();
        Ok(fleet)
    }

    fn connect(&mut self, opening: &Opening) -> Result<()> {
        let socket = start_connect(self.server);
        let socket = socket.with_context(|| format!("connect to {}", self.server))?;
        let number = self.readiness.add(socket, Interest::Writable)?;
        self.connections.push(Connection {
            exchange: Exchange::new(number, opening.message_len, &opening.prefix),
            stage: Stage::Connecting,
            sent_at: Instant::now(),
        });
        Ok(())
    }

    /// Takes a connection that is ready one stage further; true when that has opened it.
    fn advance(&mut self, number: usize, start: Instant) -> Result<bool> {
        match self.connections[number].stage {
            Stage::Connecting => {
                if let Some(error) = self.readiness.socket(number).take_error()? {
                    return Err(error).with_context(|| format!("connect to {}", self.server));
                }
                self.connected_after = start.elapsed();
                self.readiness.change(number, Interest::Readable)?;
                self.connections[number].stage = Stage::Greeting;
                self.send_next(number, Instant::now())?;
                Ok(false)
            }
            Stage::Greeting => match self.receive(number)? {
                Arrival::Partial => Ok(false),
                Arrival::Whole => {
                    self.connections[number].stage = Stage::Open;
                    Ok(true)
                }
                Arrival::Wrong => bail!("first answer on connection {number}: wrong bytes"),
                Arrival::Closed => bail!("first answer on connection {number}: closed instead"),
            },
            Stage::Open | Stage::Retired => Ok(false),
        }
    }

    /// Sends the next message of a connection that has none on its way (`send(2)`).
    pub(crate) fn send_next(&mut self, number: usize, now: Instant) -> Result<()> {
        let connection = &mut self.connections[number];
        connection.sent_at = now;
        let message = connection.exchange.next_message();
        let sent = self.readiness.socket(number).send(message);
        let sent = sent.with_context(|| format!("send on connection {number}"))?;
        // MESSAGE_LEN_MAX is chosen so that this does not happen.
        anyhow::ensure!(sent == message.len(), "send on connection {number}: short");
        Ok(())
    }

    /// Reads once (`recv(2)`) and compares what came with what must come.
    pub(crate) fn receive(&mut self, number: usize) -> Result<Arrival> {
        let mut socket = self.readiness.socket(number);
        let len = match socket.read(&mut self.buffer) {
            Ok(0) => return Ok(Arrival::Closed),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                return Ok(Arrival::Closed);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Arrival::Partial),
            Err(error) => return Err(error).context(format!("read from connection {number}")),
        };
        Ok(match self.connections[number].exchange.feed(&self.buffer[..len]) {
            Verdict::Partial => Arrival::Partial,
            Verdict::Whole => Arrival::Whole,
            Verdict::Wrong => Arrival::Wrong,
        })
    }

    /// Takes a connection out of the game; its socket stays open until the fleet goes.
    pub(crate) fn retire(&mut self, number: usize) -> Result<()> {
        self.connections[number].stage = Stage::Retired;
        Ok(self.readiness.ignore(number)?)
    }
}

/// Begins a handshake without waiting for its end.
fn start_connect(server: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // A message is one small segment; it must not wait for the acknowledgement of the last one.
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&server.into()) {
        Err(error) if is_under_way(&error) => Ok(socket),
        result => result.map(|()| socket),
    }
}

/// Unix says `EINPROGRESS` of a connect that is under way, Windows `WSAEWOULDBLOCK`.
fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::EINPROGRESS) {
        return true;
    }
    error.kind() == ErrorKind::WouldBlock
}
