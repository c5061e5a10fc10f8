//! A socket before it is anything else: made, named and looked at step by step.
//!
//! Chapter 1 looks at what the other wrappers do in one go; here each call of the system is one method,
//! under std's name where std has one. Everything else of the course uses [`super::TcpListener`],
//! [`super::TcpStream`] and [`super::UdpSocket`]. Source: socket(2) and the pages that it names.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, SockAddr, Type};

use super::{fd_of, open, tell_close, told, told_addr};
use crate::narrate::{self, Call, Fd, Kind, Outcome};

/// A socket of any kind, in any state.
#[derive(Debug)]
pub struct Socket {
    inner: socket2::Socket,
    ty: Type,
}

impl Socket {
    /// Makes a socket, without a name and unconnected: `socket(2)`. Does not block.
    ///
    /// # Errors
    /// A combination that does not exist, a family that this system lacks, no free descriptor.
    ///
    /// # Examples
    /// ```
    /// use netcommon::net::Socket;
    /// use socket2::{Domain, Protocol, Type};
    ///
    /// let socket = Socket::new(Domain::IPV4, Type::STREAM, Protocol::TCP)?;
    /// socket.bind("127.0.0.1:0".parse().unwrap())?;
    /// assert_ne!(socket.local_addr()?.port(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(domain: Domain, ty: Type, protocol: Protocol) -> io::Result<Self> {
        Ok(Self { inner: open(domain, ty, protocol)?, ty })
    }

    /// The number by which the process knows it: a descriptor, on Windows a handle.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.fd().0
    }

    /// Gives it an address; port 0 takes a free port: `bind(2)`.
    ///
    /// # Errors
    /// `AddrInUse`, `PermissionDenied`, `AddrNotAvailable`.
    pub fn bind(&self, addr: SocketAddr) -> io::Result<()> {
        told(self.inner.bind(&addr.into()), || Call::Bind { fd: self.fd(), addr })
    }

    /// Lets the kernel complete handshakes, and keep `backlog` of them: `listen(2)`.
    ///
    /// # Errors
    /// Not a TCP socket.
    pub fn listen(&self, backlog: i32) -> io::Result<()> {
        told(self.inner.listen(backlog), || Call::Listen { fd: self.fd(), backlog })
    }

    /// The active open of TCP, which blocks until the peer answers; fixes the peer of UDP: `connect(2)`.
    ///
    /// # Errors
    /// Refused, timed out, unreachable.
    pub fn connect(&self, addr: SocketAddr) -> io::Result<()> {
        told(self.inner.connect(&addr.into()), || {
            let fd = self.fd();
            if self.ty == Type::DGRAM { Call::ConnectUdp { fd, addr } } else { Call::Connect { fd, addr } }
        })
    }

    /// Waits for a finished handshake: `accept(2)`. Blocks until there is one.
    ///
    /// # Errors
    /// Not a listener, no free descriptor.
    pub fn accept(&self) -> io::Result<(Self, SocketAddr)> {
        let result = self.inner.accept().and_then(|(inner, peer)| Ok((inner, internet(&peer)?)));
        if narrate::is_on() {
            let outcome = match &result {
                Ok((inner, peer)) => Outcome::Accepted(fd_of(inner), *peer),
                Err(error) => Outcome::Failed(error),
            };
            narrate::tell(&Call::Accept { fd: self.fd() }, &outcome);
        }
        let (inner, peer) = result?;
        Ok((Self { inner, ty: self.ty }, peer))
    }

    /// Sends one datagram to `addr`: `sendto(2)`.
    ///
    /// # Errors
    /// As [`super::UdpSocket::send_to`].
    pub fn send_to(&self, bytes: &[u8], addr: SocketAddr) -> io::Result<usize> {
        let result = self.inner.send_to(bytes, &addr.into());
        if narrate::is_on() {
            narrate::tell(&Call::SendTo { fd: self.fd(), bytes, addr }, &Outcome::sent(&result));
        }
        result
    }

    /// Its own name, zeros while nobody has chosen one: `getsockname(2)`.
    ///
    /// # Errors
    /// On Windows `InvalidInput` while nobody has chosen one.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let result = self.inner.local_addr().and_then(|addr| internet(&addr));
        told_addr(result, || Call::LocalAddr { fd: self.fd() })
    }

    /// The other end's name: `getpeername(2)`.
    ///
    /// # Errors
    /// `NotConnected`.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        let result = self.inner.peer_addr().and_then(|addr| internet(&addr));
        told_addr(result, || Call::PeerAddr { fd: self.fd() })
    }

    /// Reads the option `name` with `read`: `getsockopt(2)`; `number` is the value as the system writes it.
    ///
    /// # Errors
    /// The option is not one of this kind of socket.
    pub fn option<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&socket2::Socket) -> io::Result<T>,
        number: impl FnOnce(&T) -> u64,
    ) -> io::Result<T> {
        let result = read(&self.inner);
        if narrate::is_on() {
            let outcome = match &result {
                Ok(value) => Outcome::Value(number(value)),
                Err(error) => Outcome::Failed(error),
            };
            narrate::tell(&Call::GetOption { fd: self.fd(), name }, &outcome);
        }
        result
    }

    /// How many bytes that nobody has read yet the kernel keeps: `SO_RCVBUF`.
    ///
    /// # Errors
    /// When the system refuses the number.
    pub fn set_recv_buffer_size(&self, bytes: usize) -> io::Result<()> {
        let result = self.inner.set_recv_buffer_size(bytes);
        told(result, || Call::SetOption { fd: self.fd(), name: "SO_RCVBUF", value: bytes as u64 })
    }

    fn fd(&self) -> Fd {
        fd_of(&self.inner)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        tell_close(Kind::Any, || self.fd());
    }
}

/// An address of the Internet; the sockets of the course have no other kind.
fn internet(addr: &SockAddr) -> io::Result<SocketAddr> {
    addr.as_socket().ok_or_else(|| io::ErrorKind::InvalidData.into())
}
