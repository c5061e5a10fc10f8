//! A listening TCP socket: the passive open of RFC 9293 section 3.9.1.1.
//!
//! Made step by step with socket2 (`socket`, `setsockopt`, `bind`, `listen`), where std does all four at
//! once with a backlog of 128. Read `tcp_stream.rs` next.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use socket2::{Domain, Protocol, Type};

use super::{TcpStream, fd_of, loopback, name, open, tell_close, told, told_addr};
use crate::accept::{self, AfterError, FAILURES_MAX};
use crate::narrate::{self, Call, Kind, Outcome};

/// How many finished handshakes the kernel keeps until we accept them.
///
/// With std's 128, 256 connects at once cost a second: the kernel drops the SYNs that find the queue
/// full, and each client tries again after 1 s. Linux cuts the number to `net.core.somaxconn` (4096).
pub const BACKLOG: i32 = 4096;

/// What [`TcpListener::bind_with`] may vary.
#[derive(Debug, Clone, Copy)]
pub struct ListenOptions {
    /// Finished handshakes that wait for `accept`; [`BACKLOG`] by default.
    pub backlog: i32,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self { backlog: BACKLOG }
    }
}

/// A listening socket; accepted streams come out of it.
#[derive(Debug)]
pub struct TcpListener {
    listener: std::net::TcpListener,
    /// How often `accept` has failed since it last gave a client, or found nobody waiting.
    failures: AtomicU32,
}

impl TcpListener {
    /// Binds and listens with the default options.
    ///
    /// `socket(2)`, `setsockopt(2)`, `bind(2)`, `listen(2)`; port 0 takes a free port. Does not block.
    ///
    /// # Errors
    /// `AddrInUse` when another socket has the address, `PermissionDenied` for a reserved port,
    /// `AddrNotAvailable` for an address that is not this machine's.
    ///
    /// # Examples
    /// ```
    /// use netcommon::net::{TcpListener, TcpStream};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
    /// let client = TcpStream::connect(listener.local_addr()?)?;
    /// let (_stream, peer) = listener.accept()?;
    /// assert_eq!(peer, client.local_addr()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        Self::bind_with(addr, &ListenOptions::default())
    }

    /// Binds and listens with these options.
    ///
    /// # Errors
    /// As [`TcpListener::bind`].
    // ANCHOR: bind
    pub fn bind_with(addr: SocketAddr, options: &ListenOptions) -> io::Result<Self> {
        let socket = open(Domain::for_address(addr), Type::STREAM, Protocol::TCP)?;
        // The destructor of this wrapper tells of the close, also when a later step fails.
        let listener = Self::of(socket.into());
        let (socket, fd) = (socket2::SockRef::from(&listener.listener), fd_of(&listener.listener));
        // On Windows the option means something else: it lets a second program take the address away.
        if cfg!(unix) {
            let name = "SO_REUSEADDR";
            told(socket.set_reuse_address(true), || Call::SetOption { fd, name, value: 1 })?;
        }
        told(socket.bind(&addr.into()), || Call::Bind { fd, addr })?;
        told(socket.listen(options.backlog), || Call::Listen { fd, backlog: options.backlog })?;
        Ok(listener)
    }
    // ANCHOR_END: bind

    fn of(listener: std::net::TcpListener) -> Self {
        Self { listener, failures: AtomicU32::new(0) }
    }

    /// Waits for the next finished handshake and returns its stream and the peer's address.
    ///
    /// `accept(2)`, then `TCP_NODELAY`. Blocks until a client comes; a [`crate::shutdown::Waker`] ends
    /// the wait.
    ///
    /// # Errors
    /// What to do about each is decided by [`TcpListener::after_error`]; most of them mean "go on".
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let result = self.listener.accept();
        if narrate::is_on() {
            let outcome = match &result {
                Ok((stream, peer)) => {
                    name(|| fd_of(stream), || stream.local_addr());
                    Outcome::Accepted(fd_of(stream), *peer)
                }
                Err(error) => Outcome::Failed(error),
            };
            narrate::tell(&Call::Accept { fd: fd_of(&self.listener) }, &outcome);
        }
        match &result {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => self.failures.fetch_add(1, Ordering::Relaxed),
            _ => self.failures.swap(0, Ordering::Relaxed),
        };
        let (stream, peer) = result?;
        let stream = TcpStream::from_std(stream);
        // A stream whose peer has gone already may refuse the option; the first read will tell.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer))
    }

    /// What to do about the error that [`TcpListener::accept`] has just returned: as [`accept::after_error`],
    /// but an error that lasts is waited for like a lack of room. Does not block.
    #[must_use]
    pub fn after_error(&self, error: &io::Error) -> AfterError {
        match accept::after_error(error) {
            AfterError::AcceptNext if self.failures.load(Ordering::Relaxed) >= FAILURES_MAX => AfterError::WaitForRoom,
            after => after,
        }
    }

    /// The address that the listener is bound to, with the real port: `getsockname(2)`.
    ///
    /// # Errors
    /// When the system has no resources left.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        told_addr(self.listener.local_addr(), || Call::LocalAddr { fd: fd_of(&self.listener) })
    }

    /// The address under which this machine reaches the listener: loopback for a wildcard address.
    ///
    /// # Errors
    /// As [`TcpListener::local_addr`].
    pub fn loopback_addr(&self) -> io::Result<SocketAddr> {
        self.local_addr().map(loopback)
    }

    /// Makes `accept` return at once instead of waiting, for a readiness loop: `fcntl(2)`, `O_NONBLOCK`.
    ///
    /// # Errors
    /// Not on an open socket.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.listener.set_nonblocking(nonblocking)
    }

    /// The std socket inside, for `polling` and for options that this wrapper does not carry.
    #[must_use]
    pub fn as_std(&self) -> &std::net::TcpListener {
        &self.listener
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        tell_close(Kind::Listener, || fd_of(&self.listener));
    }
}
