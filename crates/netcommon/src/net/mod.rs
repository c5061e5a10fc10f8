//! std's sockets under their own names, with a seam for the narration.
//!
//! [`TcpListener`], [`TcpStream`] and [`UdpSocket`] have std's method names and do what std's do, so a
//! chapter reads as if it were written with std; each call also tells `crate::narrate` what it was.
//! Two differences are on purpose: a listener is made with socket2, because std fixes the backlog at
//! 128, and `TCP_NODELAY` is on, because every program of the course asks and answers.

mod batch;
mod datagram;
mod socket;
mod tcp_listener;
mod tcp_stream;
mod udp_socket;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
#[cfg(unix)]
use std::os::fd::AsFd as System;
#[cfg(windows)]
use std::os::windows::io::AsSocket as System;

pub use self::batch::{BATCH_MAX, Inbox};
pub use self::datagram::{DATAGRAM_LEN_MAX_V4, DATAGRAM_LEN_MAX_V6, datagram_len_max};
pub use self::socket::Socket;
pub use self::tcp_listener::{BACKLOG, ListenOptions, TcpListener};
pub use self::tcp_stream::TcpStream;
pub use self::udp_socket::UdpSocket;
use crate::narrate::{self, Call, Fd, Kind, Outcome};
use crate::pcapng;

/// The number of a socket, as the narration prints it.
#[cfg(unix)]
pub(crate) fn fd_of(socket: &impl std::os::fd::AsRawFd) -> Fd {
    Fd(u64::try_from(socket.as_raw_fd()).expect("an open descriptor is not negative"))
}

/// The number of a socket, as the narration prints it.
#[cfg(windows)]
pub(crate) fn fd_of(socket: &impl std::os::windows::io::AsRawSocket) -> Fd {
    Fd(socket.as_raw_socket())
}

/// The address under which this machine reaches a socket that is bound to `addr`.
fn loopback(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(if addr.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    addr
}

/// Makes a socket: `socket(2)`, narrated.
fn open(domain: socket2::Domain, ty: socket2::Type, protocol: socket2::Protocol) -> io::Result<socket2::Socket> {
    let protocol = Some(protocol);
    let result = socket2::Socket::new(domain, ty, protocol);
    if narrate::is_on() {
        let outcome = match &result {
            Ok(socket) => Outcome::Opened(fd_of(socket)),
            Err(error) => Outcome::Failed(error),
        };
        narrate::tell(&Call::Socket { domain, ty, protocol }, &outcome);
    }
    result
}

/// Hands a call that returns nothing but success to the narration, and its result back.
#[inline]
fn told<'a, T>(result: io::Result<T>, call: impl FnOnce() -> Call<'a>) -> io::Result<T> {
    if narrate::is_on() {
        narrate::tell(&call(), &Outcome::done(&result));
    }
    result
}

/// Hands a call that returns an address to the narration, and its result back.
#[inline]
fn told_addr<'a>(result: io::Result<SocketAddr>, call: impl FnOnce() -> Call<'a>) -> io::Result<SocketAddr> {
    if narrate::is_on() {
        narrate::tell(&call(), &Outcome::addr(&result));
    }
    result
}

/// What became of a call that may wait. On Unix, "not without waiting" and "waited in vain" are one error.
fn settled<'a>(outcome: Outcome<'a>, socket: &impl System) -> Outcome<'a> {
    match outcome {
        Outcome::Failed(error) if error.kind() == io::ErrorKind::WouldBlock && is_nonblocking(socket) => {
            Outcome::WouldBlock(error)
        }
        outcome => outcome,
    }
}

/// Whether no call on the socket waits: `fcntl(2)`, for the narration alone.
#[cfg(unix)]
fn is_nonblocking(socket: &impl System) -> bool {
    rustix::fs::fcntl_getfl(socket).is_ok_and(|flags| flags.contains(rustix::fs::OFlags::NONBLOCK))
}

/// Whether no call on the socket waits. Nobody can ask, but a time limit ends with another error, `TimedOut`.
#[cfg(windows)]
fn is_nonblocking(_: &impl System) -> bool {
    true
}

/// Tells the capture, if there is one, which address our end of a socket has. Not narrated: no program asked for it.
fn name(fd: impl FnOnce() -> Fd, local_addr: impl FnOnce() -> io::Result<SocketAddr>) {
    if narrate::is_captured()
        && let Ok(local) = local_addr()
    {
        pcapng::name(fd(), local);
    }
}

/// Tells the narration that a socket's number is about to be given back.
///
/// Before the close, not after: another thread may get the same number a moment later.
fn tell_close(kind: Kind, fd: impl FnOnce() -> Fd) {
    if narrate::is_on() {
        narrate::tell(&Call::Close { fd: fd(), kind }, &Outcome::Done);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_call_that_waited_in_vain_is_told_from_one_that_may_not_wait() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let nothing = socket.recv(&mut [0]);
        assert!(matches!(settled(Outcome::received(&nothing, &[]), &socket), Outcome::Failed(_)));
        socket.set_nonblocking(true).unwrap();
        let nothing = socket.recv(&mut [0]);
        assert!(matches!(settled(Outcome::received(&nothing, &[]), &socket), Outcome::WouldBlock(_)));
    }
}
