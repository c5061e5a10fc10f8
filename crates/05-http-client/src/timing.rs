//! Where the time of an exchange went: name, connect, TLS, first byte, transfer.
//!
//! Moments are noted while things happen; the chart is made afterwards. Read `client.rs` for who notes them.

use std::fmt::Write;
use std::time::{Duration, Instant};

/// How many columns the longest bar takes.
const BAR_COLUMNS: f64 = 40.0;

/// The moments of one exchange, the last one when redirects were followed.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// When it began.
    pub start: Instant,
    /// The addresses were known. `None` for a connection that was used again.
    pub name: Option<Instant>,
    /// The handshake of TCP was over.
    pub connected: Option<Instant>,
    /// The handshake of TLS was over.
    pub secured: Option<Instant>,
    /// The first byte of the answer came.
    pub first_byte: Option<Instant>,
    /// The last byte came.
    pub done: Option<Instant>,
}

impl Timing {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        let start = Instant::now();
        Self { start, name: None, connected: None, secured: None, first_byte: None, done: None }
    }

    /// The stages that happened, in order, with when they began and how long they took.
    #[must_use]
    pub fn stages(&self) -> Vec<(&'static str, Duration, Duration)> {
        let moments = [
            ("name", self.name),
            ("connect", self.connected),
            ("tls", self.secured),
            ("first byte", self.first_byte),
            ("transfer", self.done),
        ];
        let mut last = self.start;
        let mut stages = Vec::new();
        for (name, moment) in moments {
            if let Some(moment) = moment {
                stages.push((name, last.duration_since(self.start), moment.duration_since(last)));
                last = moment;
            }
        }
        stages
    }

    /// The chart: one line per stage, its bar where it lies in the whole.
    #[must_use]
    pub fn chart(&self) -> String {
        let stages = self.stages();
        let total: Duration = stages.iter().map(|(_, _, took)| *took).sum();
        let columns =
            |part: Duration| (part.as_secs_f64() / total.as_secs_f64().max(1e-9) * BAR_COLUMNS).round() as usize;
        let mut chart = String::new();
        for (name, begin, took) in &stages {
            let (before, bar) = (columns(*begin), columns(*took).max(1));
            // Writing to a String cannot fail.
            let _ = writeln!(chart, "{name:>10} {:>9.1} ms {}{}", millis(*took), " ".repeat(before), "#".repeat(bar));
        }
        let _ = writeln!(chart, "{:>10} {:>9.1} ms", "total", millis(total));
        chart
    }
}

/// Milliseconds with their fraction.
#[must_use]
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_lie_where_their_stage_lies() {
        let start = Instant::now();
        let at = |ms| Some(start + Duration::from_millis(ms));
        let timing =
            Timing { start, name: at(10), connected: at(20), secured: None, first_byte: at(60), done: at(100) };
        let want = "      name      10.0 ms ####\n   connect      10.0 ms     ####\n\
                    first byte      40.0 ms         ################\n  transfer      40.0 ms                         \
                    ################\n     total     100.0 ms\n";
        assert_eq!(timing.chart(), want.replace("                    first", "first"));
    }
}
