//! What all connections share, because only one of them is served at a time: the rules and a buffer.
//!
//! The buffer goes round: a connection borrows it for its answers and gives it back when they are sent.
//! One whose client does not read keeps it, and the desk gets a new one; so an idle connection owns no
//! memory, however many there are. Read `mod.rs` before.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use netcommon::echo::{Answerer, Config};
use netcommon::framing::{Decoder, FrameError};

/// Who is told of each message, and of its sender.
type Show<'a> = dyn Fn(SocketAddr, &[u8]) + 'a;

/// The rules, and the buffer that goes round.
pub struct Desk<'a> {
    config: &'a Config,
    answerer: Answerer,
    pub(super) spare: Vec<u8>,
    show: Box<Show<'a>>,
}

impl<'a> Desk<'a> {
    /// A desk with these rules; `show` is told of each message.
    #[must_use]
    pub fn new(config: &'a Config, show: impl Fn(SocketAddr, &[u8]) + 'a) -> Self {
        let answerer = Answerer::new(config.framing, config.limits());
        Self { config, answerer, spare: Vec::new(), show: Box::new(show) }
    }

    pub(super) fn decoder(&self) -> Decoder {
        Decoder::new(self.config.framing, self.config.limits())
    }

    pub(super) fn idle_timeout(&self) -> Duration {
        self.config.idle_timeout
    }

    /// Appends the answer to a message of `peer` to `output`.
    pub(super) fn answer(&mut self, peer: SocketAddr, message: &[u8], output: &mut Vec<u8>) {
        (self.show)(peer, message);
        self.answerer.answer(message, output).expect("the answer's limit allows for its prefix");
    }

    pub(super) fn refusal(&self, error: &FrameError) -> Vec<u8> {
        self.config.refusal(error)
    }

    /// Lends the buffer, or a new one while another connection has it.
    pub(super) fn lend(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.spare)
    }

    /// Takes a buffer back; of two, the larger one is worth keeping.
    pub(super) fn take_back(&mut self, buffer: &mut Vec<u8>) {
        let mut buffer = std::mem::take(buffer);
        buffer.clear();
        if buffer.capacity() > self.spare.capacity() {
            self.spare = buffer;
        }
    }
}

impl fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("config", &self.config).finish_non_exhaustive()
    }
}
