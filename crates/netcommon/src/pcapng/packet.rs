//! Headers that were never on a wire: IPv4 or IPv6, and TCP or UDP, around bytes that a program has sent. Pure.
//!
//! A program sees payload only; the kernel makes the headers. These are made again, so that Wireshark finds addresses,
//! ports, order and valid checksums. Read before: `block.rs`. Read next: `conversation.rs`.
//! Sources: RFC 791 section 3.1, RFC 8200 section 3, RFC 9293 section 3.1, RFC 768, RFC 1071 (checksum).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const TCP: u8 = 6;
const UDP: u8 = 17;
const TCP_HEADER_LEN: usize = 20;
const UDP_HEADER_LEN: usize = 8;
const IPV4_HEADER_LEN: usize = 20;
/// How far a packet may go; the usual number.
const HOPS: u8 = 64;
/// We know nothing of windows, so there is always room.
const WINDOW: u16 = u16::MAX;

/// The most payload that one rebuilt segment carries: with the headers of either family it fits into one packet.
pub const SEGMENT_LEN_MAX: usize = 65_000;

/// What a TCP segment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// No more from this side.
    pub const FIN: Self = Self(0x01);
    /// The first from this side.
    pub const SYN: Self = Self(0x02);
    /// The connection is aborted.
    pub const RST: Self = Self(0x04);
    /// The reader should be told at once.
    pub const PSH: Self = Self(0x08);
    /// The ack number holds.
    pub const ACK: Self = Self(0x10);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A TCP segment between two addresses of the same family, as an IP packet.
///
/// # Examples
/// ```
/// use netcommon::pcapng::packet::{Flags, segment};
///
/// let (from, to) = ("127.0.0.1:50312".parse().unwrap(), "127.0.0.1:8888".parse().unwrap());
/// let packet = segment(from, to, 1, 1, Flags::PSH.with(Flags::ACK), "你好".as_bytes());
/// assert_eq!((packet.len(), &packet[40..]), (46, "你好".as_bytes()));
/// ```
#[must_use]
pub fn segment(from: SocketAddr, to: SocketAddr, seq: u32, ack: u32, flags: Flags, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(TCP_HEADER_LEN + payload.len());
    bytes.extend(from.port().to_be_bytes());
    bytes.extend(to.port().to_be_bytes());
    bytes.extend(seq.to_be_bytes());
    bytes.extend(ack.to_be_bytes());
    bytes.push(((TCP_HEADER_LEN / 4) << 4) as u8);
    bytes.push(flags.0);
    bytes.extend(WINDOW.to_be_bytes());
    bytes.extend([0; 4]); // checksum, urgent pointer
    bytes.extend(payload);
    in_ip(from, to, TCP, bytes, 16)
}

/// A UDP datagram between two addresses of the same family, as an IP packet.
#[must_use]
pub fn datagram(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(UDP_HEADER_LEN + payload.len());
    bytes.extend(from.port().to_be_bytes());
    bytes.extend(to.port().to_be_bytes());
    bytes.extend(u16::try_from(UDP_HEADER_LEN + payload.len()).unwrap_or(0).to_be_bytes());
    bytes.extend([0; 2]); // checksum
    bytes.extend(payload);
    in_ip(from, to, UDP, bytes, 6)
}

/// Puts an IP header in front, and the checksum that covers both into place.
fn in_ip(from: SocketAddr, to: SocketAddr, protocol: u8, mut bytes: Vec<u8>, checksum_at: usize) -> Vec<u8> {
    let len = bytes.len();
    // What the checksum covers beside the segment: addresses, protocol, length.
    let mut pseudo = Vec::with_capacity(40);
    let mut packet = match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            pseudo.extend(from.octets());
            pseudo.extend(to.octets());
            let total = u16::try_from(IPV4_HEADER_LEN + len).unwrap_or(0).to_be_bytes();
            let mut header = vec![0x45, 0, total[0], total[1], 0, 0, 0x40, 0, HOPS, protocol, 0, 0];
            header.extend(&pseudo);
            let sum = checksum(&[&header]).to_be_bytes();
            header[10..12].copy_from_slice(&sum);
            header
        }
        (from, to) => {
            let (from, to) = (v6(from), v6(to));
            pseudo.extend(from.octets());
            pseudo.extend(to.octets());
            let mut header = vec![0x60, 0, 0, 0];
            // A packet of 64 KiB and more would say 0 here.
            header.extend(u16::try_from(len).unwrap_or(0).to_be_bytes());
            header.extend([protocol, HOPS]);
            header.extend(&pseudo);
            header
        }
    };
    pseudo.extend([0, protocol]);
    pseudo.extend(u32::try_from(len).unwrap_or(0).to_be_bytes());
    let sum = match checksum(&[&pseudo, &bytes]) {
        // For UDP zero would say that there is none.
        0 if protocol == UDP => u16::MAX,
        sum => sum,
    };
    bytes[checksum_at..checksum_at + 2].copy_from_slice(&sum.to_be_bytes());
    packet.extend(bytes);
    packet
}

fn v6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

/// The Internet checksum over parts of even length; only the last may be odd.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum: u64 = 0;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u64::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_over_what_carries_it_is_zero() {
        for (from, to) in [("192.0.2.1:80", "198.51.100.7:50312"), ("[2001:db8::1]:80", "[2001:db8::2]:50312")] {
            let (from, to): (SocketAddr, SocketAddr) = (from.parse().unwrap(), to.parse().unwrap());
            for payload in ["", "a", "你好"] {
                let packet = segment(from, to, 7, 9, Flags::ACK, payload.as_bytes());
                let header_len = if from.is_ipv4() { 20 } else { 40 };
                let (header, rest) = packet.split_at(header_len);
                let addresses = if from.is_ipv4() { &header[12..] } else { &header[8..] };
                let tail = [0, TCP, 0, 0, 0, rest.len() as u8];
                assert_eq!(checksum(&[addresses, &tail, rest]), 0, "{from} {payload}");
                assert!(!from.is_ipv4() || checksum(&[header]) == 0);
            }
        }
    }

    #[test]
    fn ipv4_through_an_ipv6_socket_is_ipv4_on_the_wire() {
        let packet = datagram("[::ffff:127.0.0.1]:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap(), b"x");
        assert_eq!((packet[0], packet.len()), (0x45, 29));
    }
}
