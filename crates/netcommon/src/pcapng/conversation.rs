//! One socket's traffic as packets: what was sent and received, in rebuilt segments with sequence numbers. Pure.
//!
//! The payload and the times are true. The handshake, the acks and the numbers are what they must have been at least:
//! the kernel may have cut the bytes into other segments, sent some twice, and chosen other first numbers. Read before:
//! `packet.rs`. Read next: `mod.rs`. Source: RFC 9293 section 3.4.

use std::net::SocketAddr;

use super::block::Direction;
use super::packet::{Flags, SEGMENT_LEN_MAX, datagram, segment};

/// A packet and which way it went.
pub type Packet = (Direction, Vec<u8>);

/// The state of a TCP connection that matters for the numbers.
#[derive(Debug, Clone)]
pub struct Stream {
    local: SocketAddr,
    peer: SocketAddr,
    /// The next number of each side: ours, then the peer's.
    next: [u32; 2],
    /// Who has sent its FIN.
    ended: [bool; 2],
}

/// Ours and the peer's place in [`Stream::next`].
const OUR: usize = 0;
const THEIR: usize = 1;

impl Stream {
    /// Our SYN, and what the peer's kernel said to it: the active open.
    #[must_use]
    pub fn connect(local: SocketAddr, peer: SocketAddr) -> (Self, Vec<Packet>) {
        Self::shake_hands(local, peer, OUR)
    }

    /// The peer's SYN and the answer: the passive open.
    #[must_use]
    pub fn accept(local: SocketAddr, peer: SocketAddr) -> (Self, Vec<Packet>) {
        Self::shake_hands(local, peer, THEIR)
    }

    fn shake_hands(local: SocketAddr, peer: SocketAddr, first: usize) -> (Self, Vec<Packet>) {
        let mut stream = Self { local, peer, next: [0; 2], ended: [false; 2] };
        let second = 1 - first;
        let packets = vec![
            stream.packet(first, Flags::SYN, &[]),
            stream.packet(second, Flags::SYN.with(Flags::ACK), &[]),
            stream.packet(first, Flags::ACK, &[]),
        ];
        (stream, packets)
    }

    /// A connect that was refused (our SYN, their RST), or to which nobody answered (our SYN).
    #[must_use]
    pub fn attempt(local: SocketAddr, peer: SocketAddr, is_refused: bool) -> Vec<Packet> {
        let mut stream = Self { local, peer, next: [0; 2], ended: [false; 2] };
        let mut packets = vec![stream.packet(OUR, Flags::SYN, &[])];
        if is_refused {
            packets.push(stream.packet(THEIR, Flags::RST.with(Flags::ACK), &[]));
        }
        packets
    }

    /// Bytes that the kernel took from us.
    pub fn send(&mut self, bytes: &[u8]) -> Vec<Packet> {
        self.data(OUR, bytes)
    }

    /// Bytes that came; none at all are the end of the stream.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<Packet> {
        if bytes.is_empty() { self.end(THEIR) } else { self.data(THEIR, bytes) }
    }

    /// We send no more: a half-close, or the FIN of a close.
    pub fn finish(&mut self) -> Vec<Packet> {
        self.end(OUR)
    }

    /// An RST, from us or from the peer.
    pub fn reset(&mut self, direction: Direction) -> Vec<Packet> {
        let side = if direction == Direction::Out { OUR } else { THEIR };
        if self.ended == [true; 2] {
            return Vec::new();
        }
        self.ended = [true; 2];
        vec![self.packet(side, Flags::RST.with(Flags::ACK), &[])]
    }

    fn data(&mut self, side: usize, bytes: &[u8]) -> Vec<Packet> {
        let flags = Flags::PSH.with(Flags::ACK);
        bytes.chunks(SEGMENT_LEN_MAX).map(|bytes| self.packet(side, flags, bytes)).collect()
    }

    fn end(&mut self, side: usize) -> Vec<Packet> {
        if std::mem::replace(&mut self.ended[side], true) {
            return Vec::new();
        }
        vec![self.packet(side, Flags::FIN.with(Flags::ACK), &[]), self.packet(1 - side, Flags::ACK, &[])]
    }

    fn packet(&mut self, side: usize, flags: Flags, bytes: &[u8]) -> Packet {
        let (from, to) = if side == OUR { (self.local, self.peer) } else { (self.peer, self.local) };
        let has_ack = flags.0 & Flags::ACK.0 != 0;
        let (seq, ack) = (self.next[side], if has_ack { self.next[1 - side] } else { 0 });
        // A SYN and a FIN have a place in the numbers, as a byte has.
        let place = u32::from(flags.0 & (Flags::SYN.0 | Flags::FIN.0) != 0);
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.next[side] = seq.wrapping_add(len).wrapping_add(place);
        let direction = if side == OUR { Direction::Out } else { Direction::In };
        (direction, segment(from, to, seq, ack, flags, bytes))
    }
}

/// A datagram that went or came.
#[must_use]
pub fn datagram_packet(local: SocketAddr, peer: SocketAddr, direction: Direction, bytes: &[u8]) -> Packet {
    let local = match (local.ip().is_unspecified(), peer.ip()) {
        // A socket that is bound to every address: to a peer on this machine it has the peer's.
        (true, ip) if ip.is_loopback() => SocketAddr::new(ip, local.port()),
        _ => local,
    };
    let packet = match direction {
        Direction::Out => datagram(local, peer, bytes),
        Direction::In => datagram(peer, local, bytes),
    };
    (direction, packet)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addrs() -> (SocketAddr, SocketAddr) {
        ("127.0.0.1:50312".parse().unwrap(), "127.0.0.1:8888".parse().unwrap())
    }

    /// Sequence number, ack number and flags of a packet with IPv4.
    fn numbers((_, packet): &Packet) -> (u32, u32, u8) {
        let number = |at: usize| u32::from_be_bytes(packet[at..at + 4].try_into().unwrap());
        (number(24), number(28), packet[33])
    }

    #[test]
    fn every_number_follows_from_what_went_before() {
        let (local, peer) = addrs();
        let (mut stream, mut packets) = Stream::connect(local, peer);
        packets.extend(stream.send("你好".as_bytes()));
        packets.extend(stream.receive(b"Server received: "));
        packets.extend(stream.finish());
        packets.extend(stream.receive(&[]));
        packets.extend(stream.finish());
        let want = [
            (0, 0, 0x02),
            (0, 1, 0x12),
            (1, 1, 0x10),
            (1, 1, 0x18),
            (1, 7, 0x18),
            (7, 18, 0x11),
            (18, 8, 0x10),
            (18, 8, 0x11),
            (8, 19, 0x10),
        ];
        assert_eq!(packets.iter().map(numbers).collect::<Vec<_>>(), want);
    }

    #[test]
    fn payload_comes_out_as_it_went_in_also_when_it_is_longer_than_a_packet() {
        let (local, peer) = addrs();
        let (mut stream, _) = Stream::accept(local, peer);
        let bytes: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
        let packets = stream.send(&bytes);
        assert_eq!(packets.len(), 4);
        assert!(packets.iter().all(|(_, packet)| packet.len() <= usize::from(u16::MAX)));
        let payload: Vec<u8> = packets.iter().flat_map(|(_, packet)| packet[40..].to_vec()).collect();
        assert_eq!(payload, bytes);
    }

    #[test]
    fn nothing_follows_a_reset() {
        let (local, peer) = addrs();
        let (mut stream, _) = Stream::accept(local, peer);
        assert_eq!(stream.reset(Direction::In).len(), 1);
        assert!(stream.finish().is_empty() && stream.receive(&[]).is_empty());
        assert!(stream.reset(Direction::Out).is_empty());
    }
}
