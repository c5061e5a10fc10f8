//! Progress on a terminal: a bar for each session, with rate, time left, round trip and loss.
//!
//! Read `lines.rs` before: the words are the same.

use std::collections::HashMap;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::lines::progress;
use crate::file::Session;
use crate::report::Report;

/// Bars at once; more sessions than that are only told when they end.
const BARS_MAX: usize = 8;

/// Ten times a second is as fast as anyone reads.
const DRAWN_PER_SECOND: u8 = 10;

/// The bars of all sessions.
#[derive(Debug)]
pub(super) struct Bars {
    all: MultiProgress,
    bars: HashMap<Session, ProgressBar>,
}

impl Default for Bars {
    fn default() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWN_PER_SECOND));
        Self { all, bars: HashMap::new() }
    }
}

impl Bars {
    /// Moves the bar that a report is about.
    pub(super) fn tell(&mut self, report: &Report) {
        match report {
            // Before the first file is taken there is nothing to draw.
            Report::Progress { totals, .. } if totals.bytes_total == 0 => {}
            Report::Progress { session, totals } => {
                if !self.bars.contains_key(session) && self.bars.len() < BARS_MAX {
                    self.bars.insert(*session, self.all.add(bar()));
                }
                if let Some(bar) = self.bars.get(session) {
                    bar.set_length(totals.bytes_total);
                    bar.set_position(totals.bytes_done);
                    bar.set_message(progress(totals));
                }
            }
            Report::SessionEnded { session, .. } => {
                if let Some(bar) = self.bars.remove(session) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
            }
            _ => {}
        }
    }

    /// Takes the bars away while something else is printed.
    pub(super) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.all.suspend(print)
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::hidden();
    if let Ok(style) = ProgressStyle::with_template("{bar:20} {msg}") {
        bar.set_style(style);
    }
    bar
}
