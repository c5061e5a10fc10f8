//! What the figures of two dead sockets say about the connection between them. Pure.
//!
//! The kernel's counters are not payload counters: a SYN and a FIN each count as a byte, an abort wipes them, and who
//! dies first never counts the other's FIN. Here each of these is taken off, or marked where it cannot be. Read before:
//! `tcp_info.rs`. Read next: `tracker.rs`. Sources: RFC 9293 section 3.4 (SYN and FIN have a place in the numbers);
//! `net/ipv4/tcp.c`, `tcp_disconnect`.

use super::diag::Socket;
use super::tcp_info::TcpInfo;
use crate::connection::How;
use crate::moment::Moment;
use crate::observation::{Counts, Mark, Side};

/// One end of a connection, as far as this machine has seen it.
#[derive(Debug, Clone, Default)]
pub struct End {
    /// Its latest figures.
    pub info: TcpInfo,
    /// When its socket was freed; `None` while it lives.
    pub died: Option<Moment>,
    /// Its program aborted it, so its last figures are those of the last look before.
    pub aborted: bool,
    /// The announcement of its death got lost, so its last figures are those of the last look before.
    pub unheard: bool,
    /// A look has seen that the peer's FIN had come.
    pub has_peer_fin: bool,
    /// A look has seen that it had sent its own FIN.
    pub has_own_fin: bool,
    /// Bytes that its program never read.
    pub unread: u32,
    /// The kernel was asked, after its death, whether it keeps a TIME-WAIT: only who closes first has one.
    pub closed_first: Option<bool>,
}

impl End {
    /// The end as a look sees it.
    pub fn look(&mut self, socket: &Socket) {
        self.info = socket.info.unwrap_or(self.info);
        self.has_peer_fin |= socket.state.has_peer_fin();
        self.has_own_fin |= socket.state.has_own_fin();
        self.unread = socket.receive_queue;
    }

    /// The end as the announcement of its death tells it.
    pub fn die(&mut self, at: Moment, socket: &Socket) {
        self.died = Some(at);
        if is_wiped(socket) {
            self.aborted = true;
        } else {
            self.info = socket.info.unwrap_or(self.info);
            self.unread = socket.receive_queue;
        }
    }

    /// Its figures are the final ones.
    fn is_final(&self) -> bool {
        self.died.is_some() && !self.aborted && !self.unheard
    }

    /// Payload that it sent.
    fn sent(&self, side: Side) -> (u64, Mark) {
        let (bytes, mark) = match (self.info.payload_sent(), self.info.bytes_acked) {
            (Some(sent), _) => (sent, Mark::Exact),
            // A kernel before 4.19: what was acked, without the SYN of the end that connected. The FIN may be in it.
            (None, acked) => (acked.unwrap_or(0).saturating_sub(syn(side)), Mark::PlusMinusOne),
        };
        (bytes, if self.aborted || self.unheard { Mark::AtLeast } else { mark })
    }

    /// Payload that came to it.
    fn received(&self, side: Side) -> (u64, Mark) {
        let bytes = self.info.bytes_received.unwrap_or(0);
        if self.aborted || self.unheard {
            return (bytes.saturating_sub(u64::from(self.has_peer_fin)), Mark::AtLeast);
        }
        if bytes == 0 || self.died.is_none() && !self.has_peer_fin {
            return (bytes, Mark::Exact);
        }
        // Who closes last has the peer's FIN among its bytes; who closes first is gone before it comes, unless it
        // came with the last ack; after an RST nobody knows whether a FIN came before it.
        match (self.has_peer_fin, self.closed_first) {
            (true, _) => (bytes - 1, Mark::Exact),
            (false, Some(false)) if self.is_fin_acked(side) => (bytes - 1, Mark::Exact),
            (false, None) if self.is_fin_acked(side) => (bytes - 1, Mark::PlusMinusOne),
            (false, _) => (bytes, Mark::PlusMinusOne),
        }
    }

    /// Its own FIN was acknowledged: the release was orderly on its side.
    fn is_fin_acked(&self, side: Side) -> bool {
        let beyond = i64::try_from(syn(side)).unwrap_or(0);
        self.info.acked_beyond_payload().is_none_or(|acked| acked > beyond)
    }

    /// The handshake was done: the peer has acknowledged the SYN, or sent one.
    fn was_connected(&self, side: Side) -> bool {
        side == Side::Server || self.info.bytes_acked.is_none_or(|acked| acked > 0)
    }
}

/// What the SYN adds to the bytes that the peer of this end has acknowledged.
fn syn(side: Side) -> u64 {
    u64::from(side == Side::Client)
}

/// Whether the socket was taken back to its beginning before it died, as an abort does: it has no peer any more.
#[must_use]
pub fn is_wiped(socket: &Socket) -> bool {
    socket.peer.port() == 0
}

/// Whether it has ever sent or answered a SYN; a listener and a socket that nobody used have not.
#[must_use]
pub fn was_connection(socket: &Socket) -> bool {
    // The path's packet size is looked up with the first SYN, and survives the wiping.
    socket.info.map_or(!is_wiped(socket), |info| info.pmtu_bytes != 0)
}

/// Payload and all else that the two ends tell, by [`Side::index`]; an end that is elsewhere is `None`.
#[must_use]
pub fn counts(ends: &[Option<End>; 2]) -> Counts {
    let mut counts = Counts::default();
    for side in Side::BOTH {
        let sender = ends[side.index()].as_ref();
        let receiver = ends[side.other().index()].as_ref();
        (counts.bytes[side.index()], counts.marks[side.index()]) = passed(side, sender, receiver);
    }
    let [client, server] = ends.each_ref().map(Option::as_ref);
    let reliable = |end: &&End| !end.aborted && !end.unheard;
    let segments = |end: &End| Some([u64::from(end.info.segments_in?), u64::from(end.info.segments_out?)]);
    let seen_by_client = client.filter(reliable).and_then(segments).map(|[from, to]| [to, from]);
    counts.packets = server.filter(reliable).and_then(segments).or(seen_by_client);
    let again = |end: Option<&End>| end.and_then(|end| end.info.bytes_retransmitted);
    if again(client).or(again(server)).is_some() {
        counts.retransmitted = Some([again(client).unwrap_or(0), again(server).unwrap_or(0)]);
    }
    counts.rtt = server.and_then(|end| end.info.srtt).or(client.and_then(|end| end.info.srtt));
    counts
}

/// What `side` sent to the other: by its own count if it is there and whole, else by what arrived.
fn passed(side: Side, sender: Option<&End>, receiver: Option<&End>) -> (u64, Mark) {
    let sent = sender.map(|end| end.sent(side));
    let received = receiver.map(|end| end.received(side.other()));
    match (sent, received) {
        (Some(sent), None) => sent,
        (None, Some(received)) => received,
        (Some(sent), Some(received)) if sent.1 == Mark::AtLeast => {
            if received.1 == Mark::AtLeast {
                (sent.0.max(received.0), Mark::AtLeast)
            } else {
                received
            }
        }
        (Some(sent), Some(_)) => sent,
        (None, None) => (0, Mark::AtLeast),
    }
}

/// How the connection ended, once no end of it is left on this machine.
#[must_use]
pub fn how(ends: &[Option<End>; 2]) -> How {
    let [client, server] = ends.each_ref().map(Option::as_ref);
    match (client, server) {
        (Some(client), _) if client.aborted => if_connected(client, server, How::ResetByClient),
        (_, Some(server)) if server.aborted => How::ResetByServer,
        (Some(client), None) if !client.was_connected(Side::Client) => never_connected(client),
        (Some(client), Some(server)) => both(client, server),
        (Some(client), None) => alone(client, Side::Client),
        (None, Some(server)) => alone(server, Side::Server),
        (None, None) => How::Unknown,
    }
}

/// A connect that failed wipes its socket as an abort does; a look may have seen that it never got an answer.
fn if_connected(client: &End, server: Option<&End>, how: How) -> How {
    let answered = server.is_some() || client.info.bytes_acked.is_none_or(|acked| acked > 0);
    if answered { how } else { never_connected(client) }
}

fn never_connected(client: &End) -> How {
    if client.info.retransmits > 0 { How::TimedOut } else { How::Refused }
}

fn both(client: &End, server: &End) -> How {
    if client.unheard || server.unheard {
        return How::Unknown;
    }
    match (client.is_fin_acked(Side::Client), server.is_fin_acked(Side::Server)) {
        (true, true) => How::Orderly,
        // One end was gone already when the other still sent: its kernel answers with an RST.
        (true, false) => How::ResetByClient,
        (false, true) => How::ResetByServer,
        // Closing with unread bytes sends an RST; who had none has received it.
        (false, false) => match (client.unread > 0, server.unread > 0) {
            (true, false) => How::ResetByClient,
            (false, true) => How::ResetByServer,
            _ => How::Reset,
        },
    }
}

/// Only one end is here; the other is on another machine.
fn alone(end: &End, side: Side) -> How {
    if end.unheard {
        How::Unknown
    } else if end.is_fin_acked(side) {
        How::Orderly
    } else if end.info.retransmits > 0 {
        How::TimedOut
    } else if end.unread > 0 {
        How::Reset
    } else {
        match side {
            Side::Client => How::ResetByServer,
            Side::Server => How::ResetByClient,
        }
    }
}

/// Which side ended first, where the figures tell: whose FIN the other has counted, and not the other way round.
#[must_use]
pub fn ended_first(ends: &[Option<End>; 2]) -> Option<Side> {
    let [client, server] = ends.each_ref().map(|end| end.as_ref().filter(|end| end.is_final()));
    match (client, server) {
        (Some(client), Some(server)) => {
            let has_fin = |end: &End, other: &End| end.info.bytes_received > other.info.payload_sent();
            match (has_fin(server, client), has_fin(client, server)) {
                (true, false) => Some(Side::Client),
                (false, true) => Some(Side::Server),
                _ => None,
            }
        }
        (Some(client), None) => client.closed_first.map(|first| if first { Side::Client } else { Side::Server }),
        (None, Some(server)) => server.closed_first.map(|first| if first { Side::Server } else { Side::Client }),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests;
