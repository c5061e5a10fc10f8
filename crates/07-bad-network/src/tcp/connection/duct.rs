//! Bytes from one socket into another inside the kernel, where nothing is to be done to them.
//!
//! ```text
//!   sender's socket ══splice══▶ pipe ══splice══▶ receiver's socket        pages change hands, nothing is copied
//! ```
//! A relay that reads and writes copies every byte twice. `splice(2)` copies none: one end of a splice
//! must be a pipe, so a pipe lies between the two sockets. One pipe is enough for all connections, because
//! it is empty again before the next one's turn: what the receiver does not take is read out of it.
//! Linux only; elsewhere, and while calls are narrated, the relay reads and writes. Read
//! `connection.rs` before. Source: splice(2), pipe(7).

use std::io;

use netcommon::net::TcpStream;

use super::*;

/// What goes through at once: as much as a connection's default window.
const DUCT_LEN: usize = 256 * 1024;

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
            Err(_) => return self.abort(id, &format!("reset by the {}", sender_name(direction))).map(|()| false),
        };
        let Ok(taken) = duct.drain(to, came) else {
            // What is left in it must never come out at somebody else's.
            self.duct = Duct::new();
            return self.abort(id, &format!("reset by the {}", receiver_name(direction))).map(|()| false);
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

/// The pipe.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(in crate::tcp) struct Duct {
    inlet: std::os::fd::OwnedFd,
    outlet: std::os::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl Duct {
    /// An empty pipe: `pipe2(2)`; `None` where there is no room for one.
    pub(in crate::tcp) fn new() -> Option<Self> {
        use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

        if netcommon::narrate::is_on() {
            return None;
        }
        let (outlet, inlet) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        // Users have a bound for all their pipes together; a smaller one serves as well, in more calls.
        let _ = fcntl_setpipe_size(&inlet, DUCT_LEN);
        Some(Self { inlet, outlet })
    }

    /// Takes what the sender has sent, at most `len` bytes: 0 at the end of stream.
    fn fill(&self, sender: &TcpStream, len: usize) -> io::Result<usize> {
        splice(sender.as_std(), &self.inlet, len)
    }

    /// Hands `len` bytes to the receiver; returns how many it took before its kernel had no more room.
    fn drain(&self, receiver: &TcpStream, len: usize) -> io::Result<usize> {
        let mut taken = 0;
        while taken < len {
            match splice(&self.outlet, receiver.as_std(), len - taken) {
                Ok(some) => taken += some,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    /// Reads what is left in the pipe.
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&self.outlet, buffer)?)
    }
}

#[cfg(target_os = "linux")]
fn splice(from: impl std::os::fd::AsFd, to: impl std::os::fd::AsFd, len: usize) -> io::Result<usize> {
    use rustix::pipe::{SpliceFlags, splice};

    Ok(splice(from, None, to, None, len, SpliceFlags::NONBLOCK | SpliceFlags::MOVE)?)
}

/// There is none.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(in crate::tcp) enum Duct {}

#[cfg(not(target_os = "linux"))]
impl Duct {
    pub(in crate::tcp) fn new() -> Option<Self> {
        None
    }

    fn fill(&self, _sender: &TcpStream, _len: usize) -> io::Result<usize> {
        match *self {}
    }

    fn drain(&self, _receiver: &TcpStream, _len: usize) -> io::Result<usize> {
        match *self {}
    }

    fn read(&self, _buffer: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }
}
