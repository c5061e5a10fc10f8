//! What went in, what came out, and what became of the rest: for the live line and for the last one.
//!
//! Counted for each direction. Read `record.rs` before.

use std::fmt;

use netcommon::columns::wrap;
use netcommon::units::counted;
use serde::Serialize;

use crate::record::{Outcome, Record};

/// What stands in one line of the last words: an old terminal's line, without what a second line is indented by.
const COLUMNS: usize = 76;

/// One direction's datagrams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Datagrams that came in.
    pub datagrams_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Datagrams that left, copies included.
    pub datagrams_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Taken by chance.
    pub lost: u64,
    /// Came while nothing passes.
    pub cut_off: u64,
    /// Found the bottleneck's queue full.
    pub queue_full: u64,
    /// Found this program's memory full.
    pub no_room: u64,
    /// Refused by the system when they were to leave.
    pub not_sent: u64,
    /// Were still on their way at the end.
    pub on_their_way: u64,
    /// Were to arrive twice.
    pub twice: u64,
    /// Were held back for others to pass.
    pub held: u64,
    /// Had a bit flipped.
    pub flipped: u64,
    /// Left more than a millisecond after they were due, because this program was not woken in time.
    pub late: u64,
}

impl Totals {
    /// Counts a datagram that came.
    pub fn count_in(&mut self, record: &Record) {
        self.datagrams_in += 1;
        self.bytes_in += record.size as u64;
        match record.fate {
            Outcome::Passed => {}
            Outcome::Lost => self.lost += 1,
            Outcome::CutOff => self.cut_off += 1,
            Outcome::QueueFull => self.queue_full += 1,
            Outcome::NoRoom => self.no_room += 1,
        }
        self.twice += u64::from(record.twice);
        self.held += u64::from(record.held_behind > 0);
        self.flipped += u64::from(record.flipped_bit.is_some());
    }

    /// Counts a datagram that left.
    pub fn count_out(&mut self, len: usize) {
        self.datagrams_out += 1;
        self.bytes_out += len as u64;
    }
}

/// What a whole run counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// From the clients to the target.
    pub up: Totals,
    /// And back.
    pub down: Totals,
    /// How many clients there were.
    pub flows: u64,
    /// Datagrams of clients for whom there was no place.
    pub refused: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.refused > 0 {
            writeln!(f, "No place: {} from clients that found none", self.refused)?;
        }
        let lines = |label: &str, totals: &Totals| wrap(&format!("{label}: {totals}"), COLUMNS).join("\n    ");
        write!(f, "{}\n{}", lines("Up", &self.up), lines("Down", &self.down))
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in ({}), {} out", self.datagrams_in, counted(self.bytes_in, "byte"), self.datagrams_out)?;
        let details = [
            (self.lost, "lost"),
            (self.cut_off, "cut off"),
            (self.queue_full, "found the queue full"),
            (self.no_room, "found no room in memory"),
            (self.not_sent, "refused by the system"),
            (self.on_their_way, "still on their way"),
            (self.twice, "sent twice"),
            (self.held, "held back"),
            (self.flipped, "with a flipped bit"),
            (self.late, "late by more than 1 ms"),
        ];
        let mut before = ": ";
        for (count, what) in details {
            if count > 0 {
                write!(f, "{before}{count} {what}")?;
                before = ", ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_network_needs_no_details() {
        let totals = Totals { datagrams_in: 2, bytes_in: 1, datagrams_out: 2, ..Totals::default() };
        assert_eq!(totals.to_string(), "2 in (1 byte), 2 out");
    }

    #[test]
    fn the_last_words_fit_into_a_terminal() {
        let up = Totals { datagrams_in: 1_000_000, bytes_in: 1_400_000_000, lost: 9, ..Totals::default() };
        let down =
            Totals { cut_off: 9, queue_full: 9, no_room: 9, not_sent: 9, on_their_way: 9, twice: 9, late: 9, ..up };
        let said = Summary { up, down, ..Summary::default() }.to_string();
        assert!(said.lines().all(|line| line.len() <= 80), "{said}");
        assert!(said.starts_with("Up: 1000000 in (1400000000 bytes), 0 out: 9 lost\nDown: "), "{said}");
    }

    #[test]
    fn each_thing_that_happened_is_said_with_its_count() {
        let totals = Totals { datagrams_in: 9, bytes_in: 54, datagrams_out: 6, lost: 3, held: 1, ..Totals::default() };
        assert_eq!(totals.to_string(), "9 in (54 bytes), 6 out: 3 lost, 1 held back");
    }
}
