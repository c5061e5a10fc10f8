//! One request until its answer: a state machine without a socket or a clock.
//!
//! ```text
//!            next: Send            next: WaitUntil                receive: Answer
//!   ToSend ─────────────▶ Waiting ───────────────────▶ … ──────────────────────────▶ done
//!     ▲                      │ time is up
//!     └── attempts are left ─┴─ none are left ──▶ next: GiveUp
//! ```
//!
//! Datagrams and the time go in; what to send and when to wake up come out. `client.rs` does both.
//! Read `datagram.rs` first. Source: RFC 8085 sections 3.1.1 (timers) and 3.3 (reliability).

use std::time::{Duration, Instant};

use crate::datagram::Datagram;

/// What a server of this chapter puts before the message; with it an answer names its own request.
pub const PREFIX: &[u8] = b"Server received: ";

/// The longest that one attempt waits however often the wait was doubled: a person has gone by then.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How long and how often to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long the first attempt waits; each further one waits twice as long as the one before.
    pub timeout: Duration,
    /// How often the request is sent at most.
    pub attempts: u32,
}

impl Default for Patience {
    fn default() -> Self {
        // RFC 8085 section 3.1.1: at least a second while the round-trip time is not known.
        Self { timeout: Duration::from_secs(1), attempts: 3 }
    }
}

impl Patience {
    /// How long the given attempt waits, the first one being 1.
    fn wait(self, attempt: u32) -> Duration {
        let doublings = 1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX);
        self.timeout.saturating_mul(doublings).min(WAIT_MAX.max(self.timeout))
    }
}

/// What the owner of the socket has to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    /// Send the request, then ask again.
    Send,
    /// Wait for a datagram until then, then ask again.
    WaitUntil(Instant),
    /// No attempt is left.
    GiveUp,
}

/// What a datagram means to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The answer.
    Answer,
    /// Not the answer: wait on.
    Stray(Stray),
}

/// Why a datagram is not the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stray {
    /// It answers the request before this one: late, or a second time.
    Late,
    /// It holds only so many bytes of our message: the server's buffer was too small for it.
    Shortened(usize),
    /// It answers nothing that we asked.
    Foreign,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub struct Exchange<'a> {
    request: &'a [u8],
    previous: Option<&'a [u8]>,
    any_answer: bool,
    patience: Patience,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    ToSend { attempt: u32 },
    Waiting { attempt: u32, until: Instant },
}

impl<'a> Exchange<'a> {
    /// A request that is to be sent at once. `previous` is the one before it, whose answers may still come.
    #[must_use]
    pub fn new(request: &'a [u8], previous: Option<&'a [u8]>, patience: Patience) -> Self {
        Self { request, previous, any_answer: false, patience, state: State::ToSend { attempt: 1 } }
    }

    /// The same, content with any datagram as its answer, for servers that answer in words of their own.
    #[must_use]
    pub fn with_any_answer(self, any_answer: bool) -> Self {
        Self { any_answer, ..self }
    }

    /// What to do at `now`.
    // ANCHOR: next
    pub fn next(&mut self, now: Instant) -> Todo {
        match self.state {
            State::ToSend { attempt } => {
                self.state = State::Waiting { attempt, until: now + self.patience.wait(attempt) };
                Todo::Send
            }
            State::Waiting { until, .. } if now < until => Todo::WaitUntil(until),
            State::Waiting { attempt, .. } if attempt < self.patience.attempts => {
                self.state = State::ToSend { attempt: attempt + 1 };
                self.next(now)
            }
            State::Waiting { .. } => Todo::GiveUp,
        }
    }
    // ANCHOR_END: next

    /// How often the request has been sent so far, this attempt included.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        match self.state {
            State::ToSend { attempt } | State::Waiting { attempt, .. } => attempt,
        }
    }

    /// What `datagram` means to this request; changes nothing.
    // ANCHOR: judge
    #[must_use]
    pub fn judge(&self, datagram: Datagram<'_>) -> Meaning {
        if self.any_answer || is_answer(datagram, self.request) {
            return Meaning::Answer;
        }
        Meaning::Stray(match (self.previous, datagram.bytes.strip_prefix(PREFIX)) {
            (Some(previous), _) if is_answer(datagram, previous) => Stray::Late,
            (_, Some(echoed)) if self.request.starts_with(echoed) => Stray::Shortened(echoed.len()),
            _ => Stray::Foreign,
        })
    }
    // ANCHOR_END: judge
}

/// Whether `datagram` is what a server of this chapter sends for `request`.
// ANCHOR: is-answer
fn is_answer(datagram: Datagram<'_>, request: &[u8]) -> bool {
    match datagram.bytes.strip_prefix(PREFIX) {
        Some(echoed) if datagram.cut => request.starts_with(echoed),
        Some(echoed) => echoed == request || is_refusal(echoed, request.len()),
        // Cut inside the prefix.
        None => datagram.cut && PREFIX.starts_with(datagram.bytes),
    }
}
// ANCHOR_END: is-answer

/// Whether the server says that a message of this length is too long to send back.
fn is_refusal(echoed: &[u8], request_len: usize) -> bool {
    echoed.starts_with(format!("{request_len} bytes, too many to send back").as_bytes())
}

#[cfg(test)]
mod tests;
