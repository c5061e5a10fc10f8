//! The crowd's sockets: joining a few at a time, then lines as they come.
//!
//! One thread and level-triggered readiness, as in `echoload`. A member costs a socket and the begun line.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use echoload::readiness::{Interest, Readiness};
use socket2::{Domain, Protocol, Socket, Type};

use crate::dialect::{Dialect, Heard};

/// The buffer into which everybody reads.
const READ_LEN: usize = 256 * 1024;

/// Everybody.
#[derive(Debug)]
pub struct Crowd {
    dialect: Dialect,
    readiness: Readiness,
    /// For each, the line that has begun.
    begun: Vec<Vec<u8>>,
    buffer: Vec<u8>,
    ready: Vec<usize>,
    /// Connections that the server has ended.
    pub closed: u64,
}

impl Crowd {
    /// Lets `members` join, at most `at_once` at a time; how long it took until all were in.
    ///
    /// Members from the number `stuck_from` on have the smallest receive buffer, and are never read from
    /// once they are in.
    ///
    /// # Errors
    /// When not all are in within `within`.
    pub fn join(
        dialect: Dialect,
        server: SocketAddr,
        (members, stuck_from, at_once): (usize, usize, usize),
        within: Duration,
    ) -> Result<(Self, Duration)> {
        let mut crowd = Self {
            dialect,
            readiness: Readiness::new()?,
            begun: Vec::new(),
            buffer: vec![0; READ_LEN],
            ready: Vec::new(),
            closed: 0,
        };
        let began = Instant::now();
        let mut inside = 0;
        while inside < members {
            while crowd.begun.len() < members && crowd.begun.len() < inside + at_once {
                crowd.connect(server, crowd.begun.len() >= stuck_from)?;
            }
            let mut joined = Vec::new();
            crowd.listen(Duration::from_millis(100), |number, heard, _| {
                match heard {
                    Heard::Joined => joined.push(number),
                    Heard::Refused => bail!("the server refuses member {number}"),
                    _ => {}
                }
                Ok(())
            })?;
            ensure!(crowd.closed == 0, "the server has closed a connection before everybody was in");
            for number in joined {
                inside += 1;
                if number >= stuck_from {
                    crowd.readiness.ignore(number)?;
                }
            }
            ensure!(began.elapsed() < within, "only {inside} of {members} are in after {within:?}");
        }
        Ok((crowd, began.elapsed()))
    }

    fn connect(&mut self, server: SocketAddr, stuck: bool) -> Result<()> {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, Some(Protocol::TCP))?;
        if stuck {
            socket.set_recv_buffer_size(4096)?;
        }
        socket.connect(&server.into()).with_context(|| format!("connect to {server}"))?;
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let number = self.readiness.add(socket, Interest::Readable)?;
        self.begun.push(Vec::new());
        self.say(number, self.dialect.hello(&format!("m{number}")).as_bytes())
    }

    /// Sends bytes for this member. A load never fills a send buffer, so a full one is an error.
    ///
    /// # Errors
    /// What the system says.
    pub fn say(&self, number: usize, bytes: &[u8]) -> Result<()> {
        self.readiness.socket(number).write_all(bytes).with_context(|| format!("send as member {number}"))
    }

    /// Waits at most `timeout`, and hands each line that has come to `take`, with the time at which it was read.
    ///
    /// # Errors
    /// What `take` or the system says.
    pub fn listen(
        &mut self,
        timeout: Duration,
        mut take: impl FnMut(usize, Heard<'_>, Instant) -> Result<()>,
    ) -> Result<bool> {
        let mut ready = std::mem::take(&mut self.ready);
        self.readiness.wait(timeout, &mut ready)?;
        for &number in &ready {
            let len = match self.readiness.socket(number).read(&mut self.buffer) {
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(_) => 0,
            };
            if len == 0 {
                self.closed += 1;
                self.readiness.ignore(number)?;
                continue;
            }
            let now = Instant::now();
            let mut rest = &self.buffer[..len];
            while let Some(at) = memchr::memchr(b'\n', rest) {
                let mut begun = std::mem::take(&mut self.begun[number]);
                let line = if begun.is_empty() {
                    &rest[..at]
                } else {
                    begun.extend_from_slice(&rest[..at]);
                    &begun[..]
                };
                let heard = self.dialect.hear(line);
                match heard {
                    Heard::Answer(text) => self.readiness.socket(number).write_all(text.as_bytes())?,
                    Heard::Ping(token) => {
                        self.readiness.socket(number).write_all(&[b"PONG ", token, b"\r\n"].concat())?;
                    }
                    _ => take(number, heard, now)?,
                }
                begun.clear();
                self.begun[number] = begun;
                rest = &rest[at + 1..];
            }
            self.begun[number].extend_from_slice(rest);
        }
        let any = !ready.is_empty();
        self.ready = ready;
        Ok(any)
    }

    /// Reads what comes until nothing has come for `quiet`, at most for 30 s.
    ///
    /// # Errors
    /// What the system says.
    pub fn settle(&mut self, quiet: Duration) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(30);
        while self.listen(quiet, |_, _, _| Ok(()))? && Instant::now() < until {}
        Ok(())
    }
}
