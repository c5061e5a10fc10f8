//! From sockets to connections: pairs the two ends, and tells the ledger. Pure.
//!
//! A connection between two programs of this machine is two sockets, and the kernel reports each on its own; one with
//! another machine is one. Sockets are told apart by their cookie, ends are paired by their addresses.
//!
//! ```text
//! look   every socket that is alive ──┐                         ┌─▶ Opened, Counted, Ended
//! death  one socket's last figures  ──┼─▶ pair the ends, judge ─┤
//! gap    announcements got lost     ──┘                         └─▶ Closed, once no end is left
//! ```
//! Read before: `verdict.rs`. The loop that feeds it is `watch.rs`.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::diag::{Cookie, Socket, TcpState};
use super::orphans::{Orphan, Orphans};
use super::pair::Pair;
use super::verdict::{self, End, is_wiped};
use crate::connection::How;
use crate::moment::Moment;
use crate::observation::{Flow, Id, Observation, Protocol, Side};

/// How long a dead end waits for the other end's announcement, when no look shows that one: the kernel sends them from
/// a work queue, a few milliseconds apart on a busy machine.
pub const SETTLE: Duration = Duration::from_millis(50);

/// How long a socket may be gone from the looks without an announcement: its program still holds it, though the
/// connection is over. Then it is told without the last figures.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// How many connections are remembered that were told with one end while the other may still be on this machine.
const REMEMBERED_MAX: usize = 4096;

/// What is being watched, and every connection of it that is not over.
#[derive(Debug)]
pub struct Tracker {
    ports: BTreeSet<u16>,
    /// Which connection a live socket is an end of.
    sockets: HashMap<Cookie, (u64, Side)>,
    pairs: HashMap<u64, Pair>,
    /// The connection that has these addresses now: client, server.
    by_flow: HashMap<(SocketAddr, SocketAddr), u64>,
    /// Connections with a dead end whose other end may yet be heard of.
    waiting: HashSet<u64>,
    orphans: Orphans,
    /// Connections told without an end, the oldest first: should its death be announced late, it is no new one.
    remembered: VecDeque<Remembered>,
    /// Whose program listens on a port.
    owners: HashMap<u16, String>,
    start: Moment,
    last_look: Moment,
    told: Vec<(Moment, Observation)>,
}

/// A connection that was told without one of its ends.
#[derive(Debug, PartialEq, Eq)]
struct Remembered {
    client: SocketAddr,
    server: SocketAddr,
    /// The end that nobody has seen.
    side: Side,
    /// It has been aborted: its announcement will not name the client.
    aborted: bool,
}

impl Tracker {
    /// Watches `ports`; nothing was there before `start`, or a look will show it.
    #[must_use]
    pub fn new(ports: impl IntoIterator<Item = u16>, start: Moment) -> Self {
        Self {
            ports: ports.into_iter().collect(),
            sockets: HashMap::new(),
            pairs: HashMap::new(),
            by_flow: HashMap::new(),
            waiting: HashSet::new(),
            orphans: Orphans::default(),
            remembered: VecDeque::new(),
            owners: HashMap::new(),
            start,
            last_look: start,
            told: Vec::new(),
        }
    }

    /// What there is to tell since the last call, each with its moment.
    pub fn drain(&mut self) -> impl Iterator<Item = (Moment, Observation)> + '_ {
        self.told.drain(..)
    }

    /// The program that listens on `port` is `owner`; connections that are told from now on say so.
    pub fn set_owner(&mut self, port: u16, owner: &str) {
        if self.owners.get(&port).is_none_or(|known| known != owner) {
            self.owners.insert(port, owner.to_owned());
        }
    }

    /// Sockets that were seen alive, and whose death nobody has announced.
    pub fn alive(&self) -> impl Iterator<Item = Cookie> + '_ {
        self.sockets.keys().copied()
    }

    /// A look that began at `at` has shown all sockets with a watched port.
    pub fn look(&mut self, at: Moment, sockets: &[Socket]) {
        let mut seen = BTreeSet::new();
        for socket in sockets.iter().filter(|socket| socket.info.is_some()) {
            let is_attempt = socket.state == TcpState::SynSent;
            if (socket.state.is_connected() || is_attempt)
                && let Some((flow, side)) = self.flow_of(socket)
            {
                self.see(at, socket, flow, side);
                seen.insert(socket.cookie);
            }
        }
        let gone: Vec<_> = self.sockets.keys().filter(|cookie| !seen.contains(cookie)).copied().collect();
        for cookie in gone {
            let (number, _) = self.sockets[&cookie];
            if let Some(pair) = self.pairs.get_mut(&number) {
                pair.missing_since.get_or_insert(at);
            }
        }
        self.settle(at);
        self.last_look = at;
    }

    /// One socket of a look.
    fn see(&mut self, at: Moment, socket: &Socket, flow: Flow, side: Side) {
        let number = match self.sockets.get(&socket.cookie) {
            Some((number, _)) => *number,
            None => self.place(at, socket, flow, side),
        };
        let Some(pair) = self.pairs.get_mut(&number) else { return };
        // A dump can miss a socket that moves meanwhile.
        pair.missing_since = None;
        let end = pair.ends[side.index()].get_or_insert_default();
        let before = (end.has_own_fin, end.has_peer_fin);
        end.look(socket);
        let ended = match side {
            _ if before.0 || before.1 => None,
            side if end.has_peer_fin => Some(side.other()),
            side if end.has_own_fin => Some(side),
            _ => None,
        };
        if socket.state.is_connected() {
            self.tell_figures(number, at);
        }
        if let Some(side) = ended {
            self.told.push((at, Observation::Ended { id: id(number), side }));
        }
    }

    /// A socket has died, as announced at `at`. Returns whether it had to do with a watched port.
    pub fn death(&mut self, at: Moment, socket: &Socket) -> bool {
        let known = self.sockets.remove(&socket.cookie);
        let (number, side) = match known {
            Some(known) => known,
            None if !verdict::was_connection(socket) => return false,
            None if is_wiped(socket) => {
                let is_ours = self.ports.contains(&socket.local.port());
                if is_ours && !self.is_remembered(|end| end.aborted && end.server == socket.local) {
                    self.orphans.add(at, self.last_look, socket);
                }
                return is_ours;
            }
            None => {
                let Some((flow, side)) = self.flow_of(socket) else { return false };
                let wanted = (flow.client, flow.server, side);
                if self.is_remembered(|end| (end.client, end.server, end.side) == wanted) {
                    return true;
                }
                (self.place(at, socket, flow, side), side)
            }
        };
        self.sockets.remove(&socket.cookie);
        let Some(pair) = self.pairs.get_mut(&number) else { return true };
        pair.ends[side.index()].get_or_insert_default().die(at, socket);
        if pair.ends.iter().all(|end| end.as_ref().is_some_and(|end| end.died.is_some())) {
            self.close(number, at);
        } else {
            self.waiting.insert(number);
        }
        true
    }

    /// Whether a late end is that of a connection that was told without it; of several the oldest.
    fn is_remembered(&mut self, is_wanted: impl Fn(&Remembered) -> bool) -> bool {
        let index = self.remembered.iter().position(is_wanted);
        index.and_then(|index| self.remembered.remove(index)).is_some()
    }

    /// The end whose death was announced and whose other end is on another machine, as far as one knows: whether it
    /// closed first can be asked of the kernel. `None` when there is nothing to ask.
    #[must_use]
    pub fn to_ask(&self, socket: &Socket) -> Option<u64> {
        let (flow, side) = self.flow_of(socket)?;
        let number = *self.by_flow.get(&(flow.client, flow.server))?;
        let pair = self.pairs.get(&number)?;
        let is_alone = pair.ends[side.other().index()].is_none() && !flow.client.ip().is_loopback();
        is_alone.then_some(number)
    }

    /// The kernel's answer to [`Tracker::to_ask`]: whether it keeps a TIME-WAIT of that end.
    pub fn answer(&mut self, number: u64, has_time_wait: bool) {
        if let Some(pair) = self.pairs.get_mut(&number) {
            for end in pair.ends.iter_mut().flatten() {
                end.closed_first = Some(has_time_wait);
            }
        }
    }

    /// Announcements were lost before `at`: the next look decides what is gone.
    pub fn resync(&mut self, at: Moment, sockets: &[Socket]) {
        self.look(at, sockets);
        for (number, _) in self.missing() {
            self.give_up(number, at);
        }
    }

    /// Closes what nobody will say more about: see [`SETTLE`] and [`PATIENCE`].
    fn settle(&mut self, at: Moment) {
        let mut over = Vec::new();
        for number in &self.waiting {
            let Some(pair) = self.pairs.get(number) else { continue };
            // One end has died, and no look since shows another.
            if let Some(died) = pair.died().filter(|died| !pair.is_alive() && at.since(*died) >= SETTLE) {
                over.push((died, *number));
            }
        }
        // In the order of time, so that orphans find the connection that they belong to.
        over.sort_unstable();
        for (died, number) in over {
            self.close(number, died);
        }
        for (number, since) in self.missing() {
            if at.since(since) >= PATIENCE {
                self.give_up(number, since);
            }
        }
        for orphan in self.orphans.overdue(at) {
            self.tell_orphan(orphan);
        }
    }

    /// Connections with an end that looks no longer show, and since when.
    fn missing(&self) -> Vec<(u64, Moment)> {
        self.pairs.iter().filter_map(|(number, pair)| Some((*number, pair.missing_since?))).collect()
    }

    /// Ends whose death was never announced count as dead, with what the last look has seen of them.
    fn give_up(&mut self, number: u64, at: Moment) {
        if let Some(pair) = self.pairs.get_mut(&number) {
            for end in pair.ends.iter_mut().flatten().filter(|end| end.died.is_none()) {
                (end.died, end.unheard) = (Some(at), true);
            }
        }
        self.sockets.retain(|_, (of, _)| *of != number);
        self.close(number, at);
    }

    /// The connection is over: its last figures, how it ended.
    fn close(&mut self, number: u64, at: Moment) {
        let Some(pair) = self.pairs.get_mut(&number) else { return };
        let key = (pair.flow.client, pair.flow.server);
        if pair.misses_aborted_server()
            && let Some(orphan) = self.orphans.take(pair.flow.server)
        {
            pair.not_before = pair.not_before.min(orphan.not_before);
            pair.since = pair.since.min(orphan.at);
            pair.ends[Side::Server.index()] = Some(aborted(orphan.at));
        }
        if let Some(side) = pair.unseen() {
            let aborted = pair.misses_aborted_server();
            self.remembered.push_back(Remembered { client: key.0, server: key.1, side, aborted });
            self.remembered.drain(..self.remembered.len().saturating_sub(REMEMBERED_MAX));
        }
        let (first, how) = (verdict::ended_first(&pair.ends), verdict::how(&pair.ends));
        self.tell_figures(number, at);
        if let Some(side) = first {
            self.told.push((at, Observation::Ended { id: id(number), side }));
        }
        self.told.push((at, Observation::Closed { id: id(number), how }));
        self.pairs.remove(&number);
        self.waiting.remove(&number);
        if self.by_flow.get(&key) == Some(&number) {
            self.by_flow.remove(&key);
        }
    }

    fn tell_figures(&mut self, number: u64, at: Moment) {
        if let Some(pair) = self.pairs.get_mut(&number) {
            let owner = self.owners.get(&pair.flow.server.port());
            pair.tell(id(number), at, owner, &mut self.told);
        }
    }

    /// A server's end that was aborted, and whose client nobody has met.
    fn tell_orphan(&mut self, orphan: Orphan) {
        let Orphan { at, not_before, server, cookie } = orphan;
        let nobody: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let (id, client) = (id(cookie.0), SocketAddr::new(nobody, 0));
        let flow = Flow { client, server, target: None };
        let counts = verdict::counts(&[None, Some(aborted(at))]);
        self.told.push((at, Observation::Opened { id, flow, not_before: Some(not_before) }));
        self.told.push((at, Observation::Counted { id, counts }));
        self.told.push((at, Observation::Closed { id, how: How::ResetByServer }));
    }

    /// The connection that this socket is an end of: a new one, or one whose other end is known.
    fn place(&mut self, at: Moment, socket: &Socket, flow: Flow, side: Side) -> u64 {
        let key = (flow.client, flow.server);
        let existing = self
            .by_flow
            .get(&key)
            .copied()
            .filter(|number| self.pairs.get(number).is_some_and(|pair| pair.ends[side.index()].is_none()));
        let number = existing.unwrap_or(socket.cookie.0);
        // It has been there at least since it last sent or received.
        let info = socket.info.unwrap_or_default();
        let age = info.since_sent.max(info.since_received);
        let since = Moment::from_micros(at.micros().saturating_sub(u64::try_from(age.as_micros()).unwrap_or(0)));
        // Older than the last look, which did not show it: it was over already, and its program still held it.
        let not_before = if since < self.last_look { self.start } else { self.last_look };
        let pair = self.pairs.entry(number).or_insert_with(|| Pair::new(flow, since, not_before));
        pair.since = pair.since.min(since);
        pair.ends[side.index()].get_or_insert_default();
        self.by_flow.insert(key, number);
        self.sockets.insert(socket.cookie, (number, side));
        number
    }

    /// Client and server by the watched port; the end with the lower port serves when both are watched.
    fn flow_of(&self, socket: &Socket) -> Option<(Flow, Side)> {
        let (local, peer) = (socket.local, socket.peer);
        let is_server = match (self.ports.contains(&local.port()), self.ports.contains(&peer.port())) {
            (true, true) => local.port() <= peer.port(),
            (false, false) => return None,
            (is_server, _) => is_server,
        };
        let (client, server, side) = if is_server { (peer, local, Side::Server) } else { (local, peer, Side::Client) };
        Some((Flow { client, server, target: None }, side))
    }

    /// The run is over: what has died is closed, what waits for its client is told; the rest is still open.
    pub fn finish(&mut self, at: Moment) {
        self.settle(at.plus(SETTLE));
        for orphan in self.orphans.all() {
            self.tell_orphan(orphan);
        }
    }
}

/// An end of which nothing is known but that its program aborted it.
fn aborted(at: Moment) -> End {
    End { died: Some(at), aborted: true, ..End::default() }
}

fn id(number: u64) -> Id {
    Id { protocol: Protocol::Tcp, number }
}

#[cfg(test)]
mod tests;
