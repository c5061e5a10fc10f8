//! One connection's life: accepted, joined to the target, moved along, ended.
//!
//! A half-close passes through: the end of one direction says nothing about the other. An abort passes
//! through as well, as the reset that it was, behind what the sender had sent before. Read `tcp.rs` before.
//! Sources: RFC 9293 sections 3.6 and 3.10.5; UNP section 6.6 (shutdown). Read `connection/ends.rs` and
//! `connection/duct.rs` next.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown as How;

use super::*;
use crate::pipe::{Pipe, Step};
use crate::record::{Piece, PieceFate, to_ms};

mod duct;
mod ends;

pub(super) use self::duct::DUCT_LEN;
use self::ends::reset_by;

/// Two sockets and two pipes.
#[derive(Debug)]
pub(super) struct Connection {
    /// By the direction that they send: the client up, the target down. No target while it is ignored.
    senders: [Option<Key>; 2],
    lanes: [Lane; 2],
    /// The target has answered the attempt to connect.
    connected: bool,
    /// Since when the target has been waited for.
    attempted: Duration,
    /// The target's other addresses, the next one last.
    untried: Vec<SocketAddr>,
    /// The sender of this direction has reset its stream.
    reset_by: Option<Direction>,
    /// The end was asked for while the client could still have sent.
    cut_short: bool,
    alarm: Option<Duration>,
}

/// One direction.
#[derive(Debug)]
struct Lane {
    pipe: Pipe,
    /// The sender may still send.
    reading: bool,
    /// The receiver's kernel takes no more for now.
    blocked: bool,
    /// Pieces that have left.
    pieces: u64,
}

impl Connection {
    /// Takes the sender's stream as ended.
    pub(super) fn stop_reading(&mut self, direction: Direction, now: Duration) {
        let lane = &mut self.lanes[direction.index()];
        if lane.reading {
            lane.reading = false;
            lane.pipe.push_end(now);
        }
    }

    /// How it has ended, when both ways have.
    fn how(&self) -> &'static str {
        if self.cut_short { "shutdown" } else { "closed" }
    }

    /// How many bytes are on their way.
    pub(super) fn waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.pipe.waiting()).sum()
    }
}

/// The other direction's sender is this direction's receiver.
fn receiver(direction: Direction) -> usize {
    direction.opposite().index()
}

impl Relay {
    /// Takes a client, and begins to connect to the target for it.
    pub(super) fn begin(&mut self, client: TcpStream, addr: SocketAddr) -> Result<(), OpError> {
        let (now, id) = (self.now(), self.report.accepted + 1);
        self.report.accepted = id;
        self.voice.say(&Event::Flow { flow: id, client: addr });
        let lanes = self.config.ways.clone().map(|way| Lane {
            pipe: Pipe::new(way, now),
            reading: true,
            blocked: false,
            pieces: 0,
        });
        let connection = Connection {
            senders: [None; 2],
            lanes,
            connected: self.config.ignore,
            attempted: now,
            untried: self.config.others.iter().rev().copied().collect(),
            reset_by: None,
            cut_short: false,
            alarm: None,
        };
        self.connections.insert(id, connection);
        let up = client.set_nonblocking(true).and_then(|()| self.watch(client, id, Direction::Up, Interest::Nothing));
        if let Err(error) = up {
            return self.abort(id, &format!("no place: {error}"));
        }
        if self.config.ignore {
            return self.drive(id);
        }
        match self.connect_spare().and_then(|target| self.watch(target, id, Direction::Down, Interest::Writable)) {
            Ok(()) => self.set_alarm(id, Some(now + CONNECT_MAX)),
            Err(error) => return self.target_is_gone(id, &error),
        }
        Ok(())
    }

    /// Begins to connect the socket that was made before the client was accepted. If it could not be made
    /// for another reason than a shortage, the reason is told now.
    fn connect_spare(&mut self) -> io::Result<TcpStream> {
        self.prepare_spare()?;
        let target = self.spare.take().ok_or(ErrorKind::NotConnected)?;
        target.try_connect(self.target)?;
        Ok(target)
    }

    fn watch(&mut self, stream: TcpStream, id: u64, direction: Direction, interest: Interest) -> io::Result<()> {
        let key = self.sockets.insert(TcpSocket::Stream(stream), interest, Role::Sender(id, direction))?;
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.senders[direction.index()] = Some(key);
        }
        Ok(())
    }

    /// Reads once what the sender of `direction` has sent, as much as the pipe has room for; whether
    /// there may be more.
    pub(super) fn read(&mut self, id: u64, direction: Direction) -> Result<bool, OpError> {
        let now = self.now();
        let Some(connection) = self.connections.get_mut(&id).filter(|connection| connection.connected) else {
            return Ok(false);
        };
        let lane = &mut connection.lanes[direction.index()];
        let room = lane.pipe.room().min(READ_LEN);
        let socket = connection.senders[direction.index()].and_then(|key| self.sockets.get(key));
        let Some(mut sender) = socket.and_then(|(socket, _)| stream(socket)) else { return Ok(false) };
        if !lane.reading || room == 0 {
            return Ok(false);
        }
        let len = match sender.read(&mut self.buffer[..room]) {
            Ok(0) => {
                connection.stop_reading(direction, now);
                return Ok(false);
            }
            Ok(len) => len,
            Err(error) if is_nothing(&error) => {
                if self.draining && direction == Direction::Up {
                    connection.cut_short = true;
                    connection.stop_reading(direction, now);
                }
                return Ok(false);
            }
            Err(_) => return self.was_reset(id, direction).map(|()| false),
        };
        if !self.config.ignore && lane.pipe.passes_untouched() {
            return self.hand_on(id, direction, len).map(|()| len == room);
        }
        lane.pipe.push(now, &self.buffer[..len]);
        Ok(false)
    }

    /// The way without a detour: from hand to hand; what the receiver does not take goes into the pipe.
    fn hand_on(&mut self, id: u64, direction: Direction, len: usize) -> Result<(), OpError> {
        let to = self.sender(id, receiver(direction)).ok_or(ErrorKind::NotConnected);
        let written = to.map_err(io::Error::from).and_then(|mut to| to.write(&self.buffer[..len]));
        let taken = match written {
            Ok(taken) => taken,
            Err(error) if is_nothing(&error) => 0,
            Err(_) => return self.was_reset(id, direction.opposite()),
        };
        let now = self.now();
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        connection.lanes[direction.index()].pipe.push(now, &self.buffer[taken..len]);
        self.handed_on(id, direction, len, taken)
    }

    /// Of `len` bytes the receiver took `taken`; the others are in the pipe.
    fn handed_on(&mut self, id: u64, direction: Direction, len: usize, taken: usize) -> Result<(), OpError> {
        let now = self.now();
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        let lane = &mut connection.lanes[direction.index()];
        lane.pipe.passed(taken);
        lane.blocked = taken < len;
        if taken == 0 {
            return Ok(());
        }
        self.count_left(id, direction, taken, PieceFate::Passed, now)
    }

    /// The stream that sends in the direction of this index.
    fn sender(&self, id: u64, index: usize) -> Option<&TcpStream> {
        let key = self.connections.get(&id)?.senders[index]?;
        self.sockets.get(key).and_then(|(socket, _)| stream(socket))
    }

    /// Moves a connection along as far as it goes now, and arranges when it goes on.
    pub(super) fn drive(&mut self, id: u64) -> Result<(), OpError> {
        if !self.is_connected(id)? {
            return Ok(());
        }
        let mut next = self.read_the_last(id)?;
        for direction in Direction::BOTH {
            let wait = self.drive_lane(id, direction)?;
            next = [next, wait].into_iter().flatten().min();
        }
        let Some(connection) = self.connections.get(&id) else { return Ok(()) };
        if connection.lanes.iter().all(|lane| lane.pipe.is_over()) {
            return self.end(id, connection.how());
        }
        self.set_alarm(id, next);
        self.set_interests(id)
    }

    /// A socket takes bytes again, or the attempt to connect has ended.
    pub(super) fn can_be_written(&mut self, id: u64, direction: Direction) -> Result<(), OpError> {
        let Some(connection) = self.connections.get_mut(&id) else { return Ok(()) };
        connection.lanes[receiver(direction)].blocked = false;
        if connection.connected {
            return Ok(());
        }
        let socket = connection.senders[direction.index()].and_then(|key| self.sockets.get(key));
        let Some(target) = socket.and_then(|(socket, _)| stream(socket)) else { return Ok(()) };
        match target.finish_connect().and_then(|()| target.set_nonblocking(true)) {
            Ok(()) => connection.connected = true,
            // It had taken the connection, and has reset it since: a refusal has another name.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                connection.connected = true;
                return self.was_reset(id, direction);
            }
            Err(error) => return self.target_is_gone(id, &error),
        }
        if self.target_gone {
            self.target_gone = false;
            self.voice.say(&Event::TargetBack { target: self.target });
        }
        Ok(())
    }

    /// Whether both sides are there; a target that has not answered for too long never will be.
    fn is_connected(&mut self, id: u64) -> Result<bool, OpError> {
        let Some(connection) = self.connections.get(&id) else { return Ok(false) };
        let connected = connection.connected;
        if !connected && self.now() >= connection.attempted + CONNECT_MAX {
            self.target_is_gone(id, &ErrorKind::TimedOut.into())?;
        }
        Ok(connected)
    }

    /// At the end: reads what the client had sent before the end was asked for; returns when to look again.
    fn read_the_last(&mut self, id: u64) -> Result<Option<Duration>, OpError> {
        if !self.draining || self.config.ignore {
            return Ok(None);
        }
        for _ in 0..READS_MAX {
            self.read(id, Direction::Up)?;
        }
        let Some(lane) = self.connections.get(&id).map(|connection| &connection.lanes[0]) else { return Ok(None) };
        Ok((lane.reading && lane.pipe.room() > 0).then(|| self.now() + DRAIN_PAUSE))
    }

    /// Lets one direction's pieces leave that are due; returns when the next one is.
    fn drive_lane(&mut self, id: u64, direction: Direction) -> Result<Option<Duration>, OpError> {
        loop {
            let now = self.now();
            let Some(connection) = self.connections.get_mut(&id) else { return Ok(None) };
            let lane = &mut connection.lanes[direction.index()];
            if lane.blocked || self.config.ignore {
                return Ok(None);
            }
            let came = lane.pipe.first_came().unwrap_or(now);
            let socket = connection.senders[receiver(direction)].and_then(|key| self.sockets.get(key));
            let Some(mut to) = socket.and_then(|(socket, _)| stream(socket)) else { return Ok(None) };
            match lane.pipe.step(now) {
                Step::Wait(until) => return Ok(until),
                Step::Reset => {
                    let how = connection.reset_by.map_or("reset on purpose", reset_by);
                    self.count_left(id, direction, 0, PieceFate::Reset, now)?;
                    self.abort(id, how)?;
                    return Ok(None);
                }
                Step::End => {
                    // Fails only when the other side has gone, and then it knows.
                    let _ = to.shutdown(How::Write);
                    self.count_left(id, direction, 0, PieceFate::End, now)?;
                }
                Step::Write(bytes) => match to.write(bytes) {
                    Ok(len) => {
                        lane.pipe.wrote(now, len);
                        self.count_left(id, direction, len, PieceFate::Passed, came)?;
                    }
                    Err(error) if is_nothing(&error) => lane.blocked = true,
                    Err(_) => {
                        self.was_reset(id, direction.opposite())?;
                        return Ok(None);
                    }
                },
            }
        }
    }

    /// Waits for what can be gone on with, and for nothing else.
    fn set_interests(&mut self, id: u64) -> Result<(), OpError> {
        let Some(connection) = self.connections.get(&id) else { return Ok(()) };
        for direction in Direction::BOTH {
            let Some(key) = connection.senders[direction.index()] else { continue };
            let lane = &connection.lanes[direction.index()];
            let wants = (lane.reading && lane.pipe.room() > 0, connection.lanes[receiver(direction)].blocked);
            let interest = match wants {
                (false, false) => Interest::Nothing,
                (true, false) => Interest::Readable,
                (false, true) => Interest::Writable,
                (true, true) => Interest::Both,
            };
            if let Err(error) = self.sockets.set_interest(key, interest) {
                return self.abort(id, &format!("no place: {error}"));
            }
        }
        Ok(())
    }

    pub(super) fn set_alarm(&mut self, id: u64, alarm: Option<Duration>) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.alarm != alarm {
            if let Some(old) = connection.alarm {
                self.alarms.remove(&(old, id));
            }
            self.alarms.extend(alarm.map(|alarm| (alarm, id)));
            connection.alarm = alarm;
        }
    }

    fn count_left(
        &mut self,
        id: u64,
        direction: Direction,
        len: usize,
        fate: PieceFate,
        came: Duration,
    ) -> Result<(), OpError> {
        self.report.bytes[direction.index()] += len as u64;
        let Some(connection) = self.connections.get_mut(&id).filter(|_| self.log.is_on()) else { return Ok(()) };
        let lane = &mut connection.lanes[direction.index()];
        lane.pieces += 1;
        let (at, number) = (self.start.elapsed(), lane.pieces);
        let delay_ms = to_ms(at.saturating_sub(came));
        self.log.write(&Piece { at_ms: to_ms(at), flow: id, direction, number, size: len, fate, delay_ms })
    }
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
