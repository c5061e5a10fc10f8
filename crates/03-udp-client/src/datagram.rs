//! Datagrams at their limits: how long one may be, and whether one was cut on arrival.
//!
//! Below `client.rs`. A stream has no length limit and loses nothing to a small buffer; a datagram has
//! and does, and most systems say neither. Sources: RFC 768; RFC 8085 section 3.2; recv(2), `MSG_TRUNC`.

use std::io;
use std::net::{IpAddr, SocketAddr};

use netcommon::narrate::errno_name;
use netcommon::net::UdpSocket;

/// The most that one datagram carries over IPv4: a packet of 65,535 bytes less 20 of IP and 8 of UDP header.
pub const DATAGRAM_LEN_MAX_V4: usize = 65_535 - 20 - 8;
/// The most over IPv6, whose length field leaves its own header out (RFC 8200 section 3).
pub const DATAGRAM_LEN_MAX_V6: usize = 65_535 - 8;

/// The most that one datagram to `peer` carries, in bytes.
///
/// # Examples
/// ```
/// use udp_client::datagram::len_max;
///
/// assert_eq!(len_max("127.0.0.1:9999".parse().unwrap()), 65_507);
/// assert_eq!(len_max("[::1]:9999".parse().unwrap()), 65_527);
/// ```
#[must_use]
pub fn len_max(peer: SocketAddr) -> usize {
    // `::ffff:127.0.0.1` is IPv4 on the wire.
    match peer.ip().to_canonical() {
        IpAddr::V4(_) => DATAGRAM_LEN_MAX_V4,
        IpAddr::V6(_) => DATAGRAM_LEN_MAX_V6,
    }
}

/// A datagram as it was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'b> {
    /// What found room.
    pub bytes: &'b [u8],
    /// Whether there was more, which is lost: the next receive returns the next datagram.
    pub cut: bool,
}

impl<'b> Datagram<'b> {
    /// A datagram that came whole.
    #[must_use]
    pub fn whole(bytes: &'b [u8]) -> Self {
        Self { bytes, cut: false }
    }
}

/// Receives one datagram and keeps all of `buffer` but its last byte, which only tells whether it was cut.
///
/// `recv(2)`. Unix cuts in silence and returns what found room, so that a full buffer may mean either;
/// with one byte more than wanted it is a cut for sure. Windows reports `WSAEMSGSIZE` instead, with the
/// buffer filled. Blocks as the socket's `recv` does.
///
/// # Errors
/// As [`UdpSocket::recv`].
///
/// # Examples
/// ```
/// use netcommon::net::UdpSocket;
/// use udp_client::datagram::{Datagram, receive};
///
/// let any = "127.0.0.1:0".parse().unwrap();
/// let (sender, receiver) = (UdpSocket::bind(any)?, UdpSocket::bind(any)?);
/// sender.send_to("今天天氣好".as_bytes(), receiver.local_addr()?)?;
/// let mut buffer = [0; 6 + 1];
/// assert_eq!(receive(&receiver, &mut buffer)?, Datagram { bytes: "今天".as_bytes(), cut: true });
/// # Ok::<(), std::io::Error>(())
/// ```
// ANCHOR: receive
pub fn receive<'b>(socket: &UdpSocket, buffer: &'b mut [u8]) -> io::Result<Datagram<'b>> {
    let room = buffer.len() - 1;
    match socket.recv(buffer) {
        Ok(len) => Ok(Datagram { bytes: &buffer[..len.min(room)], cut: len > room }),
        Err(error) if is_too_long(&error) => Ok(Datagram { bytes: &buffer[..room], cut: true }),
        Err(error) => Err(error),
    }
}
// ANCHOR_END: receive

/// `EMSGSIZE` of a send, `WSAEMSGSIZE` of a receive on Windows; std has no kind for either.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    errno_name(error).ends_with("EMSGSIZE")
}

/// Whether the system heard by ICMP that nothing listens at the peer's port.
///
/// A connected socket reports it from its next call: `ECONNREFUSED` on Unix, `WSAECONNRESET` on Windows,
/// although UDP has no connection that could be reset.
pub(crate) fn is_port_unreachable(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset)
}
