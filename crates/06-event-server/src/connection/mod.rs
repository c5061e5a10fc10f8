//! One connection as a state machine: bytes and `now` go in, and out comes what to do with the socket.
//!
//! ```text
//!  Talking ──a rule broken, or shutdown──▶ Finishing ──answers out, FIN──▶ Lingering ──▶ Over
//!     └─────────── end of stream, error, idle ──────────────────────────────────────────▶
//! ```
//!
//! No socket and no clock here, so a test can cut the stream at every byte and let ten minutes pass in
//! none. What chapter 2 keeps on a thread's stack while it waits is the fields of [`Connection`]. Read
//! `netcommon::echo` (the protocol) before, `server.rs` (who calls this) next.

mod desk;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use netcommon::echo::{End, LINGER, Summary};
use netcommon::framing::{Decoder, FrameError};
use netcommon::readiness::Interest;

pub use self::desk::Desk;

/// Answers to messages that arrived together leave together, up to about so many bytes.
///
/// An empty line is answered with eighteen bytes, so a full read of them would become a megabyte; what lies
/// behind this limit waits as what it was, input, until all others had their turn.
const GATHER_MAX: usize = 16 * 1024;

/// What is to be done with the socket now.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Send these bytes, then tell [`Connection::sent`] how many the kernel took.
    Send(&'a [u8]),
    /// Send a FIN, then tell [`Connection::released`].
    Release,
    /// Nothing, until the socket is ready for this, or [`Connection::deadline`] is there.
    Wait(Interest),
    /// Close the socket; [`Connection::summary`] has the last word.
    Close,
}

/// How far the conversation is.
#[derive(Debug)]
enum Phase {
    /// Messages come, answers go.
    Talking,
    /// No message is taken any more; what is to be sent goes out, then our FIN.
    Finishing(End),
    /// Our FIN is out; what still comes is thrown away, until the client's FIN or [`LINGER`] is over.
    Lingering(End),
    /// Nothing is left to do.
    Over(End),
}

/// One client's side of the service.
#[derive(Debug)]
pub struct Connection {
    decoder: Decoder,
    phase: Phase,
    /// Answers on their way out; owns memory only while there are any.
    output: Vec<u8>,
    /// How much of `output` the kernel has taken.
    sent: usize,
    /// Something is left behind a send: the client must read first, or it is the others' turn.
    blocked: bool,
    /// Input behind answers that are not out yet, at most one read; nothing is read until it is used up.
    unread: Vec<u8>,
    deadline: Instant,
    since: Instant,
    peer: SocketAddr,
    messages: u64,
    bytes_in: u64,
    bytes_out: u64,
}

impl Connection {
    /// A client that has just been accepted.
    #[must_use]
    pub fn new(peer: SocketAddr, now: Instant, desk: &Desk<'_>) -> Self {
        Self {
            decoder: desk.decoder(),
            phase: Phase::Talking,
            output: Vec::new(),
            sent: 0,
            blocked: false,
            unread: Vec::new(),
            deadline: now + desk.idle_timeout(),
            since: now,
            peer,
            messages: 0,
            bytes_in: 0,
            bytes_out: 0,
        }
    }

    /// What is to be done now; asked again after each call of a method that changes something.
    // ANCHOR: step
    #[must_use]
    pub fn step(&self) -> Step<'_> {
        match &self.phase {
            Phase::Over(_) => Step::Close,
            // Who does not read its answers, or has not got them all, is not read from.
            _ if self.blocked => Step::Wait(Interest::Writable),
            _ if !self.output.is_empty() => Step::Send(&self.output[self.sent..]),
            Phase::Finishing(_) => Step::Release,
            Phase::Talking | Phase::Lingering(_) => Step::Wait(Interest::Readable),
        }
    }
    // ANCHOR_END: step

    /// When [`Connection::time_is_up`] is to be called, unless something happens before.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Bytes have come: answers the messages that are whole now.
    pub fn received(&mut self, input: &[u8], now: Instant, desk: &mut Desk<'_>) {
        self.bytes_in += input.len() as u64;
        // Behind a refusal or our FIN, what still comes is thrown away.
        if matches!(self.phase, Phase::Talking) {
            self.answer(input, now, desk);
        }
    }

    // ANCHOR: answer
    fn answer(&mut self, mut input: &[u8], now: Instant, desk: &mut Desk<'_>) {
        self.output = desk.lend();
        while !input.is_empty() && self.output.len() < GATHER_MAX {
            match self.decoder.decode(&mut input) {
                Ok(Some(message)) => {
                    self.messages += 1;
                    self.deadline = now + desk.idle_timeout();
                    desk.answer(self.peer, message, &mut self.output);
                }
                // Not whole yet; the decoder has taken all of `input`.
                Ok(None) => {}
                Err(error) => return self.refuse(error, desk),
            }
        }
        self.unread.extend_from_slice(input);
        if self.output.is_empty() {
            desk.take_back(&mut self.output);
        }
    }
    // ANCHOR_END: answer

    /// The client's FIN has come: the normal end, unless it is inside a message.
    pub fn end_of_stream(&mut self, desk: &Desk<'_>) {
        match self.take_phase() {
            Phase::Talking => match self.decoder.end() {
                Ok(()) => self.phase = Phase::Over(End::EndOfStream),
                Err(error) => self.refuse(error, desk),
            },
            Phase::Finishing(end) | Phase::Lingering(end) | Phase::Over(end) => self.phase = Phase::Over(end),
        }
    }

    /// The kernel took `len` bytes of what [`Step::Send`] gave; 0 when it has no room at all.
    // ANCHOR: sent
    pub fn sent(&mut self, len: usize, now: Instant, desk: &mut Desk<'_>) {
        self.sent += len;
        self.bytes_out += len as u64;
        if len > 0 {
            self.deadline = now + desk.idle_timeout();
        }
        if self.sent < self.output.len() {
            // The desk's buffer may have room for much more than what is kept.
            self.output.shrink_to(self.output.len());
        } else {
            self.sent = 0;
            self.output.clear();
            desk.take_back(&mut self.output);
        }
        // One send for each turn: what is left, answers or input, waits until all others had theirs.
        self.blocked = !self.output.is_empty() || !self.unread.is_empty();
    }
    // ANCHOR_END: sent

    /// The socket has room: goes on with the answers that are left, or makes the next ones.
    // ANCHOR: writable
    pub fn writable(&mut self, now: Instant, desk: &mut Desk<'_>) {
        self.blocked = false;
        if self.output.is_empty() {
            let unread = std::mem::take(&mut self.unread);
            self.answer(&unread, now, desk);
        }
    }
    // ANCHOR_END: writable

    /// Our FIN is out.
    pub fn released(&mut self, now: Instant) {
        self.phase = match self.take_phase() {
            Phase::Finishing(end) => Phase::Lingering(end),
            other => other,
        };
        self.deadline = now + LINGER;
    }

    /// The socket has failed: the client's RST, most often.
    pub fn failed(&mut self, error: io::Error) {
        self.phase = Phase::Over(match self.take_phase() {
            Phase::Talking => End::Failed(error),
            Phase::Finishing(End::Shutdown) => End::Cut,
            Phase::Finishing(end) | Phase::Lingering(end) | Phase::Over(end) => end,
        });
    }

    /// [`Connection::deadline`] has passed.
    pub fn time_is_up(&mut self) {
        self.phase = Phase::Over(match self.take_phase() {
            Phase::Talking if self.blocked => End::NotReading,
            Phase::Talking => End::Idle,
            Phase::Finishing(End::Shutdown) => End::Cut,
            Phase::Finishing(end) | Phase::Lingering(end) | Phase::Over(end) => end,
        });
    }

    /// The server shuts down: what has been read is still answered, then we release.
    pub fn drain(&mut self) {
        if matches!(self.phase, Phase::Talking) {
            self.phase = Phase::Finishing(End::Shutdown);
        }
    }

    /// The line about this connection, after [`Step::Close`].
    #[must_use]
    pub fn summary(self, now: Instant) -> Summary {
        let Self { peer, messages, bytes_in, bytes_out, since, phase, .. } = self;
        let end = match phase {
            Phase::Over(end) | Phase::Finishing(end) | Phase::Lingering(end) => end,
            Phase::Talking => End::Cut,
        };
        Summary { peer, messages, bytes_in, bytes_out, duration: now - since, end }
    }

    /// Tells the client which rule it broke, behind the answers that it still gets.
    fn refuse(&mut self, error: FrameError, desk: &Desk<'_>) {
        self.output.extend_from_slice(&desk.refusal(&error));
        self.phase = Phase::Finishing(End::Frame(error));
    }

    /// Takes the phase out; each caller puts the next one in.
    fn take_phase(&mut self) -> Phase {
        std::mem::replace(&mut self.phase, Phase::Over(End::Cut))
    }
}
