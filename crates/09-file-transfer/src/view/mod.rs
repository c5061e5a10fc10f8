//! What a person or a program sees of a transfer: a bar on a terminal, plain lines in a pipe, or JSON.
//!
//! ```text
//!  loops ──Report──▶ View ─┬─ results ────────▶ stdout   lines.rs, or events.rs with --json
//!                          └─ how it goes ────▶ stderr   bar.rs on a terminal, else a line every few seconds
//! ```
//! A report comes for every datagram; a person reads ten a second at most, and a log one every few seconds. Read
//! `crate::report` before, then `lines.rs`.

mod bar;
mod events;
mod lines;

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use netcommon::cli::{StdoutError, print_line};
use netcommon::shutdown::Shutdown;

use self::bar::Bars;
use self::events::Events;
use self::lines::Lines;
use crate::report::Report;

/// How often a pipe gets a line of progress.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// How often `--json` has an event of progress.
const EVENT_EVERY: Duration = Duration::from_millis(500);

/// Which end of the transfer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that has the files.
    Sender,
    /// The one that wants them.
    Receiver,
}

/// Shows reports.
pub struct View {
    side: Side,
    shape: Shape,
    bars: Option<Bars>,
    last_progress: Option<Instant>,
    /// Why stdout cannot be written to; then nothing more is.
    closed: Option<StdoutError>,
    /// A receiver says once that it was asked to stop.
    stop: Option<Shutdown>,
}

enum Shape {
    Lines(Lines),
    Json(Box<Events>),
}

impl View {
    /// A view for one end; a bar is shown when stderr is a terminal. A receiver's says when `shutdown` drains.
    #[must_use]
    pub fn new(side: Side, json: bool, shutdown: &Shutdown) -> Self {
        let shape = if json { Shape::Json(Box::default()) } else { Shape::Lines(Lines::new(side)) };
        let bars = (!json && io::stderr().is_terminal()).then(Bars::default);
        let stop = (!json && side == Side::Receiver).then(|| shutdown.clone());
        Self { side, shape, bars, last_progress: None, closed: None, stop }
    }

    /// Shows one report, or leaves it out when it comes too soon after the last.
    pub fn tell(&mut self, report: &Report) {
        if let Some(bars) = &mut self.bars {
            bars.tell(report);
        }
        self.say_shutting_down();
        if let Report::Progress { totals, .. } = report
            && (totals.bytes_total == 0 || !self.is_time())
        {
            return;
        }
        let lines = match &mut self.shape {
            Shape::Lines(lines) => lines.of(report),
            Shape::Json(events) => events.of(report),
        };
        for line in lines {
            match line {
                Line::Result(line) => self.print(format_args!("{line}")),
                Line::Failure(line) => self.print_aside(format_args!("file-transfer: {line}")),
                // Beside a bar the same once more is too much.
                Line::Aside(line) if self.bars.is_none() => self.print_aside(format_args!("{line}")),
                Line::Aside(_) => {}
            }
        }
    }

    /// The last words, when every session is over.
    ///
    /// # Errors
    /// Stdout was closed before all was said.
    pub fn finish(mut self) -> Result<(), StdoutError> {
        self.say_shutting_down();
        if let Shape::Json(events) = &self.shape {
            let last = events.last(self.side);
            self.print(format_args!("{last}"));
        }
        self.closed.map_or(Ok(()), Err)
    }

    fn say_shutting_down(&mut self) {
        if self.stop.take_if(|stop| stop.is_draining()).is_some() {
            self.print(format_args!("Server shutting down..."));
        }
    }

    fn is_time(&mut self) -> bool {
        let every = if matches!(self.shape, Shape::Json(_)) { EVENT_EVERY } else { LINE_EVERY };
        let now = Instant::now();
        let first = *self.last_progress.get_or_insert(now);
        let due = now.duration_since(first) >= every;
        if due {
            self.last_progress = Some(now);
        }
        due
    }

    fn print_aside(&self, line: fmt::Arguments<'_>) {
        let print = || writeln!(io::stderr(), "{line}");
        // Stderr may be closed; then nobody is left to tell.
        let _ = match &self.bars {
            Some(bars) => bars.suspend(print),
            None => print(),
        };
    }

    fn print(&mut self, line: fmt::Arguments<'_>) {
        if self.closed.is_some() {
            return;
        }
        let printed = match &self.bars {
            Some(bars) => bars.suspend(|| print_line(line)),
            None => print_line(line),
        };
        self.closed = printed.err();
    }
}

/// A line and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    /// To stdout.
    Result(String),
    /// To stderr, with the program's name.
    Failure(String),
    /// To stderr.
    Aside(String),
}
