//! From a socket call to its packets: which socket is which conversation.
//!
//! Calls that send nothing (options, waiting, a look at a name) make no packets. Read before: `conversation.rs`.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use super::block::Direction;
use super::conversation::{Packet, Stream, datagram_packet};
use crate::narrate::{Call, Fd, Outcome};

/// What is known of one open socket.
#[derive(Debug, Default)]
struct Known {
    local: Option<SocketAddr>,
    /// The fixed peer of UDP, or whom a connect is on its way to.
    peer: Option<SocketAddr>,
    stream: Option<Stream>,
    /// Its close will be an abort: `SO_LINGER` 0.
    aborts: bool,
}

/// All open sockets of the process.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    sockets: HashMap<Fd, Known>,
}

impl Recorder {
    pub(super) fn name(&mut self, fd: Fd, local: SocketAddr) {
        self.sockets.entry(fd).or_default().local = Some(local);
    }

    /// The packets that this call sent or took.
    pub(super) fn take(&mut self, call: &Call<'_>, outcome: &Outcome<'_>) -> Vec<Packet> {
        match (*call, outcome) {
            (Call::Connect { fd, addr }, outcome) => self.connect(fd, addr, outcome),
            (Call::TakeError { fd }, outcome) => match self.sockets.get(&fd).and_then(|known| known.peer) {
                Some(addr) => self.connect(fd, addr, outcome),
                None => Vec::new(),
            },
            (Call::Accept { .. }, Outcome::Accepted(fd, peer)) => self.accept(*fd, *peer),
            (Call::ConnectUdp { fd, addr }, Outcome::Done) => {
                self.sockets.entry(fd).or_default().peer = Some(addr);
                Vec::new()
            }
            (Call::SetTimeout { fd, name: "SO_LINGER", value }, Outcome::Done) => {
                self.sockets.entry(fd).or_default().aborts = value == Some(Duration::ZERO);
                Vec::new()
            }
            (Call::SendTo { fd, bytes, addr }, Outcome::Sent(len)) => {
                self.datagram(fd, addr, Direction::Out, &bytes[..*len])
            }
            (Call::RecvFrom { fd, .. }, Outcome::ReceivedFrom(bytes, addr)) => {
                self.datagram(fd, *addr, Direction::In, bytes)
            }
            (Call::SendUdp { fd, bytes }, Outcome::Sent(len)) => self.with_peer(fd, Direction::Out, &bytes[..*len]),
            (Call::RecvUdp { fd, .. }, Outcome::Received(bytes)) => self.with_peer(fd, Direction::In, bytes),
            (Call::Close { fd, .. }, _) => self.close(fd),
            (call, outcome) => self.on_stream(call, outcome),
        }
    }

    /// What happens on a connected stream.
    fn on_stream(&mut self, call: Call<'_>, outcome: &Outcome<'_>) -> Vec<Packet> {
        let (Call::Send { fd, .. } | Call::Recv { fd, .. } | Call::Shutdown { fd, .. }) = call else {
            return Vec::new();
        };
        let Some(stream) = self.sockets.get_mut(&fd).and_then(|known| known.stream.as_mut()) else { return Vec::new() };
        match (call, outcome) {
            (Call::Send { bytes, .. }, Outcome::Sent(len)) => stream.send(&bytes[..*len]),
            // With no room for a byte, no bytes are no end of the stream.
            (Call::Recv { room, .. }, Outcome::Received(bytes)) if room > 0 => stream.receive(bytes),
            (Call::Shutdown { how: Shutdown::Write | Shutdown::Both, .. }, Outcome::Done) => stream.finish(),
            (_, Outcome::Failed(error)) if error.kind() == ErrorKind::ConnectionReset => stream.reset(Direction::In),
            _ => Vec::new(),
        }
    }

    fn connect(&mut self, fd: Fd, peer: SocketAddr, outcome: &Outcome<'_>) -> Vec<Packet> {
        let known = self.sockets.entry(fd).or_default();
        known.peer = Some(peer);
        let local = known.local.unwrap_or_else(|| unnamed(peer));
        match outcome {
            Outcome::Done => {
                known.peer = None;
                let (stream, packets) = Stream::connect(local, peer);
                known.stream = Some(stream);
                packets
            }
            Outcome::Failed(error) if error.kind() == ErrorKind::ConnectionRefused => {
                Stream::attempt(local, peer, true)
            }
            Outcome::Failed(error) if error.kind() == ErrorKind::TimedOut => Stream::attempt(local, peer, false),
            _ => Vec::new(),
        }
    }

    fn accept(&mut self, fd: Fd, peer: SocketAddr) -> Vec<Packet> {
        let known = self.sockets.entry(fd).or_default();
        let (stream, packets) = Stream::accept(known.local.unwrap_or_else(|| unnamed(peer)), peer);
        known.stream = Some(stream);
        packets
    }

    fn with_peer(&self, fd: Fd, direction: Direction, bytes: &[u8]) -> Vec<Packet> {
        match self.sockets.get(&fd).and_then(|known| known.peer) {
            Some(peer) => self.datagram(fd, peer, direction, bytes),
            None => Vec::new(),
        }
    }

    fn datagram(&self, fd: Fd, peer: SocketAddr, direction: Direction, bytes: &[u8]) -> Vec<Packet> {
        let local = self.sockets.get(&fd).and_then(|known| known.local).unwrap_or_else(|| unnamed(peer));
        vec![datagram_packet(local, peer, direction, bytes)]
    }

    fn close(&mut self, fd: Fd) -> Vec<Packet> {
        match self.sockets.remove(&fd) {
            Some(Known { stream: Some(mut stream), aborts: true, .. }) => stream.reset(Direction::Out),
            Some(Known { stream: Some(mut stream), .. }) => stream.finish(),
            _ => Vec::new(),
        }
    }
}

/// Our end when nobody has said its name: port 0 of the peer's family.
fn unnamed(peer: SocketAddr) -> SocketAddr {
    let mut addr = peer;
    addr.set_port(0);
    addr
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::narrate::Kind;

    const FD: Fd = Fd(4);

    fn peer() -> SocketAddr {
        "127.0.0.1:50312".parse().unwrap()
    }

    #[test]
    fn a_connect_that_is_under_way_sends_its_syn_when_it_is_known_how_it_ended() {
        let mut recorder = Recorder::default();
        let call = Call::Connect { fd: FD, addr: peer() };
        let under_way = std::io::Error::from(ErrorKind::WouldBlock);
        assert!(recorder.take(&call, &Outcome::Failed(&under_way)).is_empty());
        assert_eq!(recorder.take(&Call::TakeError { fd: FD }, &Outcome::Done).len(), 3);
        assert_eq!(recorder.take(&Call::Send { fd: FD, bytes: b"hi" }, &Outcome::Sent(1)).len(), 1);
    }

    #[test]
    fn only_what_the_kernel_took_is_sent() {
        let mut recorder = Recorder::default();
        recorder.name(FD, "127.0.0.1:8888".parse().unwrap());
        recorder.take(&Call::Accept { fd: Fd(3) }, &Outcome::Accepted(FD, peer()));
        let packets = recorder.take(&Call::Send { fd: FD, bytes: "你好".as_bytes() }, &Outcome::Sent(4));
        assert_eq!(packets[0].1[40..], "你好".as_bytes()[..4]);
    }

    #[test]
    fn a_number_that_is_used_again_is_another_connection() {
        let mut recorder = Recorder::default();
        recorder.take(&Call::Accept { fd: Fd(3) }, &Outcome::Accepted(FD, peer()));
        let linger = Call::SetTimeout { fd: FD, name: "SO_LINGER", value: Some(Duration::ZERO) };
        recorder.take(&linger, &Outcome::Done);
        let reset = recorder.take(&Call::Close { fd: FD, kind: Kind::Stream }, &Outcome::Done);
        assert_eq!((reset.len(), reset[0].1[33]), (1, 0x14));
        recorder.take(&Call::Accept { fd: Fd(3) }, &Outcome::Accepted(FD, peer()));
        assert_eq!(recorder.take(&Call::Close { fd: FD, kind: Kind::Stream }, &Outcome::Done)[0].1[33], 0x11);
    }
}
