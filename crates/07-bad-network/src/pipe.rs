//! One direction of one connection: bytes and the time in, pieces with their moments out.
//!
//! ```text
//!  push(now, bytes) ──▶ glue ──▶ delay ──▶ [ at most `window` bytes ] ──▶ rate, slice ──▶ step(now)
//!                                                                     stall, reset, close
//! ```
//! Pure, like `network.rs`: the loop in `tcp.rs` reads and writes. A sender that is too fast is not read
//! from while [`Pipe::room`] is zero, so its own kernel makes it wait. Read `stream_way.rs` before.

use std::collections::VecDeque;
use std::time::Duration;

use crate::stream_way::StreamWay;

/// With a rate bytes leave in pieces of so much time: short beside any delay one asks for, long beside a
/// timer's wake-up.
const PACE: Duration = Duration::from_millis(5);

/// What one arrival costs beside its bytes, counted against the window.
const ARRIVAL_COST: usize = size_of::<Arrival>();

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Write these bytes, or some of them, and say how many with [`Pipe::wrote`].
    Write(&'a [u8]),
    /// Send the end of the stream (a FIN); nothing follows.
    End,
    /// Reset the receiver, on purpose or because the sender has; nothing follows.
    Reset,
    /// Nothing until this time, or until more comes in.
    Wait(Option<Duration>),
}

/// Bytes that came together.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    came: Duration,
    due: Duration,
    len: usize,
}

/// One direction of one connection.
///
/// # Examples
/// ```
/// use bad_network::{pipe::{Pipe, Step}, stream_way::StreamWay};
/// use std::time::Duration;
///
/// let mut way = StreamWay::default();
/// way.set("slice", "4").unwrap();
/// let mut pipe = Pipe::new(way, Duration::ZERO);
/// pipe.push(Duration::ZERO, "你好".as_bytes());
/// // The cut goes through 好.
/// assert_eq!(pipe.step(Duration::ZERO), Step::Write(&"你好".as_bytes()[..4]));
/// ```
#[derive(Debug)]
pub struct Pipe {
    way: StreamWay,
    /// The way changes nothing.
    untouched: bool,
    opened: Duration,
    bytes: VecDeque<u8>,
    arrivals: VecDeque<Arrival>,
    /// The end of the stream has come, and may leave then.
    end_due: Option<Duration>,
    /// It came as a reset, and leaves as one.
    was_reset: bool,
    /// Bytes that have left.
    left: u64,
    /// No piece leaves before this.
    next_piece: Duration,
    /// When the line has carried all that has left.
    free_at: Duration,
    /// When `stall_after` bytes had left.
    stalled_at: Option<Duration>,
    /// The end or the reset has been handed out.
    over: bool,
}

impl Pipe {
    /// The pipe of a connection that begins at `opened`.
    #[must_use]
    pub fn new(way: StreamWay, opened: Duration) -> Self {
        let stalled_at = (way.stall_after == Some(0)).then_some(opened);
        Self {
            untouched: way.changes_nothing(),
            way,
            opened,
            bytes: VecDeque::new(),
            arrivals: VecDeque::new(),
            end_due: None,
            was_reset: false,
            left: 0,
            next_piece: Duration::ZERO,
            free_at: Duration::ZERO,
            stalled_at,
            over: false,
        }
    }

    /// How many bytes may be read from the sender now.
    #[must_use]
    pub fn room(&self) -> usize {
        if self.over {
            // Read and thrown away, so that the sender is not made to wait for ever.
            return self.way.window;
        }
        if self.untouched {
            // From hand to hand: nothing is read while something is kept, so most bytes are never copied.
            return if self.bytes.is_empty() { self.way.window } else { 0 };
        }
        self.way.window.saturating_sub(self.bytes.len() + self.arrivals.len() * ARRIVAL_COST)
    }

    /// Whether nothing is kept and nothing is changed: then bytes can go from hand to hand.
    #[must_use]
    pub fn passes_untouched(&self) -> bool {
        self.untouched && self.bytes.is_empty() && self.end_due.is_none() && !self.over
    }

    /// How many bytes are kept.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the end or the reset has been handed out.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// When the byte that leaves next came.
    #[must_use]
    pub fn first_came(&self) -> Option<Duration> {
        self.arrivals.front().map(|arrival| arrival.came)
    }

    /// Takes what came from the sender at `now`: not more than [`Pipe::room`].
    pub fn push(&mut self, now: Duration, bytes: &[u8]) {
        if self.over || bytes.is_empty() {
            return;
        }
        let due = match self.arrivals.back() {
            // Glued to those before it, if they have not left yet.
            Some(last) if now < last.came + self.way.glue => {
                let last = self.arrivals.back_mut().expect("it was there above");
                last.len += bytes.len();
                self.bytes.extend(bytes);
                return;
            }
            _ => now + self.way.glue + self.way.delay,
        };
        self.arrivals.push_back(Arrival { came: now, due, len: bytes.len() });
        self.bytes.extend(bytes);
    }

    /// Takes the end of the sender's stream.
    pub fn push_end(&mut self, now: Duration) {
        let after_all = self.arrivals.back().map_or(Duration::ZERO, |last| last.due);
        self.end_due.get_or_insert((now + self.way.delay).max(after_all));
    }

    /// Takes a reset of the sender's. What came before it leaves before it, as late as it would have without it.
    pub fn push_reset(&mut self, now: Duration) {
        self.push_end(now);
        self.was_reset = true;
    }

    /// The receiver has gone: what is kept, and what may still come, is thrown away.
    pub fn close(&mut self) {
        self.over = true;
        self.bytes = VecDeque::new();
        self.arrivals = VecDeque::new();
    }

    /// Whether nothing will ever leave again.
    #[must_use]
    pub fn is_stuck(&self, now: Duration) -> bool {
        self.stalled_until(now) == Some(None)
    }

    /// What to do at `now`. Ask again after each piece, and at the time that [`Step::Wait`] names.
    // ANCHOR: step
    pub fn step(&mut self, now: Duration) -> Step<'_> {
        if self.over {
            return Step::Wait(None);
        }
        if self.way.reset_after.is_some_and(|limit| self.left >= limit) {
            self.close();
            return Step::Reset;
        }
        if self.way.close_after.is_some_and(|limit| self.left >= limit) {
            self.close();
            return Step::End;
        }
        if let Some(until) = self.stalled_until(now) {
            return Step::Wait(until);
        }
        let Some(first) = self.arrivals.front() else { return self.step_when_empty(now) };
        let ready_at = first.due.max(self.next_piece);
        if ready_at > now {
            return Step::Wait(Some(ready_at));
        }
        let len = self.piece_len(now);
        Step::Write(&self.bytes.make_contiguous()[..len])
    }
    // ANCHOR_END: step

    /// The first `len` bytes of the piece have been written.
    pub fn wrote(&mut self, now: Duration, len: usize) {
        self.left += len as u64;
        self.bytes.drain(..len);
        let mut gone = len;
        while let Some(first) = self.arrivals.front_mut() {
            if first.len > gone {
                first.len -= gone;
                break;
            }
            gone -= first.len;
            self.arrivals.pop_front();
        }
        if self.way.slice.is_some() {
            self.next_piece = now + self.way.slice_gap;
        }
        if let Some(rate) = self.way.rate {
            // A wake-up that came late is made good, but a pause is not saved up.
            self.free_at = self.free_at.max(now.saturating_sub(PACE)) + rate.time_for(len);
            self.next_piece = self.next_piece.max(self.free_at);
        }
        if self.stalled_at.is_none() && self.way.stall_after.is_some_and(|limit| self.left >= limit) {
            self.stalled_at = Some(now);
        }
    }

    /// Counts bytes that went from hand to hand.
    pub fn passed(&mut self, len: usize) {
        self.left += len as u64;
    }

    /// Bytes that have left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    fn step_when_empty(&mut self, now: Duration) -> Step<'static> {
        match self.end_due {
            Some(due) if due <= now => {
                self.over = true;
                if self.was_reset { Step::Reset } else { Step::End }
            }
            other => Step::Wait(other),
        }
    }

    /// Whether nothing may leave at `now`, and until when (for ever, if the inside is `None`).
    #[allow(clippy::option_option, reason = "not stalled, stalled for ever, stalled until: three answers")]
    fn stalled_until(&self, now: Duration) -> Option<Option<Duration>> {
        let since = match self.way.stall_at {
            Some(at) => Some(self.opened + at).filter(|since| *since <= now),
            None => self.stalled_at,
        }?;
        match self.way.stall_for {
            None => Some(None),
            Some(lasts) => Some(since + lasts).filter(|until| now < *until).map(Some),
        }
    }

    /// How many bytes leave together at `now`.
    fn piece_len(&self, now: Duration) -> usize {
        let due = self.arrivals.iter().take_while(|arrival| arrival.due <= now).map(|arrival| arrival.len).sum();
        let until = |limit: Option<u64>| {
            let rest = limit.and_then(|limit| limit.checked_sub(self.left)).filter(|rest| *rest > 0);
            rest.map(|rest| usize::try_from(rest).unwrap_or(usize::MAX))
        };
        let limits = [
            Some(due),
            self.way.slice.map(std::num::NonZeroUsize::get),
            self.way.rate.map(|rate| rate.bytes_in(PACE).max(1)),
            until(self.way.reset_after),
            until(self.way.close_after),
            until(self.way.stall_after),
        ];
        limits.into_iter().flatten().min().unwrap_or(due)
    }
}

#[cfg(test)]
mod tests;
