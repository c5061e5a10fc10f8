//! Who is let in: clients that wait in the backlog, as long as there are places and descriptors.
//!
//! A descriptor is what a client costs, and the system gives a process only so many. When none is left,
//! the client stays in the backlog and the listener stays readable; a loop that goes on asking would
//! spin. So the listener is left alone until a connection ends. Read `server.rs` before, and
//! `netcommon::accept` for what may go wrong. Source: accept(2).

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use netcommon::accept::AfterError;
use netcommon::net::TcpStream;
use netcommon::readiness::{Interest, TcpSocket};

use crate::connection::Connection;
use crate::server::Server;

/// How many are accepted in one turn: enough for a burst, few enough that those inside do not wait long.
const ACCEPTS_MAX: usize = 64;

/// How long to wait for a free descriptor when no connection of ours ends: another part of the system
/// may have given one back.
const ROOM_RETRY: Duration = Duration::from_secs(1);

impl Server<'_> {
    /// The listener is readable: accepts until nobody waits any more.
    // ANCHOR: accept
    pub(crate) fn accept_those_who_wait(&mut self, now: Instant) -> io::Result<()> {
        for _ in 0..ACCEPTS_MAX {
            let Some((TcpSocket::Listener(listener), _)) = self.sockets.get(self.listener) else { break };
            match listener.accept() {
                Ok((stream, peer)) => self.admit(stream, peer, now),
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
    // ANCHOR_END: accept

    /// Takes a client in, or tells it that all places are taken.
    fn admit(&mut self, stream: TcpStream, peer: SocketAddr, now: Instant) {
        // The listener has a place of its own.
        if self.sockets.len() > self.config.max_connections {
            self.config.turn_away(&stream, peer, self.lines);
            self.report.refused += 1;
            return;
        }
        let connection = Connection::new(peer, now, &self.desk);
        let deadline = connection.deadline();
        let watched = stream
            .set_nonblocking(true)
            .and_then(|()| self.sockets.insert(TcpSocket::Stream(stream), Interest::Readable, Some(connection)));
        match watched {
            Ok(key) => {
                self.lines.line(format_args!("Accepted connection from {peer}"));
                self.deadlines.set(key, deadline);
                self.report.served += 1;
            }
            // The stream is gone, so the client can only see its end.
            Err(error) => {
                self.lines.line(format_args!("Turned away {peer}: it cannot be watched: {error}"));
                self.report.refused += 1;
            }
        }
    }

    /// No descriptor is left: leaves the listener alone for a while.
    // ANCHOR: wait-for-room
    fn wait_for_room(&mut self, error: &io::Error, now: Instant) -> io::Result<()> {
        let level = if std::mem::replace(&mut self.warned, true) { log::Level::Debug } else { log::Level::Warn };
        log::log!(level, "accept: {error}; clients wait in the backlog until a connection ends, or a second");
        self.full_until = Some(now + ROOM_RETRY);
        self.deadlines.set(self.listener, now + ROOM_RETRY);
        self.sockets.set_interest(self.listener, Interest::Nothing)
    }
    // ANCHOR_END: wait-for-room

    /// A descriptor may be free again.
    pub(crate) fn accept_again(&mut self) -> io::Result<()> {
        self.full_until = None;
        self.sockets.set_interest(self.listener, Interest::Readable)
    }
}
