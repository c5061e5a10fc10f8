//! A datagram as it arrives: whole, or cut by a buffer that was too small for it.
//!
//! Below `client.rs`. A stream keeps what has not been read; a datagram loses what finds no room, and
//! Unix does not say so. How long one may be stands in `netcommon::net`. Sources: recv(2), `MSG_TRUNC`;
//! RFC 8085 section 3.2.

use std::io;

use netcommon::error::is_too_long;
use netcommon::net::UdpSocket;

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

/// Whether the system heard by ICMP that nothing listens at the peer's port.
///
/// A connected socket reports it from its next call: `ECONNREFUSED` on Unix, `WSAECONNRESET` on Windows,
/// although UDP has no connection that could be reset.
pub(crate) fn is_port_unreachable(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset)
}
