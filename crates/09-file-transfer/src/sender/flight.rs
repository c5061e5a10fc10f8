//! The datagrams on their way: what each carried, which came, which are taken for lost, and when to worry.
//!
//! ```text
//!   number    37   38   39   40   41   42   43   44   next: 45
//!             came lost came  ?   came came came  ?
//!             floor           └ three later ones came: lost as well    └ still on its way
//! ```
//! A number is never used twice, so an answer always says which transmission it means; what is sent again
//! gets a new one. Sources: RFC 9002 section 6 (thresholds, probes after silence), RFC 6298 section 5 (the
//! timer). Read `rtt.rs` before.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::rate::Stamp;
use crate::report::Losses;
use crate::rtt::Rtt;

/// So many later ones must have come before one is lost (RFC 9002 section 6.1.1). Fewer, and datagrams that
/// overtake each other look like losses.
const ORDER_THRESHOLD: u64 = 3;

/// A path that was seen to reorder more is given so much at most.
const ORDER_THRESHOLD_MAX: u64 = 128;

/// How long the receiver may keep an answer to itself; it belongs to every timer.
pub const ACK_DELAY_MAX: Duration = Duration::from_millis(2);

/// After so many silences one behind the other, everything on its way is lost (RFC 9002 section 7.6).
const SILENCES_MAX: u32 = 2;

/// What is sent again after a first silence: two, so that one more loss need not mean one more silence.
const PROBES: usize = 2;

/// What a datagram carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cargo {
    /// Bytes of a file.
    Piece {
        /// Which file.
        index: u32,
        /// Where in it.
        offset: u64,
        /// How many.
        len: usize,
    },
    /// Its own length.
    Probe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    InFlight,
    Arrived,
    Lost,
}

/// One datagram that was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    /// When.
    pub at: Duration,
    /// Its length.
    pub len: usize,
    /// What it carried.
    pub cargo: Cargo,
    /// What had arrived by then.
    pub stamp: Stamp,
    state: State,
}

/// What became of a datagram.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    /// It came. `late` when it had been taken for lost.
    Arrived {
        /// It had been taken for lost.
        late: bool,
    },
    /// It is taken for lost.
    Lost,
}

/// All datagrams whose fate is open, and some whose fate is known.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Numbers from `first` on.
    sent: VecDeque<Sent>,
    first: u64,
    /// Nothing below is on its way.
    oldest: u64,
    bytes: u64,
    arrived_largest: Option<u64>,
    order_threshold: u64,
    last_sent_at: Duration,
    /// When the oldest one will have been on its way for too long.
    lost_at: Option<Duration>,
    silences: u32,
    /// Why datagrams were taken for lost.
    pub losses: Losses,
    /// How many of them came after all.
    pub lost_wrongly: u64,
}

impl Flight {
    /// The number that the next datagram gets.
    #[must_use]
    pub(super) fn next_number(&self) -> u64 {
        self.first + self.sent.len() as u64
    }

    /// Below this nobody needs to say what came.
    #[must_use]
    pub(super) fn floor(&self) -> u64 {
        self.first
    }

    /// Bytes on their way.
    #[must_use]
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The largest number that came.
    #[must_use]
    pub(super) fn arrived_largest(&self) -> Option<u64> {
        self.arrived_largest
    }

    /// A datagram leaves. Probes do not count as bytes on their way: their loss says nothing about a queue.
    pub(super) fn on_sent(&mut self, at: Duration, len: usize, cargo: Cargo, stamp: Stamp) {
        self.sent.push_back(Sent { at, len, cargo, stamp, state: State::InFlight });
        self.bytes += weight(cargo, len);
        self.last_sent_at = at;
    }

    /// The numbers of `ranges` came; `known` is told of each that this is news about.
    ///
    /// Returns the time at which the largest of them was sent, if that one is news: the only one from which
    /// the round trip can be told.
    pub(super) fn on_ack(
        &mut self,
        ranges: &[RangeInclusive<u32>],
        mut known: impl FnMut(u64, &Sent, Outcome),
    ) -> Option<Duration> {
        let largest = ranges.first().map(|range| u64::from(*range.end()))?;
        let mut largest_sent_at = None;
        for range in ranges {
            let (start, end) = (u64::from(*range.start()).max(self.first), u64::from(*range.end()));
            for number in start..=end {
                let Some(sent) = self.sent.get_mut(index(number - self.first)) else { break };
                let late = match sent.state {
                    State::Arrived => continue,
                    State::InFlight => false,
                    State::Lost => true,
                };
                sent.state = State::Arrived;
                if late {
                    self.lost_wrongly += 1;
                    // It was overtaken by so many: the next time this is no surprise (RFC 9002 section 6.1.1).
                    let overtaken = self.arrived_largest.unwrap_or(0).saturating_sub(number) + 1;
                    self.order_threshold = self.order_threshold.max(overtaken.min(ORDER_THRESHOLD_MAX));
                } else {
                    self.bytes -= weight(sent.cargo, sent.len);
                    if number == largest {
                        largest_sent_at = Some(sent.at);
                    }
                }
                known(number, sent, Outcome::Arrived { late });
                self.silences = 0;
            }
        }
        self.arrived_largest = self.arrived_largest.max(Some(largest));
        largest_sent_at
    }

    /// Takes those for lost that later ones have overtaken.
    // ANCHOR: lost
    pub(super) fn find_lost(&mut self, now: Duration, rtt: &Rtt, mut known: impl FnMut(u64, &Sent, Outcome)) {
        self.lost_at = None;
        let Some(largest) = self.arrived_largest else { return };
        let threshold = self.order_threshold.max(ORDER_THRESHOLD);
        for number in self.oldest.max(self.first)..largest {
            let sent = &mut self.sent[index(number - self.first)];
            if sent.state != State::InFlight {
                continue;
            }
            let lost_at = sent.at + rtt.loss_delay();
            if largest - number >= threshold {
                self.losses.by_order += 1;
            } else if lost_at <= now {
                self.losses.by_time += 1;
            } else {
                self.lost_at = Some(self.lost_at.map_or(lost_at, |other| other.min(lost_at)));
                continue;
            }
            sent.state = State::Lost;
            self.bytes -= weight(sent.cargo, sent.len);
            known(number, sent, Outcome::Lost);
        }
        self.forget(now, rtt);
    }
    // ANCHOR_END: lost

    /// The timer has run out: nothing was heard. Returns whether it is time to give up what was believed.
    // ANCHOR: silence
    pub(super) fn on_silence(&mut self, mut known: impl FnMut(u64, &Sent, Outcome)) -> bool {
        self.silences += 1;
        let everything = self.silences > SILENCES_MAX;
        let first = self.first;
        let in_flight = (first..).zip(&mut self.sent).filter(|(_, sent)| sent.state == State::InFlight);
        for (number, sent) in in_flight.take(if everything { usize::MAX } else { PROBES }) {
            sent.state = State::Lost;
            self.bytes -= weight(sent.cargo, sent.len);
            self.losses.by_silence += 1;
            known(number, sent, Outcome::Lost);
        }
        everything
    }
    // ANCHOR_END: silence

    /// Takes everything below `number` for lost: what a sender does that is told of no ranges.
    pub(super) fn lose_all(&mut self, mut known: impl FnMut(u64, &Sent, Outcome)) {
        for (number, sent) in (self.first..).zip(&mut self.sent).filter(|(_, sent)| sent.state == State::InFlight) {
            sent.state = State::Lost;
            self.bytes -= weight(sent.cargo, sent.len);
            self.losses.by_order += 1;
            known(number, sent, Outcome::Lost);
        }
    }

    /// When something is to be taken for lost: because of time, or else because of silence.
    pub(super) fn deadline(&self, rtt: &Rtt) -> Option<Duration> {
        // While a datagram waits to be overtaken for long enough, silence is not yet to be spoken of
        // (RFC 9002 section 6.2.1).
        self.lost_at.or_else(|| {
            let from = index(self.oldest.saturating_sub(self.first));
            let any = self.sent.iter().skip(from).any(|sent| sent.state == State::InFlight);
            any.then(|| self.last_sent_at + rtt.rto_after(self.silences) + ACK_DELAY_MAX)
        })
    }

    /// Whether the timer of [`Flight::on_silence`] has run out.
    #[must_use]
    pub(super) fn is_silent(&self, now: Duration, rtt: &Rtt) -> bool {
        self.lost_at.is_none() && self.deadline(rtt).is_some_and(|at| at <= now)
    }

    /// Forgets what is settled. Lost ones are kept for two more round trips, to notice when one comes after all.
    fn forget(&mut self, now: Duration, rtt: &Rtt) {
        let keep = rtt.loss_delay() * 2;
        while let Some(front) = self.sent.front()
            && (front.state == State::Arrived || front.state == State::Lost && front.at + keep <= now)
        {
            self.sent.pop_front();
            self.first += 1;
        }
        self.oldest = self.oldest.max(self.first);
        while let Some(sent) = self.sent.get(index(self.oldest - self.first))
            && sent.state != State::InFlight
        {
            self.oldest += 1;
        }
    }
}

/// What a datagram counts on its way.
fn weight(cargo: Cargo, len: usize) -> u64 {
    match cargo {
        Cargo::Piece { .. } => len as u64,
        Cargo::Probe => 0,
    }
}

/// A difference of numbers as a place in the list; what is too large is in no list.
fn index(difference: u64) -> usize {
    usize::try_from(difference).unwrap_or(usize::MAX)
}
