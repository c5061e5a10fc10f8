//! One packet of a capture: whose it is, and what of it matters to the ledger. Pure.
//!
//! The headers are taken apart by etherparse, laxly: a capture may hold the first 96 bytes of each packet only. How much
//! payload there was, the IP header says. Read next: `streams.rs`. Sources: RFC 791, RFC 8200, RFC 9293, RFC 768.

use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};

/// What stands before the IP header, by the number in a capture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Ethernet.
    Ethernet,
    /// Nothing: the packet begins with its IP header.
    Raw,
    /// Four bytes with a family.
    Null,
    /// What Linux gives for "any interface": 16 bytes, the type in the last two.
    Cooked,
    /// Its second version: 20 bytes, the type in the first two.
    Cooked2,
}

impl Link {
    /// The kind with this number; `None` for one that carries no Internet packets as we know them.
    #[must_use]
    pub fn of(number: i32) -> Option<Self> {
        Some(match number {
            1 => Self::Ethernet,
            12 | 101 | 228 | 229 => Self::Raw,
            0 | 108 => Self::Null,
            113 => Self::Cooked,
            276 => Self::Cooked2,
            _ => return None,
        })
    }
}

/// A TCP segment or a UDP datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// Payload, also what the capture has cut off.
    pub payload_len: u64,
    /// What TCP says; `None` for UDP.
    pub tcp: Option<Tcp>,
}

/// The part of a TCP header that tells how a connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp {
    /// The number of its first byte.
    pub seq: u32,
    /// The first of this side.
    pub is_syn: bool,
    /// The last of this side.
    pub is_fin: bool,
    /// An abort.
    pub is_rst: bool,
    /// The ack number holds; only the very first segment has none.
    pub is_ack: bool,
}

/// Reads a packet; `None` for what is neither TCP nor UDP, cut before their headers end, or a later fragment.
///
/// # Examples
/// ```
/// use net_monitor::packets::decode::{Link, read};
/// use netcommon::pcapng::packet::datagram;
///
/// let (from, to) = ("127.0.0.1:50312".parse().unwrap(), "127.0.0.1:9999".parse().unwrap());
/// let packet = read(Link::Raw, &datagram(from, to, "你好".as_bytes())).unwrap();
/// assert_eq!((packet.from, packet.to, packet.payload_len), (from, to, 6));
/// ```
#[must_use]
pub fn read(link: Link, bytes: &[u8]) -> Option<Packet> {
    let sliced = match link {
        Link::Ethernet => LaxSlicedPacket::from_ethernet(bytes).ok()?,
        Link::Raw => LaxSlicedPacket::from_ip(bytes).ok()?,
        Link::Null => LaxSlicedPacket::from_ip(bytes.get(4..)?).ok()?,
        Link::Cooked => cooked(bytes.get(14..16)?, bytes.get(16..)?),
        Link::Cooked2 => cooked(bytes.get(0..2)?, bytes.get(20..)?),
    };
    let (from, to, missing): (IpAddr, IpAddr, usize) = match sliced.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            let claimed = usize::from(header.total_len()).saturating_sub(header.slice().len());
            (header.source_addr().into(), header.destination_addr().into(), cut(claimed, ip.payload().payload.len()))
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            let extensions = ip.extensions().slice().len();
            let claimed = usize::from(header.payload_length()).saturating_sub(extensions);
            (header.source_addr().into(), header.destination_addr().into(), cut(claimed, ip.payload().payload.len()))
        }
        LaxNetSlice::Arp(_) => return None,
    };
    let (ports, payload_len, tcp) = match sliced.transport.as_ref()? {
        TransportSlice::Tcp(tcp) => {
            let (is_syn, is_fin, is_rst, is_ack) = (tcp.syn(), tcp.fin(), tcp.rst(), tcp.ack());
            let header = Tcp { seq: tcp.sequence_number(), is_syn, is_fin, is_rst, is_ack };
            ([tcp.source_port(), tcp.destination_port()], tcp.payload().len(), Some(header))
        }
        TransportSlice::Udp(udp) => ([udp.source_port(), udp.destination_port()], udp.payload().len(), None),
        _ => return None,
    };
    let payload_len = u64::try_from(payload_len + missing).unwrap_or(u64::MAX);
    Some(Packet { from: SocketAddr::new(from, ports[0]), to: SocketAddr::new(to, ports[1]), payload_len, tcp })
}

fn cooked<'a>(ether_type: &[u8], rest: &'a [u8]) -> LaxSlicedPacket<'a> {
    LaxSlicedPacket::from_ether_type(EtherType(u16::from_be_bytes([ether_type[0], ether_type[1]])), rest)
}

/// How much of what a header claims is not in the capture. A header may claim too little: then the network card has put
/// several packets together, and what is there counts.
fn cut(claimed: usize, there: usize) -> usize {
    claimed.saturating_sub(there)
}

#[cfg(test)]
mod tests {
    use netcommon::pcapng::packet::{Flags, segment};
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Vec<u8> {
        let (from, to) = ("[2001:db8::1]:50312".parse().unwrap(), "[2001:db8::2]:80".parse().unwrap());
        segment(from, to, 7, 9, Flags::PSH.with(Flags::ACK), "你好，世界".as_bytes())
    }

    #[test]
    fn a_packet_that_the_capture_has_cut_still_tells_its_payload() {
        let whole = sample();
        for cut in 60..=whole.len() {
            assert_eq!(read(Link::Raw, &whole[..cut]).map(|packet| packet.payload_len), Some(15), "cut at {cut}");
        }
        assert_eq!(read(Link::Raw, &whole[..50]), None);
    }

    #[test]
    fn every_kind_of_link_leads_to_the_same_packet() {
        let ip = sample();
        let want = read(Link::Raw, &ip);
        assert!(want.is_some_and(|packet| packet.tcp.is_some_and(|tcp| tcp.seq == 7 && tcp.is_ack && !tcp.is_syn)));
        let behind = |head: &[u8]| [head, &ip].concat();
        let mut ethernet = vec![0x62; 12];
        ethernet.extend([0x86, 0xdd]);
        let mut vlan = vec![0x42; 12];
        vlan.extend([0x81, 0x00, 0x00, 0x07, 0x86, 0xdd]);
        let mut cooked = vec![0; 14];
        cooked.extend([0x86, 0xdd]);
        let mut cooked2 = vec![0x86, 0xdd];
        cooked2.resize(20, 0);
        for (link, head) in [
            (Link::Ethernet, &ethernet),
            (Link::Ethernet, &vlan),
            (Link::Null, &vec![30, 0, 0, 0]),
            (Link::Cooked, &cooked),
            (Link::Cooked2, &cooked2),
        ] {
            assert_eq!(read(link, &behind(head)), want, "{link:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(number in 0..300_i32, bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Some(link) = Link::of(number) {
                let _ = read(link, &bytes);
            }
        }

        #[test]
        fn no_damaged_packet_panics(at in 0..75_usize, byte in any::<u8>()) {
            let mut bytes = sample();
            bytes[at] = byte;
            let _ = read(Link::Raw, &bytes);
        }
    }
}
