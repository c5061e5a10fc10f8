//! One direction of a connection: bytes from one stream to the other, counted on the way.
//!
//! A lane reads only when all that it has read before has been written: so a receiver that is slow slows its sender
//! down, through the kernel's windows, and a lane that is idle has no buffer at all. Few bytes are copied through one
//! buffer that all lanes share; a lane that has much to carry on Linux lets the kernel move them (`pipes.rs`), by the
//! same steps. Read `connection.rs` next.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

use netcommon::net::TcpStream;
use netcommon::pipe::Pipe;

use crate::proxy::pipes::{PIPE_LEN, Pipes};

/// What is read at once: enough that the calls cost little, and it stays in the processor's cache.
pub(super) const READ_LEN: usize = 64 * 1024;

/// So often a lane reads and writes before the others have their turn.
const ROUNDS_MAX: usize = 16;

/// After so many full reads in a row a lane has much to carry.
const FULL_READS: u8 = 4;

/// What all lanes share, because one thread moves them one after the other.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) buffer: Vec<u8>,
    pub(super) pipes: Pipes,
}

impl Tools {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; READ_LEN], pipes: Pipes::default() }
    }
}

/// Bytes that have been read and that the receiver's kernel did not take.
#[derive(Debug, Default)]
enum Waiting {
    #[default]
    Nothing,
    /// A copy, and how much of it has been written since.
    Bytes(Vec<u8>, usize),
    /// So many bytes inside the kernel.
    Pipe(Pipe, usize),
}

/// How far a lane got.
#[derive(Debug)]
pub(super) enum Step {
    /// The sender has sent nothing more for now.
    Empty,
    /// The receiver takes nothing more for now.
    Blocked,
    /// Others have their turn; there may be more.
    Turn,
    /// The end has been passed on.
    Over,
    /// The sender's stream has broken.
    SenderFailed(io::Error),
    /// The receiver's stream has broken.
    ReceiverFailed(io::Error),
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Bytes that came from the sender.
    pub(super) read: u64,
    /// Bytes that the receiver's kernel took.
    pub(super) written: u64,
    /// The sender has said its last word.
    pub(super) ended: bool,
    /// And the receiver has been told.
    pub(super) over: bool,
    waiting: Waiting,
    full_reads: u8,
}

impl Lane {
    /// Whether the sender is to be read from.
    pub(super) fn wants_bytes(&self) -> bool {
        !self.ended && matches!(self.waiting, Waiting::Nothing)
    }

    /// Whether the receiver is to be written to.
    pub(super) fn wants_room(&self) -> bool {
        !matches!(self.waiting, Waiting::Nothing)
    }

    /// Moves what can be moved without waiting.
    // ANCHOR: advance
    pub(super) fn advance(&mut self, from: &TcpStream, to: &TcpStream, tools: &mut Tools) -> Step {
        for _ in 0..ROUNDS_MAX {
            match self.write_waiting(to, tools) {
                Ok(()) => {}
                Err(error) if is_nothing(&error) => return Step::Blocked,
                Err(error) => return Step::ReceiverFailed(error),
            }
            if self.ended {
                return self.pass_end_on(to);
            }
            match self.read_some(from, to, tools) {
                // At once, also in the last round: nothing else would bring us back here.
                Ok(0) => {
                    self.ended = true;
                    return self.pass_end_on(to);
                }
                Ok(_) => {}
                Err(Step::SenderFailed(error)) if is_nothing(&error) => return Step::Empty,
                Err(step) => return step,
            }
        }
        Step::Turn
    }
    // ANCHOR_END: advance

    /// Reads once and hands on; returns how many bytes came, 0 at the end of stream.
    fn read_some(&mut self, from: &TcpStream, to: &TcpStream, tools: &mut Tools) -> Result<usize, Step> {
        if self.full_reads >= FULL_READS
            && let Some(pipe) = tools.pipes.take()
        {
            return self.splice_some(pipe, from, to, tools);
        }
        let len = { from }.read(&mut tools.buffer).map_err(Step::SenderFailed)?;
        self.read += len as u64;
        self.full_reads = if len == READ_LEN { self.full_reads.saturating_add(1) } else { 0 };
        let taken = match { to }.write(&tools.buffer[..len]) {
            _ if len == 0 => 0,
            Ok(taken) => taken,
            Err(error) if is_nothing(&error) => 0,
            Err(error) => return Err(Step::ReceiverFailed(error)),
        };
        self.written += taken as u64;
        if taken < len {
            self.waiting = Waiting::Bytes(tools.buffer[taken..len].to_vec(), 0);
        }
        Ok(len)
    }

    /// As above, through a pipe inside the kernel.
    fn splice_some(&mut self, pipe: Pipe, from: &TcpStream, to: &TcpStream, tools: &mut Tools) -> Result<usize, Step> {
        let len = match pipe.fill(from, PIPE_LEN) {
            Ok(len) => len,
            Err(error) => {
                tools.pipes.give_back(pipe);
                return Err(Step::SenderFailed(error));
            }
        };
        self.read += len as u64;
        // A sender that pauses may have little to say from now on; then copying is cheaper again.
        if len < READ_LEN / 4 {
            self.full_reads = 0;
        }
        self.waiting = Waiting::Pipe(pipe, len);
        match self.write_waiting(to, tools) {
            Err(error) if !is_nothing(&error) => Err(Step::ReceiverFailed(error)),
            _ => Ok(len),
        }
    }

    fn write_waiting(&mut self, to: &TcpStream, tools: &mut Tools) -> io::Result<()> {
        loop {
            let done = match &mut self.waiting {
                Waiting::Nothing => return Ok(()),
                Waiting::Bytes(bytes, from) => {
                    let taken = { to }.write(&bytes[*from..])?;
                    self.written += taken as u64;
                    *from += taken;
                    *from == bytes.len()
                }
                Waiting::Pipe(_, 0) => true,
                Waiting::Pipe(pipe, len) => {
                    let taken = pipe.empty_into(to, *len)?;
                    if taken == 0 {
                        return Err(ErrorKind::WriteZero.into());
                    }
                    self.written += taken as u64;
                    *len -= taken.min(*len);
                    *len == 0
                }
            };
            if done && let Waiting::Pipe(pipe, _) = std::mem::take(&mut self.waiting) {
                tools.pipes.give_back(pipe);
            }
        }
    }

    /// Hands on what had come before the stream broke, without an end; for a connection that is about to be reset.
    pub(super) fn rescue(&mut self, from: &TcpStream, to: &TcpStream, tools: &mut Tools) {
        for _ in 0..ROUNDS_MAX {
            if self.ended || self.write_waiting(to, tools).is_err() {
                return;
            }
            match self.read_some(from, to, tools) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    /// Throws away what still waits, for a connection that has ended.
    pub(super) fn discard(&mut self, tools: &mut Tools) {
        if let Waiting::Pipe(..) = std::mem::take(&mut self.waiting) {
            tools.pipes.lost_one();
        }
    }

    fn pass_end_on(&mut self, to: &TcpStream) -> Step {
        if !self.over {
            self.over = true;
            // Fails only when the receiver has gone, and then it knows.
            let _ = to.shutdown(Shutdown::Write);
        }
        Step::Over
    }
}

/// Whether the call would have had to wait.
pub(super) fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Two ends of a connection, the first one for the lane.
    fn pair() -> (TcpStream, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let far = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let near = TcpStream::from_std(listener.accept().unwrap().0);
        near.set_nonblocking(true).unwrap();
        far.set_nonblocking(true).unwrap();
        (near, far)
    }

    /// Moves `len` bytes and the end through a lane that reads so many at once, and looks at it only when it asks for that.
    fn moved(len: usize, read_len: usize) -> usize {
        let ((from, mut client), (to, mut server)) = (pair(), pair());
        let (mut lane, mut tools) = (Lane::default(), Tools::new());
        tools.buffer.truncate(read_len);
        let (bytes, mut sent, mut received) = (vec![7; len], 0, 0);
        let mut buffer = vec![0; 4 * READ_LEN];
        for _ in 0..100_000 {
            // As much as the kernel takes first, so that the lane finds it all, and its end in any round.
            while sent < len
                && let Ok(taken) = client.write(&bytes[sent..])
            {
                sent += taken;
            }
            if sent == len {
                let _ = client.shutdown(Shutdown::Write);
            }
            if lane.wants_bytes() || lane.wants_room() {
                lane.advance(&from, &to, &mut tools);
            }
            match server.read(&mut buffer) {
                Ok(0) => return received,
                Ok(read) => received += read,
                Err(_) => assert!(lane.wants_bytes() || lane.wants_room() || !lane.over || received < len),
            }
        }
        panic!("{received} of {len} bytes, and no end");
    }

    #[test]
    fn an_end_in_any_round_is_passed_on() {
        for rounds in 0..2 * ROUNDS_MAX {
            // A small buffer, so that the kernel holds all rounds at once; a large one, so that pipes are used.
            for read_len in [100, READ_LEN] {
                assert_eq!(moved(rounds * read_len, read_len), rounds * read_len);
            }
        }
    }
}
