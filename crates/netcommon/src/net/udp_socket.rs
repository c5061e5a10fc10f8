//! A UDP socket: whole datagrams, no connection, no promise (RFC 768).
//!
//! `connect` on it sends nothing; it fixes the peer, lets only that peer's datagrams in, and lets the
//! system report an ICMP "port unreachable" as an error. Source: RFC 8085 section 5.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Type};

use super::{fd_of, loopback, name, open, settled, tell_close, told, told_addr};
use crate::narrate::{self, Call, Fd, Kind, Outcome};

/// A UDP socket that is bound to an address.
#[derive(Debug)]
pub struct UdpSocket(std::net::UdpSocket);

impl UdpSocket {
    /// Makes a socket and binds it; port 0 takes a free port: `socket(2)`, `bind(2)`. Does not block.
    ///
    /// # Errors
    /// `AddrInUse`, `PermissionDenied`, `AddrNotAvailable`, as for a listener.
    ///
    /// # Examples
    /// ```
    /// use netcommon::net::UdpSocket;
    ///
    /// let server = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
    /// let client = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
    /// client.send_to("你好".as_bytes(), server.local_addr()?)?;
    /// let mut buf = [0; 64];
    /// let (len, peer) = server.recv_from(&mut buf)?;
    /// assert_eq!((&buf[..len], peer), ("你好".as_bytes(), client.local_addr()?));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket = Self(open(Domain::for_address(addr), Type::DGRAM, Protocol::UDP)?.into());
        let inner = socket2::SockRef::from(&socket.0);
        told(inner.bind(&addr.into()), || Call::Bind { fd: socket.fd(), addr })?;
        name(|| socket.fd(), || socket.0.local_addr());
        Ok(socket)
    }

    /// Fixes the peer; sends nothing: `connect(2)`.
    ///
    /// # Errors
    /// `NetworkUnreachable` when there is no way to the address.
    pub fn connect(&self, addr: SocketAddr) -> io::Result<()> {
        let result = self.0.connect(addr);
        // A socket that was bound to every address has got one.
        name(|| self.fd(), || self.0.local_addr());
        told(result, || Call::ConnectUdp { fd: self.fd(), addr })
    }

    /// Sends one datagram to `addr`: `sendto(2)`. Blocks only while the send buffer is full.
    ///
    /// # Errors
    /// Among others: too long for a datagram (`EMSGSIZE`).
    pub fn send_to(&self, bytes: &[u8], addr: SocketAddr) -> io::Result<usize> {
        let result = self.0.send_to(bytes, addr);
        if narrate::is_on() {
            narrate::tell(&Call::SendTo { fd: self.fd(), bytes, addr }, &settled(Outcome::sent(&result), &self.0));
        }
        result
    }

    /// Waits for a datagram and says who sent it: `recvfrom(2)`.
    ///
    /// What does not fit into `buf` is cut off: silently on Unix, with an error on Windows. Blocks until
    /// a datagram comes, the read timeout passes, or a [`crate::shutdown::Waker`] sends one.
    ///
    /// # Errors
    /// A timeout; on Windows also `ConnectionReset`, when an earlier answer met a closed port.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let result = self.0.recv_from(buf);
        if narrate::is_on() {
            let outcome = match &result {
                Ok((len, peer)) => Outcome::ReceivedFrom(&buf[..*len], *peer),
                Err(error) => Outcome::Failed(error),
            };
            narrate::tell(&Call::RecvFrom { fd: self.fd(), room: buf.len() }, &settled(outcome, &self.0));
        }
        result
    }

    /// Sends one datagram to the connected peer: `send(2)`.
    ///
    /// # Errors
    /// Also `ConnectionRefused`: an earlier datagram met a closed port.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.0.send(bytes);
        if narrate::is_on() {
            narrate::tell(&Call::SendUdp { fd: self.fd(), bytes }, &settled(Outcome::sent(&result), &self.0));
        }
        result
    }

    /// Waits for a datagram of the connected peer: `recv(2)`. Cuts and blocks as [`UdpSocket::recv_from`].
    ///
    /// # Errors
    /// A timeout, or `ConnectionRefused` (`ConnectionReset` on Windows): nothing listens there.
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        let result = self.0.recv(buf);
        if narrate::is_on() {
            let outcome = settled(Outcome::received(&result, buf), &self.0);
            narrate::tell(&Call::RecvUdp { fd: self.fd(), room: buf.len() }, &outcome);
        }
        result
    }

    /// The longest that one receive may wait, for ever by default: `SO_RCVTIMEO`.
    ///
    /// # Errors
    /// `InvalidInput` for zero.
    pub fn set_read_timeout(&self, value: Option<Duration>) -> io::Result<()> {
        told(self.0.set_read_timeout(value), || Call::SetTimeout { fd: self.fd(), name: "SO_RCVTIMEO", value })
    }

    /// How many bytes of datagrams that nobody has read yet the kernel keeps: `SO_RCVBUF`.
    ///
    /// The system counts its own bookkeeping as well and rounds as it likes (Linux doubles the number);
    /// a datagram that finds no room is dropped, and nobody is told.
    ///
    /// # Errors
    /// When the system refuses the number.
    pub fn set_recv_buffer_size(&self, bytes: usize) -> io::Result<()> {
        let result = socket2::SockRef::from(&self.0).set_recv_buffer_size(bytes);
        told(result, || Call::SetOption { fd: self.fd(), name: "SO_RCVBUF", value: bytes as u64 })
    }

    /// The address that the socket is bound to, with the real port: `getsockname(2)`.
    ///
    /// # Errors
    /// When the system has no resources left.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        told_addr(self.0.local_addr(), || Call::LocalAddr { fd: self.fd() })
    }

    /// The address under which this machine reaches the socket: loopback for a wildcard address.
    ///
    /// # Errors
    /// As [`UdpSocket::local_addr`].
    pub fn loopback_addr(&self) -> io::Result<SocketAddr> {
        self.local_addr().map(loopback)
    }

    /// Makes sends and receives return at once, for a readiness loop: `fcntl(2)`, `O_NONBLOCK`.
    ///
    /// # Errors
    /// Not on an open socket.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking)
    }

    /// The std socket inside, for `polling` and for options that this wrapper does not carry.
    #[must_use]
    pub fn as_std(&self) -> &std::net::UdpSocket {
        &self.0
    }

    fn fd(&self) -> Fd {
        fd_of(&self.0)
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        tell_close(Kind::Datagrams, || self.fd());
    }
}
