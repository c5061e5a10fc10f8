//! Bytes from one socket into another inside the kernel, where nothing is to be done to them.
//!
//! A relay that reads and writes copies every byte twice; through a pipe (`netcommon::pipe`) none is copied. One pipe, the
//! duct, is enough for all connections, because it is empty again before the next one's turn: what the receiver does
//! not take is read out of it. Where there is none to have, the relay reads and writes. Read `connection.rs` before.

use std::io;

use netcommon::net::TcpStream;
use netcommon::pipe::Pipe;

use super::*;

/// What goes through at once: as much as a connection's default window.
pub(in crate::tcp) const DUCT_LEN: usize = 256 * 1024;

impl Relay {
    /// Much is coming: through the duct, where nothing is to be done to it. As [`Relay::read`] otherwise.
    pub(in crate::tcp) fn pass_through(&mut self, id: u64, direction: Direction) -> Result<bool, OpError> {
        let Some(room) = self.untouched_room(id, direction) else { return self.read(id, direction) };
        let ends = (self.sender(id, direction.index()), self.sender(id, receiver(direction)));
        let (Some(duct), (Some(from), Some(to))) = (&self.duct, ends) else { return self.read(id, direction) };
        let came = match duct.fill(from, room) {
            // The end of the stream, which the next read finds again.
            Ok(0) => return self.read(id, direction),
            Ok(came) => came,
            Err(error) if is_nothing(&error) => return Ok(false),
            Err(_) => return self.was_reset(id, direction).map(|()| false),
        };
        let Ok(taken) = empty(duct, to, came) else {
            // What is left in it must never come out at somebody else's.
            self.duct = Pipe::new(DUCT_LEN);
            return self.was_reset(id, direction.opposite()).map(|()| false);
        };
        let now = self.now();
        let mut left = came - taken;
        while left > 0
            && let Some(connection) = self.connections.get_mut(&id)
        {
            let read = duct.read(&mut self.buffer);
            let len = read.map_err(|error| OpError::new("read the pipe to", self.target, error))?;
            connection.lanes[direction.index()].pipe.push(now, &self.buffer[..len]);
            left -= len;
        }
        self.handed_on(id, direction, came, taken).map(|()| taken == came)
    }

    /// How much may go from hand to hand now; `None` where bytes have to take the detour.
    fn untouched_room(&self, id: u64, direction: Direction) -> Option<usize> {
        let lane = &self.connections.get(&id)?.lanes[direction.index()];
        let may = lane.reading && lane.pipe.passes_untouched() && !self.config.ignore;
        may.then(|| lane.pipe.room().min(DUCT_LEN))
    }
}

/// Hands `len` bytes to the receiver; returns how many it took before its kernel had no more room.
fn empty(duct: &Pipe, receiver: &TcpStream, len: usize) -> io::Result<usize> {
    let mut taken = 0;
    while taken < len {
        match duct.empty_into(receiver, len - taken) {
            Ok(some) => taken += some,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}
