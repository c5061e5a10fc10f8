//! What can be watched: sockets that own their descriptor, and that nobody can close through `&`.
//!
//! The trait is sealed, because the proof in `mod.rs` rests on this list: each of these types keeps one
//! open socket from its making to its end.

use polling::AsSource;

use crate::net::{TcpListener, TcpStream, UdpSocket};

/// A socket as the system's calls take it.
#[cfg(unix)]
pub(super) type System<'a> = std::os::fd::BorrowedFd<'a>;
/// A socket as the system's calls take it.
#[cfg(windows)]
pub(super) type System<'a> = std::os::windows::io::BorrowedSocket<'a>;

mod sealed {
    /// Only this module implements it.
    pub trait Sealed {
        /// The socket itself.
        fn as_system(&self) -> super::System<'_>;
    }
}

pub(super) use self::sealed::Sealed;

/// A socket that a [`super::Readiness`] can own.
pub trait Source: Sealed {}

impl<S: Sealed> Source for S {}

/// A listener or a stream, for a server that watches both together.
#[derive(Debug)]
pub enum TcpSocket {
    /// Readable when a client waits.
    Listener(TcpListener),
    /// Readable when bytes or the end of the stream have come.
    Stream(TcpStream),
}

impl Sealed for TcpListener {
    fn as_system(&self) -> System<'_> {
        self.as_std().source()
    }
}

impl Sealed for TcpStream {
    fn as_system(&self) -> System<'_> {
        self.as_std().source()
    }
}

impl Sealed for UdpSocket {
    fn as_system(&self) -> System<'_> {
        self.as_std().source()
    }
}

impl Sealed for TcpSocket {
    fn as_system(&self) -> System<'_> {
        match self {
            Self::Listener(listener) => listener.as_system(),
            Self::Stream(stream) => stream.as_system(),
        }
    }
}

impl Sealed for std::net::TcpListener {
    fn as_system(&self) -> System<'_> {
        self.source()
    }
}

impl Sealed for std::net::TcpStream {
    fn as_system(&self) -> System<'_> {
        self.source()
    }
}

impl Sealed for std::net::UdpSocket {
    fn as_system(&self) -> System<'_> {
        self.source()
    }
}

impl Sealed for socket2::Socket {
    fn as_system(&self) -> System<'_> {
        self.source()
    }
}
