//! One client of a program under test: a connection or a UDP socket in our own hands.
//!
//! Blocks with a deadline in everything. A message is what the exercise's wire makes of bytes: a line, a
//! length-prefixed frame (`netcommon::framing`), or a datagram. Read `talk.rs` before, `trial.rs` next.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use netcommon::framing::{Decoder, Framing, Limits, MESSAGE_LEN_MAX, encode_within};
use serde::Deserialize;

/// Twice a message's limit, so that a server's words around a longest message still fit.
const LIMITS: Limits = Limits { message_len_max: 2 * MESSAGE_LEN_MAX };

/// What one read takes; also the largest datagram.
const READ_LEN: usize = 64 * 1024;

/// How an exercise's messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wire {
    /// TCP, lines that end with LF.
    Lines,
    /// TCP, a 4-byte length before each message.
    Length,
    /// UDP, a message a datagram.
    Datagrams,
}

/// A client, connected.
#[derive(Debug)]
pub struct Peer(Kind);

#[derive(Debug)]
enum Kind {
    Stream { stream: TcpStream, framing: Framing, decoder: Decoder, heard: VecDeque<Vec<u8>> },
    Datagrams(UdpSocket),
}

/// What a client hears.
#[derive(Debug)]
pub enum Heard {
    /// A message.
    Message(Vec<u8>),
    /// The server has ended the connection: with a FIN, or with an RST.
    Closed(String),
    /// The deadline has passed.
    Nothing,
    /// Bytes that are no message of this wire.
    Wrong(String),
}

impl Peer {
    /// Connects, or takes a UDP socket that is connected to `addr`.
    ///
    /// # Errors
    /// What the system says.
    pub fn connect(wire: Wire, addr: SocketAddr, timeout: Duration) -> io::Result<Self> {
        let framing = match wire {
            Wire::Lines => Framing::Lines,
            Wire::Length => Framing::Length,
            Wire::Datagrams => {
                let any: SocketAddr =
                    if addr.is_ipv4() { (Ipv4Addr::LOCALHOST, 0).into() } else { (Ipv6Addr::LOCALHOST, 0).into() };
                let socket = UdpSocket::bind(any)?;
                socket.connect(addr)?;
                return Ok(Self(Kind::Datagrams(socket)));
            }
        };
        let stream = TcpStream::connect_timeout(&addr, timeout)?;
        // Each write of a case is to leave as it is.
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(Self(Kind::Stream { stream, framing, decoder: Decoder::new(framing, LIMITS), heard: VecDeque::new() }))
    }

    /// Sends a message, with its framing and with one write.
    ///
    /// # Errors
    /// What the system says; a server that reads nothing for the timeout of [`Peer::connect`].
    pub fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match &mut self.0 {
            Kind::Stream { stream, framing, .. } => {
                let mut bytes = Vec::new();
                encode_within(*framing, message, LIMITS, &mut bytes).map_err(io::Error::other)?;
                stream.write_all(&bytes)
            }
            Kind::Datagrams(socket) => socket.send(message).map(drop),
        }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// As [`Peer::send`].
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.0 {
            Kind::Stream { stream, .. } => stream.write_all(bytes),
            Kind::Datagrams(socket) => socket.send(bytes).map(drop),
        }
    }

    /// The next message, waited for until `deadline`.
    pub fn hear(&mut self, deadline: Instant) -> Heard {
        match &mut self.0 {
            Kind::Stream { stream, decoder, heard, .. } => hear_stream(stream, decoder, heard, deadline),
            Kind::Datagrams(socket) => {
                let mut datagram = vec![0; READ_LEN];
                let read = socket.set_read_timeout(Some(remaining(deadline))).and_then(|()| socket.recv(&mut datagram));
                match read {
                    Ok(len) => Heard::Message(datagram[..len].to_vec()),
                    Err(error) => failed(&error),
                }
            }
        }
    }

    /// Half-closes: sends a FIN, and can still hear.
    ///
    /// # Errors
    /// When the server has closed already. Over UDP nothing happens.
    pub fn end(&mut self) -> io::Result<()> {
        match &self.0 {
            Kind::Stream { stream, .. } => stream.shutdown(Shutdown::Write),
            Kind::Datagrams(_) => Ok(()),
        }
    }

    /// Ends the connection with an RST.
    ///
    /// # Errors
    /// When the system does not take the option that makes it one.
    pub fn reset(self) -> io::Result<()> {
        match self.0 {
            Kind::Stream { stream, .. } => socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)),
            Kind::Datagrams(_) => Ok(()),
        }
    }
}

fn hear_stream(
    stream: &mut TcpStream,
    decoder: &mut Decoder,
    heard: &mut VecDeque<Vec<u8>>,
    deadline: Instant,
) -> Heard {
    let mut bytes = vec![0; READ_LEN];
    loop {
        if let Some(message) = heard.pop_front() {
            return Heard::Message(message);
        }
        let read = stream.set_read_timeout(Some(remaining(deadline))).and_then(|()| stream.read(&mut bytes));
        let mut input = match read {
            Ok(0) => match decoder.end() {
                Ok(()) => return Heard::Closed("the server has ended the connection".to_owned()),
                Err(error) => return Heard::Wrong(format!("the server has ended the connection: {error}")),
            },
            Ok(len) => &bytes[..len],
            Err(error) => return failed(&error),
        };
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(message)) => heard.push_back(message.to_vec()),
                Ok(None) => break,
                Err(error) => return Heard::Wrong(error.to_string()),
            }
        }
    }
}

/// A timeout of zero would mean none.
fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

fn failed(error: &io::Error) -> Heard {
    match error.kind() {
        // Linux calls a read timeout the one, Windows the other.
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Heard::Nothing,
        _ => Heard::Closed(format!("the connection failed: {error}")),
    }
}
