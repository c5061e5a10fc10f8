//! A connected TCP socket: bytes in order, both ways, without message boundaries.
//!
//! Reading and writing work on `&TcpStream` too, as with std, so that one thread can end the reading of
//! another (`Shutdown::Read`) without a second descriptor. Source: RFC 9293 section 3.9.1.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Type};

use super::{fd_of, name, open, settled, tell_close, told, told_addr};
use crate::narrate::{self, Call, Fd, Kind, Outcome};

/// A connected stream.
#[derive(Debug)]
pub struct TcpStream(std::net::TcpStream);

impl TcpStream {
    /// Connects to one address and waits for the handshake: the active open.
    ///
    /// `socket(2)`, `connect(2)`, `TCP_NODELAY`. Blocks until the peer's kernel answers or the system
    /// gives up (minutes).
    ///
    /// # Errors
    /// `ConnectionRefused`, `TimedOut`, `NetworkUnreachable`, `HostUnreachable`.
    ///
    /// # Examples
    /// ```
    /// use netcommon::net::{TcpListener, TcpStream};
    /// use std::io::{Read, Write};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
    /// let mut client = TcpStream::connect(listener.local_addr()?)?;
    /// let (mut server, _) = listener.accept()?;
    /// client.write_all("你好".as_bytes())?;
    /// let mut buf = [0; 6];
    /// server.read_exact(&mut buf)?;
    /// assert_eq!(&buf, "你好".as_bytes());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = Self::open(addr)?;
        let socket = socket2::SockRef::from(&stream.0);
        told(stream.named(socket.connect(&addr.into())), || Call::Connect { fd: stream.fd(), addr })?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Begins to connect and returns at once; the stream becomes writable when the attempt has ended.
    ///
    /// `connect(2)` on a non-blocking socket. Then [`TcpStream::finish_connect`] says how it ended.
    ///
    /// # Errors
    /// What the system knows at once, such as `NetworkUnreachable`; "in progress" is no error.
    pub fn start_connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = Self::unconnected(addr)?;
        stream.connect_soon(addr)?;
        Ok(stream)
    }

    /// Connects as [`TcpStream::connect`] does, but waits for the handshake at most `timeout`.
    ///
    /// # Errors
    /// As [`TcpStream::connect`]; `TimedOut` after `timeout`, which must not be zero.
    pub fn connect_timeout(addr: SocketAddr, timeout: Duration) -> io::Result<Self> {
        let stream = Self::open(addr)?;
        stream.connect_within(addr, timeout)?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// The three calls of a connect that waits with `poll(2)`, so that the narration can tell each.
    #[cfg(target_os = "linux")]
    fn connect_within(&self, addr: SocketAddr, timeout: Duration) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        use std::time::Instant;

        self.0.set_nonblocking(true)?;
        if !self.try_connect(addr)? {
            let deadline = Instant::now() + timeout;
            let mut sockets = [PollFd::new(&self.0, PollFlags::OUT)];
            loop {
                let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now()));
                match poll(&mut sockets, Some(&left.map_err(io::Error::other)?)) {
                    Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                    Ok(_) => break,
                    Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            self.connect_result()?;
        }
        self.0.set_nonblocking(false)
    }

    #[cfg(not(target_os = "linux"))]
    fn connect_within(&self, addr: SocketAddr, timeout: Duration) -> io::Result<()> {
        let socket = socket2::SockRef::from(&self.0);
        told(self.named(socket.connect_timeout(&addr.into(), timeout)), || Call::Connect { fd: self.fd(), addr })
    }

    /// A non-blocking stream that is not connected yet, to an address of this family.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn unconnected(addr: SocketAddr) -> io::Result<Self> {
        let stream = Self::open(addr)?;
        stream.0.set_nonblocking(true)?;
        Ok(stream)
    }

    /// Begins to connect an unconnected stream; "in progress" is no error.
    pub(crate) fn connect_soon(&self, addr: SocketAddr) -> io::Result<()> {
        self.try_connect(addr).map(drop)
    }

    /// One `connect(2)` on a non-blocking stream: whether the handshake is complete; `false` while it is
    /// under way.
    ///
    /// A second call tells how the first one ended. After a refusal, Linux then takes the socket for
    /// unconnected again, so that it can ask the next port; elsewhere it has to be made anew.
    ///
    /// # Errors
    /// As [`TcpStream::connect`].
    pub fn try_connect(&self, addr: SocketAddr) -> io::Result<bool> {
        let socket = socket2::SockRef::from(&self.0);
        match told(self.named(socket.connect(&addr.into())), || Call::Connect { fd: self.fd(), addr }) {
            Ok(()) => Ok(true),
            Err(error) if is_in_progress(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How the attempt of [`TcpStream::start_connect`] ended: `getsockopt(2)`, `SO_ERROR`.
    ///
    /// Call it once the stream is writable; from then on it blocks as a stream usually does.
    ///
    /// # Errors
    /// As [`TcpStream::connect`].
    pub fn finish_connect(&self) -> io::Result<()> {
        self.connect_result()?;
        self.0.set_nonblocking(false)?;
        self.set_nodelay(true)
    }

    /// How the attempt ended: `getsockopt(2)`, `SO_ERROR`; the stream stays as it is.
    ///
    /// # Errors
    /// As [`TcpStream::connect`].
    pub fn connect_result(&self) -> io::Result<()> {
        let result = self.0.take_error().and_then(|error| error.map_or(Ok(()), Err));
        told(result, || Call::TakeError { fd: self.fd() })
    }

    fn open(addr: SocketAddr) -> io::Result<Self> {
        open(Domain::for_address(addr), Type::STREAM, Protocol::TCP).map(|socket| Self(socket.into()))
    }

    /// A stream that somebody else has made.
    #[must_use]
    pub fn from_std(stream: std::net::TcpStream) -> Self {
        Self(stream)
    }

    /// Ends one direction or both: `shutdown(2)`.
    ///
    /// `Write` sends a FIN after what is still in the send buffer; `Read` and `Both` wake threads that
    /// are blocked on the stream.
    ///
    /// # Errors
    /// `NotConnected` when the connection had ended already.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        told(self.0.shutdown(how), || Call::Shutdown { fd: self.fd(), how })
    }

    /// Our end: `getsockname(2)`.
    ///
    /// # Errors
    /// When the system has no resources left.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        told_addr(self.0.local_addr(), || Call::LocalAddr { fd: self.fd() })
    }

    /// The other end: `getpeername(2)`.
    ///
    /// # Errors
    /// `NotConnected` when the connection has ended.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        told_addr(self.0.peer_addr(), || Call::PeerAddr { fd: self.fd() })
    }

    /// The longest that one read may wait, for ever by default: `SO_RCVTIMEO`.
    ///
    /// # Errors
    /// `InvalidInput` for zero.
    pub fn set_read_timeout(&self, value: Option<Duration>) -> io::Result<()> {
        told(self.0.set_read_timeout(value), || Call::SetTimeout { fd: self.fd(), name: "SO_RCVTIMEO", value })
    }

    /// The longest that one write may wait, for ever by default: `SO_SNDTIMEO`.
    ///
    /// # Errors
    /// `InvalidInput` for zero.
    pub fn set_write_timeout(&self, value: Option<Duration>) -> io::Result<()> {
        told(self.0.set_write_timeout(value), || Call::SetTimeout { fd: self.fd(), name: "SO_SNDTIMEO", value })
    }

    /// How long close waits for the peer: `SO_LINGER`. Zero makes close an abort, an RST in place of a FIN.
    ///
    /// # Errors
    /// When the system refuses the time.
    pub fn set_linger(&self, value: Option<Duration>) -> io::Result<()> {
        let result = socket2::SockRef::from(&self.0).set_linger(value);
        told(result, || Call::SetTimeout { fd: self.fd(), name: "SO_LINGER", value })
    }

    /// Sends small writes at once (on) or lets them wait for an ack (off): `TCP_NODELAY`, RFC 9293 section 3.7.4.
    ///
    /// # Errors
    /// When the connection has ended, on some systems.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        let (name, value) = ("TCP_NODELAY", u64::from(nodelay));
        told(self.0.set_nodelay(nodelay), || Call::SetOption { fd: self.fd(), name, value })
    }

    /// Makes reads and writes return at once, for a readiness loop: `fcntl(2)`, `O_NONBLOCK`.
    ///
    /// # Errors
    /// Not on an open socket.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking)
    }

    /// The std socket inside, for `polling` and for options that this wrapper does not carry.
    #[must_use]
    pub fn as_std(&self) -> &std::net::TcpStream {
        &self.0
    }

    /// The result of a connect, which has given our end its name.
    fn named<T>(&self, result: T) -> T {
        name(|| self.fd(), || self.0.local_addr());
        result
    }

    fn tell_sent(&self, result: &io::Result<usize>, bytes: &[u8]) {
        narrate::tell(&Call::Send { fd: self.fd(), bytes }, &settled(Outcome::sent(result), &self.0));
    }

    fn fd(&self) -> Fd {
        fd_of(&self.0)
    }
}

impl Read for &TcpStream {
    /// `recv(2)`: at least one byte when there is one, 0 at the end of stream.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let result = (&self.0).read(buf);
        if narrate::is_on() {
            let outcome = settled(Outcome::received(&result, buf), &self.0);
            narrate::tell(&Call::Recv { fd: self.fd(), room: buf.len() }, &outcome);
        }
        result
    }
}

impl Write for &TcpStream {
    /// `send(2)`: as many bytes as the send buffer has room for, at least one.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = (&self.0).write(bytes);
        if narrate::is_on() {
            self.tell_sent(&result, bytes);
        }
        result
    }

    /// `sendmsg(2)`: several pieces as one send, so that nobody has to copy them together first.
    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let result = (&self.0).write_vectored(pieces);
        if narrate::is_on() {
            let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
            self.tell_sent(&result, &bytes);
        }
        result
    }

    /// Nothing to do: the kernel sends on its own.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        tell_close(Kind::Stream, || self.fd());
    }
}

/// POSIX says `EINPROGRESS`, and `EALREADY` to a second call; Windows `WSAEWOULDBLOCK` and `WSAEALREADY`.
fn is_in_progress(error: &io::Error) -> bool {
    let name = || narrate::errno_name(error);
    error.kind() == io::ErrorKind::WouldBlock || name().ends_with("EINPROGRESS") || name().ends_with("EALREADY")
}
