//! The sender of the simple protocol: one datagram on its way, sent again until its answer comes.
//!
//! ```text
//!   Offering ──OK 0──▶ Sending ──OK size──▶ Ending ──SAVED──▶ the next file … Over
//!      └────────────────────┴── NO ────────────┴────────────▶
//! ```
//! Pure: datagrams and the time go in, datagrams and the next deadline come out; the bytes come from a
//! [`Source`]. Read `message.rs` before, `send.rs` for the loop.

use std::time::Duration;

use netcommon::escape::escape;

use super::message::{CHUNK_LEN_MAX, Message};
use crate::file::{Digest, Offer, Source};

/// How long an answer is waited for. Fixed: measuring it is what the real protocol does better.
pub(super) const ANSWER_WAIT: Duration = Duration::from_millis(250);

/// How much of a peer's reason is told.
const REASON_SHOWN_MAX: usize = 300;

/// What is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// FILE; OK with any offset is its answer.
    Offering,
    /// DATA from `offset`, `len` bytes.
    Sending { offset: u64, len: usize },
    /// END; the digest is only for people, the CRC decides.
    Ending { digest: Digest },
    /// Nothing: every file is settled.
    Over,
}

/// What happened, for the loop to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// The receiver takes the file.
    Taken,
    /// So many more bytes are at the receiver.
    Bytes(u64),
    /// The receiver has it under its name; BLAKE3 of what was sent.
    Saved(Digest),
    /// The file has failed; why.
    Failed(String),
}

/// Sends files one after the other.
#[derive(Debug)]
pub struct Sender {
    offers: Vec<Offer>,
    /// The place of the current file in the list.
    index: usize,
    /// The number of the first file; each further one counts on.
    first_number: u32,
    state: State,
    /// CRC-32 of all bytes that the receiver has confirmed.
    crc: crc32fast::Hasher,
    /// The datagram that waits for its answer, and when it goes out (again).
    datagram: Vec<u8>,
    due: Duration,
    /// How often it has gone out.
    times_sent: u32,
    last_heard: Duration,
    /// Whether anything was ever heard.
    heard: bool,
    patience: Duration,
}

impl Sender {
    /// A sender of these files that begins at `now`; `first_number` is random, and `patience` is how long it
    /// waits for a silent receiver.
    #[must_use]
    pub fn new(offers: Vec<Offer>, first_number: u32, patience: Duration, now: Duration) -> Self {
        let mut sender = Self {
            offers,
            index: 0,
            first_number,
            state: State::Over,
            crc: crc32fast::Hasher::new(),
            datagram: Vec::new(),
            due: now,
            times_sent: 0,
            last_heard: now,
            heard: false,
            patience,
        };
        sender.begin_file(now);
        sender
    }

    /// The place of the current file in the list.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Whether every file is settled.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// When [`Sender::poll`] is to be asked again, if nothing comes before.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.due.min(self.last_heard + self.patience)
    }

    /// The datagram that is due, and whether it has gone out before.
    // ANCHOR: poll
    pub fn poll(&mut self, now: Duration) -> Option<(&[u8], bool)> {
        if self.is_over() || now < self.due {
            return None;
        }
        self.due = now + ANSWER_WAIT;
        self.times_sent += 1;
        Some((&self.datagram, self.times_sent > 1))
    }
    // ANCHOR_END: poll

    /// What silence has led to: nothing yet, or the end of this file and all behind it.
    pub fn give_up(&mut self, now: Duration) -> Option<Happened> {
        if self.is_over() || now < self.last_heard + self.patience {
            return None;
        }
        self.state = State::Over;
        let never = if self.heard { "" } else { "; is a receiver there, with --protocol simple?" };
        Some(Happened::Failed(format!("no answer for {} s{never}", self.patience.as_secs_f32())))
    }

    /// Takes a datagram; `None` when it changes nothing: damaged, late, or of another file.
    ///
    /// An answer that was expected before is not answered again. TFTP did, and from one late datagram on sent
    /// everything twice, until the end of the file (RFC 1123 section 4.2.3.1).
    // ANCHOR: handle
    pub fn handle(&mut self, now: Duration, datagram: &[u8], source: &mut dyn Source) -> Option<Happened> {
        let message = Message::parse(datagram)?;
        let size = self.offers.get(self.index)?.size;
        let ours = self.number();
        let happened = match (self.state, message) {
            (_, Message::No { number, reason }) if number == ours => {
                let reason = escape(reason).at_most(REASON_SHOWN_MAX);
                self.end_file(now, source, Happened::Failed(format!("the receiver refused it: {reason}")))
            }
            (State::Offering, Message::Ok { number, offset: 0 }) if number == ours => {
                self.go_on(now, 0, size, source).unwrap_or(Happened::Taken)
            }
            (State::Sending { offset, len }, Message::Ok { number, offset: has })
                if number == ours && has == offset + len as u64 =>
            {
                self.crc.update(&self.datagram[self.datagram.len() - len..]);
                self.go_on(now, has, size, source).unwrap_or(Happened::Bytes(len as u64))
            }
            (State::Ending { digest }, Message::Saved { number }) if number == ours => {
                self.end_file(now, source, Happened::Saved(digest))
            }
            _ => return None,
        };
        self.last_heard = now;
        self.heard = true;
        Some(happened)
    }
    // ANCHOR_END: handle

    /// The datagram that tells a receiver not to wait for us any more; sent once, and nobody answers.
    #[must_use]
    pub fn bye(&self) -> Vec<u8> {
        let settled = u32::try_from(self.index.saturating_sub(1)).unwrap_or(0);
        Message::Bye { number: self.first_number.wrapping_add(settled) }.datagram()
    }

    fn number(&self) -> u32 {
        self.first_number.wrapping_add(u32::try_from(self.index).unwrap_or(u32::MAX))
    }

    fn begin_file(&mut self, now: Duration) {
        let Some(offer) = self.offers.get(self.index) else {
            self.state = State::Over;
            return;
        };
        let message = Message::File { number: self.number(), size: offer.size, name: offer.name.as_bytes() };
        let datagram = message.datagram();
        self.crc = crc32fast::Hasher::new();
        self.send(now, State::Offering, datagram);
    }

    /// The next piece, or the end when there is none; `Some` when the source fails.
    fn go_on(&mut self, now: Duration, offset: u64, size: u64, source: &mut dyn Source) -> Option<Happened> {
        let index = u32::try_from(self.index).unwrap_or(u32::MAX);
        let len = usize::try_from(size - offset).unwrap_or(usize::MAX).min(CHUNK_LEN_MAX);
        let mut bytes = [0; CHUNK_LEN_MAX];
        // At the end the source is asked once more whether the file is still the same.
        let number = self.number();
        let next = match len {
            0 => source.digest(index).map(|digest| {
                let crc = self.crc.clone().finalize();
                (State::Ending { digest }, Message::End { number, crc }.datagram())
            }),
            len => source.read(index, offset, &mut bytes[..len]).map(|()| {
                let message = Message::Data { number, offset, bytes: &bytes[..len] };
                (State::Sending { offset, len }, message.datagram())
            }),
        };
        match next {
            Ok((state, datagram)) => self.send(now, state, datagram),
            Err(refusal) => {
                return Some(self.end_file(now, source, Happened::Failed(refusal.reason().to_owned())));
            }
        }
        None
    }

    fn end_file(&mut self, now: Duration, source: &mut dyn Source, how: Happened) -> Happened {
        source.close(u32::try_from(self.index).unwrap_or(u32::MAX));
        self.index += 1;
        self.begin_file(now);
        how
    }

    fn send(&mut self, now: Duration, state: State, datagram: Vec<u8>) {
        self.state = state;
        self.datagram = datagram;
        self.due = now;
        self.times_sent = 0;
    }
}
