//! One relayed connection's life: accepted, joined to the target, moved along, ended.
//!
//! What happens on one side happens on the other: a half-close is passed on as a half-close, a reset as a reset, and a
//! client whose target refuses is reset as well, the nearest to being refused once it has been accepted. Read `tcp.rs`
//! before. Sources: RFC 9293 sections 3.6 and 3.10.5; UNP section 6.6 (shutdown).

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use netcommon::accept::{AfterError, after_error};
use netcommon::net::TcpStream;
use netcommon::readiness::{Interest, Key, TcpSocket};

use crate::connection::How;
use crate::observation::{Counts, Flow, Observation, Side};
use crate::proxy::lane::{Lane, Step};
use crate::proxy::tcp::{Relay, Role, name, stream};

/// How long the target may take to answer; the system would wait for minutes.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Two sockets and two lanes, by [`Side::index`] of the side that sends.
#[derive(Debug, Default)]
pub(super) struct Connection {
    ends: [Option<Key>; 2],
    lanes: [Lane; 2],
    /// The index of its listener.
    front: usize,
    /// The index of the target's address that is asked, and how many have been.
    target: usize,
    tried: usize,
    /// When the attempt to connect to the target began; `None` once it has ended.
    connecting: Option<Instant>,
    /// How long the target took to answer: a round trip.
    rtt: Option<Duration>,
    /// Counted since the last tick.
    changed: bool,
    /// It was open when the end was asked for.
    outlasted: bool,
}

impl Relay {
    /// Takes a client, and begins to connect to the target for it.
    pub(super) fn begin(&mut self, index: usize, client: TcpStream, addr: SocketAddr) {
        let front = &self.fronts[index];
        let (addr_here, preferred, target) = (front.addr, front.preferred, front.targets[front.preferred]);
        self.accepted += 1;
        let (id, now) = (self.accepted, Instant::now());
        let server = client.local_addr().unwrap_or(addr_here);
        let flow = Flow { client: addr, server, target: Some(target) };
        self.witness.tell(Observation::Opened { id: name(id), flow, not_before: None });
        let connection =
            Connection { front: index, target: preferred, tried: 1, connecting: Some(now), ..Connection::default() };
        self.connections.insert(id, connection);
        let watched = client.set_nonblocking(true).and_then(|()| self.watch(client, id, Side::Client));
        let joined = watched.and_then(|()| {
            let target = self.connect_spare(index)?;
            self.watch(target, id, Side::Server)
        });
        match joined {
            Ok(()) => {
                self.connecting.push_back((now + CONNECT_MAX, id));
                self.set_interests(id);
            }
            Err(error) if after_error(&error) == AfterError::WaitForRoom => {
                // In this order: the end of a connection has the next client accepted, who would fare no better.
                self.fail(id, How::Unreachable);
                self.pause_accepting(Some(&error));
            }
            Err(error) => self.ask_next_target(id, error),
        }
    }

    fn connect_spare(&mut self, index: usize) -> io::Result<TcpStream> {
        self.prepare_spare(index)?;
        let front = &mut self.fronts[index];
        let target = front.spare.take().ok_or(ErrorKind::NotConnected)?;
        target.try_connect(front.targets[front.preferred])?;
        Ok(target)
    }

    fn watch(&mut self, stream: TcpStream, id: u64, side: Side) -> io::Result<()> {
        let key = self.sockets.insert(TcpSocket::Stream(stream), Interest::Nothing, Role::End(id, side))?;
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.ends[side.index()] = Some(key);
        }
        Ok(())
    }

    /// The system says that something can be done on one end.
    pub(super) fn end_is_ready(&mut self, id: u64, side: Side, writable: bool) {
        let Some(connection) = self.connections.get(&id) else { return };
        if connection.connecting.is_some() {
            if side == Side::Server && writable {
                self.target_has_answered(id);
            }
            return;
        }
        // What has come on this end first: behind the last bytes there may be a reset.
        self.drive(id, side);
        self.drive(id, side.other());
        self.set_interests(id);
    }

    fn target_has_answered(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let socket = connection.ends[Side::Server.index()].and_then(|key| self.sockets.get(key));
        let Some(target) = socket.and_then(|(socket, _)| stream(socket)) else { return };
        match target.finish_connect().and_then(|()| target.set_nonblocking(true)) {
            Ok(()) => {
                self.fronts[connection.front].preferred = connection.target;
                connection.rtt = connection.connecting.take().map(|since| since.elapsed());
                if self.draining {
                    self.end_reading(id);
                } else {
                    // The client may have sent something while the target was asked.
                    self.end_is_ready(id, Side::Client, false);
                }
            }
            Err(error) => self.ask_next_target(id, error),
        }
    }

    /// A name may have several addresses, of which one listens: asks the next one, until none is left. The log names
    /// the one that was asked first; the next client begins with the one that has answered.
    fn ask_next_target(&mut self, id: u64, mut error: io::Error) {
        while let Some(connection) = self.connections.get_mut(&id) {
            let targets = &self.fronts[connection.front].targets;
            if connection.tried >= targets.len() {
                return self.fail(id, how_connecting_failed(&error));
            }
            connection.tried += 1;
            connection.target = (connection.target + 1) % targets.len();
            let target = targets[connection.target];
            if let Some(key) = connection.ends[Side::Server.index()].take() {
                self.sockets.remove(key);
            }
            match TcpStream::start_connect(target).and_then(|target| self.watch(target, id, Side::Server)) {
                Ok(()) => return self.set_interests(id),
                Err(next) => error = next,
            }
        }
    }

    /// Attempts to connect that have taken too long; those that have ended are forgotten.
    pub(super) fn give_up_connecting(&mut self, now: Instant) {
        while let Some((due, id)) = self.connecting.front().copied() {
            let waits = self.connections.get(&id).is_some_and(|connection| connection.connecting.is_some());
            if waits && due > now {
                return;
            }
            self.connecting.pop_front();
            if waits {
                self.fail(id, How::TimedOut);
            }
        }
    }

    /// Moves what `sender` has sent.
    fn drive(&mut self, id: u64, sender: Side) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let lane = &mut connection.lanes[sender.index()];
        let ends = connection.ends.map(|key| key.and_then(|key| self.sockets.get(key)));
        let [Some(client), Some(server)] = ends.map(|end| end.and_then(|(socket, _)| stream(socket))) else { return };
        let (from, to) = if sender == Side::Client { (client, server) } else { (server, client) };
        if lane.over {
            return;
        }
        let before = (lane.read, lane.ended);
        let step = lane.advance(from, to, &mut self.tools);
        let (moved, has_ended) = (lane.read != before.0, lane.ended && !before.1);
        if moved && !connection.changed {
            connection.changed = true;
            self.changed.push(id);
        }
        if has_ended {
            self.witness.tell(Observation::Ended { id: name(id), side: sender });
        }
        match step {
            Step::Empty | Step::Blocked | Step::Turn => {}
            Step::Over if connection.lanes.iter().all(|lane| lane.over) => self.end(id, How::Orderly),
            Step::Over => {}
            Step::SenderFailed(error) => self.fail(id, how_broken(sender, &error)),
            Step::ReceiverFailed(error) => {
                // Before it broke it may have sent something that nobody has read yet.
                connection.lanes[sender.other().index()].rescue(to, from, &mut self.tools);
                self.fail(id, how_broken(sender.other(), &error));
            }
        }
    }

    /// Waits for what can be gone on with, and for nothing else.
    fn set_interests(&mut self, id: u64) {
        let Some(connection) = self.connections.get(&id) else { return };
        for side in Side::BOTH {
            let Some(key) = connection.ends[side.index()] else { continue };
            let wants = match connection.connecting {
                Some(_) => (false, side == Side::Server),
                None => {
                    (connection.lanes[side.index()].wants_bytes(), connection.lanes[side.other().index()].wants_room())
                }
            };
            let interest = match wants {
                (false, false) => Interest::Nothing,
                (true, false) => Interest::Readable,
                (false, true) => Interest::Writable,
                (true, true) => Interest::Both,
            };
            if let Err(error) = self.sockets.set_interest(key, interest) {
                log::warn!("watch a connection: {error}");
                return self.fail(id, How::Unknown);
            }
        }
    }

    /// The end was asked for: the client is not read from any more, and the target hears that this was all.
    pub(super) fn end_reading(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.outlasted = true;
        connection.lanes[Side::Client.index()].ended = true;
        if connection.connecting.is_none() {
            self.drive(id, Side::Client);
            self.set_interests(id);
        }
    }

    /// Tells the witness what has been counted.
    pub(super) fn tell_counts(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.changed = false;
        let counts = connection.counts();
        self.witness.tell(Observation::Counted { id: name(id), counts });
    }

    /// Ends a connection with a reset for both sides.
    pub(super) fn fail(&mut self, id: u64, how: How) {
        self.reset_both(id);
        self.end(id, how);
    }

    /// From now on `close(2)` sends an RST in place of a FIN.
    pub(super) fn reset_both(&mut self, id: u64) {
        let ends = self.connections.get(&id).map(|connection| connection.ends).unwrap_or_default();
        for (socket, _) in ends.into_iter().flatten().filter_map(|key| self.sockets.get(key)) {
            if let Some(stream) = stream(socket) {
                let _ = stream.set_linger(Some(Duration::ZERO));
            }
        }
    }

    /// Ends a connection: both sockets are closed, and there may be a place for the next client.
    fn end(&mut self, id: u64, how: How) {
        let Some(mut connection) = self.connections.remove(&id) else { return };
        for key in connection.ends.into_iter().flatten() {
            self.sockets.remove(key);
        }
        self.listed += 1;
        let how = if connection.outlasted { How::StillOpen } else { how };
        self.witness.tell(Observation::Counted { id: name(id), counts: connection.counts() });
        self.witness.tell(Observation::Closed { id: name(id), how });
        connection.lanes.iter_mut().for_each(|lane| lane.discard(&mut self.tools));
        if self.has_room() && !self.draining {
            self.watch_listeners();
        }
    }
}

impl Connection {
    /// From the client what it has sent us, to the client what its kernel has taken.
    fn counts(&self) -> Counts {
        let [up, down] = &self.lanes;
        Counts { bytes: [up.read, down.written], rtt: self.rtt, ..Counts::default() }
    }
}

fn how_connecting_failed(error: &io::Error) -> How {
    match error.kind() {
        ErrorKind::ConnectionRefused => How::Refused,
        ErrorKind::TimedOut => How::TimedOut,
        _ => How::Unreachable,
    }
}

fn how_broken(side: Side, error: &io::Error) -> How {
    match (error.kind(), side) {
        (ErrorKind::TimedOut, _) => How::TimedOut,
        (ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable, _) => How::Unreachable,
        (_, Side::Client) => How::ResetByClient,
        (_, Side::Server) => How::ResetByServer,
    }
}
