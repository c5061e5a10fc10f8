//! Who is let in: those who wait in the backlog, as long as there are places, and not too many from one address.
//!
//! A refused client is told why before it is closed. When no descriptor is left, clients stay in the backlog
//! and the listener is left alone until a connection ends: a loop that went on asking would spin. Read
//! `mod.rs` before, and `netcommon::accept` for what may go wrong. Source: accept(2).

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown};
use std::time::{Duration, Instant};

use netcommon::accept::AfterError;
use netcommon::net::TcpStream;
use netcommon::readiness::{Interest, TcpSocket};

use super::{Seat, Server, socket};
use crate::event::{Event, Refusal};

/// How many are accepted in one turn: enough for a burst, few enough that those inside do not wait long.
const ACCEPTS_MAX: usize = 16;

/// How long to wait for a free descriptor when no connection of ours ends: another part of the system
/// may have given one back.
const ROOM_RETRY: Duration = Duration::from_secs(1);

/// What the door knows.
#[derive(Debug, Default)]
pub(super) struct Admission {
    /// Connections from each address.
    inside: BTreeMap<IpAddr, usize>,
    /// No descriptor is left: until when to accept nobody, unless a connection ends before.
    pub(super) full_until: Option<Instant>,
    /// The shortage has been told of.
    warned: bool,
}

impl Admission {
    /// A connection from this address has ended.
    pub(super) fn gone(&mut self, address: IpAddr) {
        if let Some(count) = self.inside.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.inside.remove(&address);
            }
        }
    }
}

impl Server<'_> {
    /// The listener is readable: accepts until nobody waits any more.
    pub(super) fn accept_those_who_wait(&mut self, now: Instant) -> io::Result<()> {
        for _ in 0..ACCEPTS_MAX {
            let Some((TcpSocket::Listener(listener), _)) = self.sockets.get(self.listener) else { break };
            match listener.accept() {
                // An IPv4 client of an IPv6 listener counts under its IPv4 address.
                Ok((stream, peer)) => self.admit(stream, peer.ip().to_canonical(), now),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => match listener.after_error(&error) {
                    AfterError::AcceptNext => log::debug!("accept: {error}"),
                    AfterError::WaitForRoom => return self.wait_for_room(&error, now),
                    AfterError::Stop => return Err(error),
                },
            }
        }
        Ok(())
    }

    /// Takes a client in, or tells it why not.
    fn admit(&mut self, stream: TcpStream, address: IpAddr, now: Instant) {
        let limits = self.room.limits();
        let inside = self.admission.inside.get(&address).copied().unwrap_or(0);
        // The listener has a place of its own.
        let refusal = if self.sockets.len() > limits.connections_max {
            Some(Refusal::Full(limits.connections_max))
        } else {
            limits.per_address_max.filter(|max| inside >= *max).map(Refusal::Address)
        };
        if let Some(why) = refusal {
            turn_away(&stream, why);
            return self.room.note(Event::Refused { address, why });
        }
        let watched = socket::prepare(&stream, limits)
            .and_then(|()| self.sockets.insert(TcpSocket::Stream(stream), Interest::Readable, None));
        let key = match watched {
            Ok(key) => key,
            Err(error) => return log::warn!("watch {address}: {error}; its connection is closed"),
        };
        let id = self.room.arrive(now);
        if let Some((_, place)) = self.sockets.get_mut(key) {
            *place = Some(id);
        }
        let seat = Seat { key, address, timer: None };
        match self.seats.get_mut(id.index()) {
            Some(empty) => *empty = seat,
            None => self.seats.push(seat),
        }
        *self.admission.inside.entry(address).or_default() += 1;
    }

    /// No descriptor is left: leaves the listener alone for a while.
    fn wait_for_room(&mut self, error: &io::Error, now: Instant) -> io::Result<()> {
        let warned = std::mem::replace(&mut self.admission.warned, true);
        let level = if warned { log::Level::Debug } else { log::Level::Warn };
        log::log!(level, "accept: {error}; clients wait in the backlog until a connection ends, or a second");
        self.admission.full_until = Some(now + ROOM_RETRY);
        self.deadlines.set(self.listener, now + ROOM_RETRY);
        self.sockets.set_interest(self.listener, Interest::Nothing)
    }

    /// A descriptor may be free again.
    pub(super) fn accept_again(&mut self) -> io::Result<()> {
        self.admission.full_until = None;
        self.sockets.set_interest(self.listener, Interest::Readable)
    }

    /// A connection of ours has ended: if the listener was left alone, it is asked again in the next turn.
    pub(super) fn accept_soon(&mut self, now: Instant) {
        if self.admission.full_until.is_some() {
            self.admission.full_until = Some(now);
            self.deadlines.set(self.listener, now);
        }
    }
}

/// Tells a client why it is not let in. Does not block: the send buffer of a new connection is empty.
fn turn_away(mut stream: &TcpStream, why: Refusal) {
    // Reading what the client has sent already keeps our close from becoming an RST that would
    // destroy the reason on its way. Whatever fails here, the stream is closed next.
    let _ = stream.set_nonblocking(true);
    let _ = stream.write_all(format!("! {why}\n").as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read(&mut [0; 1024]);
}
