//! The socket's owner: sends what an [`Exchange`] says, receives until it is content.
//!
//! ```text
//! resolve ──▶ connect (nothing is sent) ──▶ ask: send, recv, send again … ──▶ Reply or AskError
//! ```
//!
//! The socket is connected, so that the kernel lets only the server's datagrams in and reports when
//! nothing listens there. Read `exchange.rs` first: it decides. Source: UNP sections 8.9 to 8.11, udp(7).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use netcommon::connect::{ConnectError, Failures};
use netcommon::error::{OpError, is_timeout, is_too_long};
use netcommon::escape::quote;
use netcommon::net::{UdpSocket, datagram_len_max};

use crate::datagram::{Datagram, is_port_unreachable, receive};
use crate::error::{AskError, Strays};
use crate::exchange::{Exchange, Meaning, Patience, Todo};

/// How many bytes of a stray datagram `-v` shows.
const STRAY_SHOWN_MAX: usize = 60;

/// How a client asks.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// How long and how often to try.
    pub patience: Patience,
    /// Take any datagram of the server as the answer.
    pub any_answer: bool,
    /// How much of an answer to keep, in bytes, at least 1.
    pub buffer_len: usize,
}

impl Default for Config {
    fn default() -> Self {
        // Nothing that UDP can carry is longer.
        Self { patience: Patience::default(), any_answer: false, buffer_len: 65_535 }
    }
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply<'b> {
    /// Its bytes, cut or whole.
    pub datagram: Datagram<'b>,
    /// How often the request had been sent by then.
    pub attempts: u32,
}

/// A client of one UDP server.
#[derive(Debug)]
pub struct Client {
    socket: UdpSocket,
    peer: SocketAddr,
    /// Other addresses of the same server's name, to be tried if nothing listens at `peer`.
    others: std::vec::IntoIter<SocketAddr>,
    config: Config,
    buffer: Vec<u8>,
    previous: Option<Vec<u8>>,
}

impl Client {
    /// A client of the server at the first of `addrs` that there is a way to.
    ///
    /// `socket(2)`, `bind(2)` to a free port, `connect(2)`. Sends nothing, so it cannot know yet whether
    /// anybody listens there. Does not block.
    ///
    /// # Errors
    /// When there is no way to any of the addresses.
    ///
    /// # Examples
    /// ```
    /// use std::net::UdpSocket;
    /// use udp_client::client::{Client, Config};
    ///
    /// let server = UdpSocket::bind("127.0.0.1:0")?;
    /// let client = Client::connect(vec![server.local_addr()?], Config::default())?;
    /// assert_eq!(client.peer(), server.local_addr()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connect(addrs: Vec<SocketAddr>, config: Config) -> Result<Self, ConnectError> {
        let mut others = addrs.into_iter();
        let (socket, peer) = connect_first(&mut others)?;
        Ok(Self { socket, peer, others, config, buffer: vec![0; config.buffer_len + 1], previous: None })
    }

    /// The server's address.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Sends `message` until its answer comes or patience ends.
    ///
    /// `send(2)` and `recv(2)`. Blocks for the sum of the waits at most (by default 1 + 2 + 4 seconds).
    ///
    /// # Errors
    /// Too long for a datagram, nothing listening there, no answer, or what else the system says.
    pub fn ask(&mut self, message: &[u8]) -> Result<Reply<'_>, AskError> {
        let limit = datagram_len_max(self.peer);
        if message.len() > limit {
            return Err(AskError::TooLong { len: message.len(), limit });
        }
        let result = loop {
            match self.exchange(message) {
                // A name may have an address where the server is not: `localhost` is ::1 as well.
                Err(AskError::NobodyThere { .. }) if self.previous.is_none() && self.try_next_address() => {}
                result => break result,
            }
        };
        self.previous = Some(message.to_vec());
        let (len, cut, attempts) = result?;
        Ok(Reply { datagram: Datagram { bytes: &self.buffer[..len], cut }, attempts })
    }

    /// One request until its answer: its length in the buffer, whether it was cut, and the attempts.
    // ANCHOR: exchange
    fn exchange(&mut self, message: &[u8]) -> Result<(usize, bool, u32), AskError> {
        let begin = Instant::now();
        let mut strays = Strays::default();
        let mut exchange = Exchange::new(message, self.previous.as_deref(), self.config.patience)
            .with_any_answer(self.config.any_answer);
        loop {
            match exchange.next(Instant::now()) {
                Todo::Send => send(&self.socket, self.peer, message, exchange.attempt())?,
                Todo::WaitUntil(until) => {
                    let Some(datagram) = receive_until(&self.socket, self.peer, &mut self.buffer, until)? else {
                        continue;
                    };
                    match exchange.judge(datagram) {
                        Meaning::Answer => return Ok((datagram.bytes.len(), datagram.cut, exchange.attempt())),
                        Meaning::Stray(stray) => {
                            log::info!("not the answer ({stray:?}): {}", quote(datagram.bytes, STRAY_SHOWN_MAX));
                            strays.count(stray);
                        }
                    }
                }
                Todo::GiveUp => {
                    let (peer, attempts, waited) = (self.peer, exchange.attempt(), begin.elapsed());
                    return Err(AskError::NoAnswer { peer, attempts, waited, strays, request: message.to_vec() });
                }
            }
        }
    }
    // ANCHOR_END: exchange

    /// Turns to the next address of the server's name; `false` when none is left.
    fn try_next_address(&mut self) -> bool {
        let before = self.peer;
        let Ok((socket, peer)) = connect_first(&mut self.others) else { return false };
        log::info!("nothing is listening on {before}; trying {peer}");
        (self.socket, self.peer) = (socket, peer);
        true
    }
}

/// A socket that is connected to the first of `addrs` that there is a way to.
fn connect_first(addrs: &mut impl Iterator<Item = SocketAddr>) -> Result<(UdpSocket, SocketAddr), ConnectError> {
    let mut failure = None;
    for addr in addrs {
        match connect(addr) {
            Ok(socket) => return Ok((socket, addr)),
            Err(error) => {
                let failures = Failures::of(addr, error);
                failure = failure.or(Some(ConnectError::Connect { target: addr.into(), failures }));
            }
        }
    }
    Err(failure.unwrap_or_else(|| OpError::new("connect to", "no address", io::ErrorKind::NotFound.into()).into()))
}

// ANCHOR: connect
fn connect(peer: SocketAddr) -> io::Result<UdpSocket> {
    let any = if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    socket.connect(peer)?;
    Ok(socket)
}
// ANCHOR_END: connect

/// Sends the request once.
fn send(socket: &UdpSocket, peer: SocketAddr, message: &[u8], attempt: u32) -> Result<(), AskError> {
    log::debug!("attempt {attempt}: {} bytes to {peer}", message.len());
    let sent = match socket.send(message) {
        // News of an earlier request's last datagram, reported once: this one has not been sent yet.
        Err(error) if attempt == 1 && is_port_unreachable(&error) => socket.send(message),
        sent => sent,
    };
    match sent {
        Ok(_) => Ok(()),
        Err(error) if is_port_unreachable(&error) => Err(AskError::NobodyThere { peer, cause: error }),
        // A full queue on the way out is loss like any other: the next attempt comes.
        Err(error) if is_passing(&error) => Ok(()),
        Err(error) if is_too_long(&error) => Err(AskError::TooLongHere { len: message.len(), cause: error }),
        Err(error) => Err(AskError::System { operation: "send to", peer, cause: Failures::of(peer, error) }),
    }
}

/// Waits for one datagram until `until`; `None` when the time is up, or when a signal came.
fn receive_until<'b>(
    socket: &UdpSocket,
    peer: SocketAddr,
    buffer: &'b mut [u8],
    until: Instant,
) -> Result<Option<Datagram<'b>>, AskError> {
    // Whole milliseconds, which is what Windows counts in, and not zero, which would mean for ever.
    let left_us = until.saturating_duration_since(Instant::now()).as_micros();
    let left_ms = u64::try_from(left_us.div_ceil(1000)).unwrap_or(u64::MAX).max(1);
    let received = socket.set_read_timeout(Some(Duration::from_millis(left_ms))).and_then(|()| receive(socket, buffer));
    match received {
        Ok(datagram) => Ok(Some(datagram)),
        Err(error) if is_timeout(&error) || error.kind() == io::ErrorKind::Interrupted => Ok(None),
        Err(error) if is_port_unreachable(&error) => Err(AskError::NobodyThere { peer, cause: error }),
        Err(error) => Err(AskError::System { operation: "receive from", peer, cause: Failures::of(peer, error) }),
    }
}

/// `ENOBUFS`: the interface's queue is full at this moment.
fn is_passing(error: &io::Error) -> bool {
    netcommon::narrate::errno_name(error).ends_with("ENOBUFS")
}
