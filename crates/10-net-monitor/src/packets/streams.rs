//! Packets to connections: who opened it, how many bytes passed, how it ended. Pure.
//!
//! A byte counts once, however often it was sent: what counts is how far the sequence numbers have come. Who sends the
//! first SYN is the client; in a capture that begins in the middle, the end with the higher port is taken for it, and
//! every count is "at least". Read before: `decode.rs`. Source: RFC 9293 sections 3.4 and 3.6.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use super::decode::{Packet, Tcp};
use crate::connection::How;
use crate::moment::Moment;
use crate::observation::{Counts, Flow, Id, Mark, Observation, Protocol, Side};
use crate::witness::Seen;

/// Connections that are kept at once; a capture of a flood has more, and then the most silent ones are told and forgotten.
const OPEN_MAX: usize = 100_000;

/// So many are forgotten together: looking for the most silent one before every packet of a flood would take hours.
const FORGOTTEN_AT_ONCE: usize = OPEN_MAX / 10;

/// A UDP client that has been silent for so long is another one when it speaks again.
const SILENCE: Duration = Duration::from_secs(4 * 60);

/// What one side has sent.
#[derive(Debug, Clone, Copy, Default)]
struct Sent {
    /// The number behind its last byte; `None` before its first segment.
    next: Option<u32>,
    bytes: u64,
    again: u64,
    packets: u64,
    has_fin: bool,
}

/// A connection that is not over.
#[derive(Debug)]
struct Stream {
    id: Id,
    client: SocketAddr,
    sent: [Sent; 2],
    mark: Mark,
    began: Moment,
    last: Moment,
    rtt: Option<Duration>,
}

/// All connections of a capture.
#[derive(Debug, Default)]
pub struct Streams {
    /// Only these; all when it is empty.
    ports: BTreeSet<u16>,
    /// By protocol and both addresses, the lower one first.
    open: HashMap<(Protocol, SocketAddr, SocketAddr), Stream>,
    next_number: u64,
}

impl Streams {
    /// Takes packets from or to one of `ports`, or all packets when there are none.
    #[must_use]
    pub fn new(ports: impl IntoIterator<Item = u16>) -> Self {
        Self { ports: ports.into_iter().collect(), ..Self::default() }
    }

    /// Takes a packet; `told` gets what there is to say because of it.
    pub fn take(&mut self, at: Moment, packet: &Packet, told: &mut Vec<Seen>) {
        let Packet { from, to, tcp, .. } = *packet;
        let is_watched = self.ports.contains(&from.port()) || self.ports.contains(&to.port());
        if !self.ports.is_empty() && !is_watched {
            return;
        }
        let protocol = if tcp.is_some() { Protocol::Tcp } else { Protocol::Udp };
        let key = (protocol, from.min(to), from.max(to));
        if self.is_a_new_one(&key, at, tcp.as_ref()) {
            self.close(&key, at, told);
        }
        if !self.open.contains_key(&key) {
            if !Self::is_a_beginning(packet) {
                return;
            }
            self.open(key, at, packet, told);
        }
        let Some(stream) = self.open.get_mut(&key) else { return };
        stream.last = at;
        let side = if from == stream.client { Side::Client } else { Side::Server };
        let ended = match tcp {
            Some(tcp) => stream.segment(at, side, &tcp, packet.payload_len),
            None => stream.datagram(side, packet.payload_len),
        };
        told.push((at, Observation::Counted { id: stream.id, counts: stream.counts() }));
        match ended {
            Some(End::Half) => told.push((at, Observation::Ended { id: stream.id, side })),
            Some(End::Over(how)) => {
                told.push((at, Observation::Closed { id: stream.id, how }));
                self.open.remove(&key);
            }
            None => {}
        }
    }

    /// The capture is over: datagrams have no end of their own; the rest is still open.
    pub fn finish(&mut self, told: &mut Vec<Seen>) {
        let mut silent: Vec<_> = self.open.drain().filter(|(key, _)| key.0 == Protocol::Udp).collect();
        silent.sort_unstable_by_key(|(_, stream)| stream.id);
        for (_, stream) in silent {
            told.push((stream.last, Observation::Closed { id: stream.id, how: How::Silent }));
        }
    }

    /// Whether a connection with these addresses is there, but this packet begins another.
    fn is_a_new_one(&self, key: &(Protocol, SocketAddr, SocketAddr), at: Moment, tcp: Option<&Tcp>) -> bool {
        let Some(stream) = self.open.get(key) else { return false };
        match tcp {
            // A SYN with another number is no repetition.
            Some(tcp) => {
                let first = stream.sent[Side::Client.index()];
                tcp.is_syn && !tcp.is_ack && (first.bytes > 0 || first.next != Some(tcp.seq.wrapping_add(1)))
            }
            None => at.since(stream.last) >= SILENCE,
        }
    }

    /// What is left over of a connection that has ended, such as its last ack, begins none.
    fn is_a_beginning(packet: &Packet) -> bool {
        packet.tcp.is_none_or(|tcp| tcp.is_syn || !tcp.is_rst && packet.payload_len > 0)
    }

    fn open(&mut self, key: (Protocol, SocketAddr, SocketAddr), at: Moment, packet: &Packet, told: &mut Vec<Seen>) {
        if self.open.len() >= OPEN_MAX {
            self.forget_most_silent(at, told);
        }
        let Packet { from, to, tcp, .. } = *packet;
        let is_answer = tcp.is_some_and(|tcp| tcp.is_syn && tcp.is_ack);
        let has_begun = tcp.is_none_or(|tcp| tcp.is_syn);
        // A port that is watched is the server's; else who spoke first, or who has the higher port.
        let from_server = match (self.ports.contains(&from.port()), self.ports.contains(&to.port())) {
            (true, false) => true,
            (false, true) => false,
            _ if has_begun => is_answer,
            _ => from.port() < to.port(),
        };
        let (client, server) = if from_server { (to, from) } else { (from, to) };
        self.next_number += 1;
        let id = Id { protocol: key.0, number: self.next_number };
        let mark = if has_begun { Mark::Exact } else { Mark::AtLeast };
        let stream = Stream { id, client, sent: Default::default(), mark, began: at, last: at, rtt: None };
        told.push((at, Observation::Opened { id, flow: Flow { client, server, target: None }, not_before: None }));
        self.open.insert(key, stream);
    }

    fn forget_most_silent(&mut self, at: Moment, told: &mut Vec<Seen>) {
        let mut all: Vec<_> = self.open.iter().map(|(key, stream)| (stream.last, stream.id, *key)).collect();
        all.sort_unstable_by_key(|(last, id, _)| (*last, *id));
        for (_, _, key) in all.into_iter().take(FORGOTTEN_AT_ONCE) {
            self.close(&key, at, told);
        }
    }

    fn close(&mut self, key: &(Protocol, SocketAddr, SocketAddr), at: Moment, told: &mut Vec<Seen>) {
        if let Some(stream) = self.open.remove(key) {
            let how = if key.0 == Protocol::Udp { How::Silent } else { How::Unknown };
            told.push((at.min(stream.last), Observation::Closed { id: stream.id, how }));
        }
    }
}

/// What a packet ends.
enum End {
    /// One side has sent its last byte.
    Half,
    Over(How),
}

impl Stream {
    fn segment(&mut self, at: Moment, side: Side, tcp: &Tcp, payload_len: u64) -> Option<End> {
        let sent = &mut self.sent[side.index()];
        sent.packets += 1;
        // A SYN has a place in the numbers and is no byte. One that is sent again, or comes late, takes nothing back.
        let first = if tcp.is_syn { tcp.seq.wrapping_add(1) } else { tcp.seq };
        if tcp.is_syn && sent.bytes == 0 {
            sent.next = Some(first);
            if side == Side::Server && self.rtt.is_none() {
                self.rtt = Some(at.since(self.began));
            }
        }
        sent.advance(first, payload_len);
        if tcp.is_rst {
            return Some(End::Over(self.reset(side)));
        }
        if tcp.is_fin && !sent.has_fin {
            // A FIN has a place in the numbers and is no byte.
            sent.next = sent.next.map(|next| next.wrapping_add(1));
        }
        let is_first_fin = tcp.is_fin && !std::mem::replace(&mut sent.has_fin, true);
        match self.sent.map(|sent| sent.has_fin) {
            [true, true] => Some(End::Over(How::Orderly)),
            _ if is_first_fin => Some(End::Half),
            _ => None,
        }
    }

    fn reset(&self, side: Side) -> How {
        let answered = self.sent[Side::Server.index()].packets > 1 || self.mark != Mark::Exact;
        match side {
            Side::Server if !answered => How::Refused,
            Side::Server => How::ResetByServer,
            Side::Client => How::ResetByClient,
        }
    }

    fn datagram(&mut self, side: Side, payload_len: u64) -> Option<End> {
        let sent = &mut self.sent[side.index()];
        sent.packets += 1;
        sent.bytes += payload_len;
        None
    }

    fn counts(&self) -> Counts {
        let [client, server] = self.sent;
        Counts {
            bytes: [client.bytes, server.bytes],
            marks: [self.mark; 2],
            packets: Some([client.packets, server.packets]),
            retransmitted: (self.id.protocol == Protocol::Tcp).then_some([client.again, server.again]),
            rtt: self.rtt,
        }
    }
}

impl Sent {
    /// Counts what lies behind the last byte so far; what lies before it was sent again, or overtaken.
    fn advance(&mut self, seq: u32, payload_len: u64) {
        let len = u32::try_from(payload_len).unwrap_or(u32::MAX);
        let next = *self.next.get_or_insert(seq);
        let end = seq.wrapping_add(len);
        let new = end.wrapping_sub(next).cast_signed();
        if new > 0 {
            self.bytes += u64::from(new.unsigned_abs());
            self.next = Some(end);
        }
        let old = i64::from(len) - i64::from(new.max(0));
        self.again += u64::try_from(old.max(0)).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests;
