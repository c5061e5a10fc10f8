//! The loop that owns the ledger: takes what the sources see, keeps the log, prints the lines.
//!
//! Its thread sleeps a moment between two looks at the queue: then many observations are taken together, a source
//! never has to wake anybody, and the log gets many lines with one write. Read `witness.rs` and `ledger.rs` before.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TryRecvError, never, select};
use netcommon::console::Lines;
use netcommon::shutdown::Shutdown;

use crate::alert::Alert;
use crate::event::Event;
use crate::journal::Journal;
use crate::ledger::{Ledger, TICK};
use crate::lines;
use crate::moment::{Clock, Moment};
use crate::screen::{Board, Snapshot};
use crate::witness::Seen;

/// How long observations gather: shorter than anyone can see.
const GATHER: Duration = Duration::from_millis(5);

/// How far the wall clock may drift from the monotonic one before we say that somebody has set it; a time server
/// corrects by less, bit by bit.
const SET_MIN: Duration = Duration::from_secs(1);

/// What is done with what was seen.
#[derive(Debug)]
pub struct Recorder {
    ledger: Ledger,
    clock: Clock,
    journal: Option<Journal>,
    lines: Lines,
    /// How events are shown while they happen.
    show: Show,
    /// The last thing that the user should know, for the screen.
    notice: String,
    clock_set_by: i64,
    alerts: Vec<Alert>,
    last_tick: Instant,
    alerted: bool,
}

/// What is left of a run.
#[derive(Debug)]
pub struct Recorded {
    /// The sums.
    pub ledger: Ledger,
    /// An alert has spoken.
    pub alerted: bool,
}

/// How a run is shown while it lasts.
#[derive(Debug)]
pub enum Show {
    /// Lines for people.
    Lines,
    /// Every event as a line of JSON.
    Json,
    /// The live screen.
    Screen(Board),
}

impl Recorder {
    /// A recorder that has seen nothing yet.
    #[must_use]
    pub fn new(clock: Clock, journal: Option<Journal>, lines: Lines, show: Show, alerts: Vec<Alert>) -> Self {
        Self {
            ledger: Ledger::default(),
            clock,
            journal,
            lines,
            show,
            notice: String::new(),
            clock_set_by: 0,
            alerts,
            last_tick: Instant::now(),
            alerted: false,
        }
    }

    /// Takes what is seen until all sources have ended; then writes what is still open and returns the sums, so that
    /// the last lines can be printed when the screen has gone. Blocks until then.
    pub fn run(mut self, seen: &Receiver<Seen>, shutdown: &Shutdown) -> Recorded {
        let mut next_tick = Instant::now() + TICK;
        let (mut draining, mut told) = (shutdown.draining().clone(), false);
        loop {
            let left = next_tick.saturating_duration_since(Instant::now());
            let first = select! {
                recv(seen) -> first => Some(first),
                recv(draining) -> _ => None,
                default(left) => None,
            };
            // Before what has been seen since, whichever of the two the select has picked.
            if shutdown.is_draining() && !std::mem::replace(&mut told, true) {
                draining = never();
                self.say_end_begins();
            }
            let ended = match first {
                Some(Ok(first)) => self.take_all(first, seen),
                Some(Err(_)) => true,
                None => false,
            };
            if ended {
                return self.finish();
            }
            if next_tick <= Instant::now() {
                self.tick();
                // Not from now on: a little late each time, some second would have no tick.
                while next_tick <= Instant::now() {
                    next_tick += TICK;
                }
            }
            let now = self.clock.now();
            self.flush(now);
            std::thread::sleep(GATHER);
        }
    }

    fn say_end_begins(&self) {
        if matches!(self.show, Show::Lines) {
            self.lines.line(format_args!("Server shutting down..."));
        }
    }

    /// Takes what waits by now; whether the sources have ended.
    fn take_all(&mut self, first: Seen, seen: &Receiver<Seen>) -> bool {
        self.take(first);
        // No more than wait now, so that a tick is never late for long.
        for _ in 0..seen.len() {
            match seen.try_recv() {
                Ok(next) => self.take(next),
                Err(TryRecvError::Empty) => return false,
                Err(TryRecvError::Disconnected) => return true,
            }
        }
        false
    }

    fn take(&mut self, (at, observation): Seen) {
        if let Some(event) = self.ledger.take(at, observation) {
            self.record(&event, at);
        }
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        for event in self.ledger.tick(now) {
            self.record(&event, now);
        }
        if let Some(by_us) = clock_set(&mut self.clock_set_by, self.clock.set_by()) {
            self.record(&Event::ClockSet { at: now, by_us }, now);
        }
        self.look_at_alerts();
        if let Show::Screen(board) = &self.show {
            board.leave(Snapshot::of(&self.ledger, now, &self.notice));
        }
        // During a gap this is where it is tried again.
        if self.journal.as_ref().is_some_and(Journal::has_gap) {
            self.say_of_log(|journal| journal.flush(now));
        }
    }

    fn look_at_alerts(&mut self) {
        let elapsed = std::mem::replace(&mut self.last_tick, Instant::now()).elapsed();
        let totals = &self.ledger.sums().all;
        let said: Vec<String> = self.alerts.iter_mut().filter_map(|alert| alert.look(totals, elapsed)).collect();
        self.alerted |= self.alerts.iter().any(Alert::holds);
        said.into_iter().for_each(|said| self.tell(said));
    }

    /// Tells the user something, beside the results.
    fn tell(&mut self, said: String) {
        if matches!(self.show, Show::Screen(_)) {
            self.notice = said;
        } else {
            // Stderr may be closed; then nobody is left to tell.
            let _ = writeln!(io::stderr(), "net-monitor: {said}");
        }
    }

    fn record(&mut self, event: &Event, now: Moment) {
        self.say_of_log(|journal| journal.add(event, now));
        let line = match &self.show {
            Show::Json => serde_json::to_string(event).ok(),
            Show::Lines => lines::of(event),
            Show::Screen(_) if matches!(event, Event::Connection(_)) => None,
            Show::Screen(_) => {
                self.notice = lines::of(event).unwrap_or_else(|| std::mem::take(&mut self.notice));
                None
            }
        };
        if let Some(line) = line {
            self.lines.line(format_args!("{line}"));
        }
    }

    fn flush(&mut self, now: Moment) {
        if self.journal.as_ref().is_some_and(|journal| !journal.has_gap()) {
            self.say_of_log(|journal| journal.flush(now));
        }
    }

    fn say_of_log(&mut self, act: impl FnOnce(&mut Journal) -> Option<String>) {
        if let Some(said) = self.journal.as_mut().and_then(act) {
            self.tell(said);
        }
    }

    fn finish(mut self) -> Recorded {
        let now = self.clock.now();
        for event in self.ledger.finish(now) {
            self.record(&event, now);
        }
        self.say_of_log(|journal| journal.flush(now));
        Recorded { ledger: self.ledger, alerted: self.alerted }
    }
}

/// By how much the clock has been set since it was last asked about, when that is worth a note.
fn clock_set(before: &mut i64, now: i64) -> Option<i64> {
    let by = now.saturating_sub(*before);
    let worth = u128::from(by.unsigned_abs()) >= SET_MIN.as_micros();
    worth.then(|| {
        *before = now;
        by
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_noted_once_and_a_drift_is_not() {
        let mut before = 0;
        let noted: Vec<_> = [0, 900_000, -3_600_000_000, -3_600_000_400, 0]
            .into_iter()
            .map(|now| clock_set(&mut before, now))
            .collect();
        assert_eq!(noted, [None, None, Some(-3_600_000_000), None, Some(3_600_000_000)]);
    }
}
