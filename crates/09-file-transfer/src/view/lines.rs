//! A transfer in words: one line for each file, and at the end what was sent twice, and why.
//!
//! Everything that a peer says is escaped here. Read `mod.rs` before.

use std::time::Duration;

use indicatif::HumanBytes;
use netcommon::escape::escape;

use super::{Line, Side};
use crate::report::{Report, Totals};

/// How much of a name or a reason is shown.
const SHOWN_LEN_MAX: usize = 300;

/// Makes lines of reports.
#[derive(Debug)]
pub(super) struct Lines {
    side: Side,
}

impl Lines {
    pub(super) fn new(side: Side) -> Self {
        Self { side }
    }

    /// The lines for one report.
    pub(super) fn of(&mut self, report: &Report) -> Vec<Line> {
        match report {
            Report::SessionStarted { peer, files, .. } => {
                let files = if *files == 0 { String::new() } else { format!(" {}", count(u64::from(*files), "file")) };
                vec![Line::Result(match self.side {
                    Side::Sender => format!("Sending{files} to {peer}"),
                    Side::Receiver => format!("Receiving{files} from {peer}"),
                })]
            }
            Report::FileStarted { name, size, from, .. } if *from > 0 && from == size => {
                vec![Line::Result(format!("{}: is there already", shown(name)))]
            }
            Report::FileStarted { name, size, from, .. } if *from > 0 => {
                let left = HumanBytes(size.saturating_sub(*from));
                vec![Line::Result(format!("{}: {} are there already, {left} to go", shown(name), HumanBytes(*from)))]
            }
            Report::FileStarted { .. } => Vec::new(),
            Report::Progress { totals, .. } => vec![Line::Aside(progress(totals))],
            Report::FileEnded { name, size, result, .. } => {
                let name = shown(name);
                vec![match result {
                    Ok(digest) => Line::Result(format!("{name}: {} complete, BLAKE3 {digest}", bytes(*size))),
                    Err(reason) => Line::Failure(format!("{name}: {}", shown(reason))),
                }]
            }
            Report::SessionEnded { totals, failure, .. } => self.summary(totals, failure.as_deref()),
        }
    }

    fn summary(&self, totals: &Totals, failure: Option<&str>) -> Vec<Line> {
        let did = match self.side {
            Side::Sender => "Sent",
            Side::Receiver => "Received",
        };
        let mut lines = vec![format!(
            "{did} {}, {}, in {}: {} a second",
            count(u64::from(totals.files_done), "file"),
            bytes(totals.bytes_done),
            seconds(totals.elapsed),
            HumanBytes(rate(totals)),
        )];
        if totals.files_failed > 0 {
            lines.push(format!("Failed: {}", count(u64::from(totals.files_failed), "file")));
        }
        match self.side {
            Side::Sender => lines.push(sent_again(totals)),
            Side::Receiver => lines.push(came_in_vain(totals)),
        }
        let mut lines: Vec<Line> = lines.into_iter().map(Line::Result).collect();
        lines.extend(failure.map(|failure| Line::Failure(failure.to_owned())));
        lines
    }
}

/// What a sender sent twice, and why.
fn sent_again(totals: &Totals) -> String {
    let lost = totals.lost;
    let all = format!("Datagrams: {} sent", totals.datagrams_sent);
    if lost.sum() == 0 {
        return format!("{all}, none again");
    }
    let reasons = [
        (lost.by_order, "later ones had arrived"),
        (lost.by_time, "its time was over"),
        (lost.by_silence, "no answer came at all"),
    ];
    let reasons: Vec<String> =
        reasons.iter().filter(|(times, _)| *times > 0).map(|(times, why)| format!("{times} because {why}")).collect();
    let vain = match totals.lost_wrongly {
        0 => String::new(),
        wrongly => format!("; {wrongly} in vain, the first had arrived after all"),
    };
    let share = lost.sum() as f64 * 100.0 / totals.datagrams_sent.max(1) as f64;
    format!("{all}, {} again ({share:.1} %, {}): {}{vain}", lost.sum(), bytes(totals.bytes_again), reasons.join(", "))
}

/// What came to a receiver for nothing.
fn came_in_vain(totals: &Totals) -> String {
    let mut text = format!("Datagrams: {} received, {} sent", totals.datagrams_received, totals.datagrams_sent);
    if totals.duplicates > 0 {
        text.push_str(&format!("; {} with bytes that were there already", totals.duplicates));
    }
    if totals.datagrams_refused > 0 {
        text.push_str(&format!("; {} damaged, forged or late", totals.datagrams_refused));
    }
    text
}

/// How it goes, in one line.
pub(super) fn progress(totals: &Totals) -> String {
    let mut text = format!("{} of {}", HumanBytes(totals.bytes_done), HumanBytes(totals.bytes_total));
    text.push_str(&format!(", {}/s", HumanBytes(rate(totals))));
    if let Some(left) = time_left(totals) {
        text.push_str(&format!(", {} left", seconds(left)));
    }
    if !totals.srtt.is_zero() {
        text.push_str(&format!(", rtt {:.1} ms", totals.srtt.as_secs_f64() * 1000.0));
    }
    if totals.lost.sum() > 0 {
        let share = totals.lost.sum() as f64 * 100.0 / totals.datagrams_sent.max(1) as f64;
        text.push_str(&format!(", {share:.1} % lost, {} sent again", HumanBytes(totals.bytes_again)));
    }
    text
}

/// Bytes of files a second, since the session began.
pub(super) fn rate(totals: &Totals) -> u64 {
    let seconds = totals.elapsed.as_secs_f64();
    if seconds > 0.0 { (totals.bytes_done as f64 / seconds) as u64 } else { 0 }
}

/// How long the rest will take at this rate; `None` while nobody can know.
pub(super) fn time_left(totals: &Totals) -> Option<Duration> {
    let rate = rate(totals);
    let left = totals.bytes_total.checked_sub(totals.bytes_done)?;
    (rate > 0 && left > 0).then(|| Duration::try_from_secs_f64(left as f64 / rate as f64).ok()).flatten()
}

/// A peer's text, safe for a terminal.
pub(super) fn shown(text: &str) -> String {
    escape(text.as_bytes()).at_most(SHOWN_LEN_MAX).to_string()
}

fn count(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

/// A number of bytes, exact while it is short.
fn bytes(number: u64) -> String {
    if number < 10_000 { count(number, "byte") } else { HumanBytes(number).to_string() }
}

fn seconds(duration: Duration) -> String {
    match duration.as_secs_f64() {
        short if short < 60.0 => format!("{short:.1} s"),
        long => format!("{:.0} min {:02.0} s", (long / 60.0).floor(), long % 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Digest, Session};
    use crate::report::Losses;

    fn said(side: Side, report: &Report) -> String {
        let lines = Lines::new(side).of(report);
        let texts = lines.into_iter().map(|line| match line {
            Line::Result(text) => text,
            Line::Failure(text) => format!("! {text}"),
            Line::Aside(text) => format!("({text})"),
        });
        texts.collect::<Vec<_>>().join("\n")
    }

    const SESSION: Session = Session(7);

    #[test]
    fn a_session_begins_and_files_end_in_one_line_each() {
        let peer = "127.0.0.1:9900".parse().unwrap();
        let started = |files| Report::SessionStarted { session: SESSION, peer, files };
        assert_eq!(said(Side::Sender, &started(2)), "Sending 2 files to 127.0.0.1:9900");
        assert_eq!(said(Side::Receiver, &started(0)), "Receiving from 127.0.0.1:9900");
        let ended = |name: &str, result| Report::FileEnded {
            session: SESSION,
            index: 0,
            name: name.to_owned(),
            size: 12,
            result,
        };
        let digest = Digest([0xab; 32]);
        assert_eq!(
            said(Side::Sender, &ended("課表.txt", Ok(digest))),
            format!("課表.txt: 12 bytes complete, BLAKE3 {}", "ab".repeat(32))
        );
        assert_eq!(
            said(Side::Sender, &ended("a\u{1b}[2J", Err("full\n\u{202e}".to_owned()))),
            r"! a\x1b[2J: full\n\u{202e}"
        );
    }

    #[test]
    fn the_summary_says_what_was_sent_again_and_why() {
        let lost = Losses { by_order: 8, by_time: 1, by_silence: 1 };
        let totals = Totals {
            elapsed: Duration::from_secs(2),
            files_done: 1,
            bytes_done: 1 << 20,
            datagrams_sent: 1000,
            lost,
            lost_wrongly: 2,
            bytes_again: 12_000,
            ..Totals::default()
        };
        let ended = Report::SessionEnded { session: SESSION, totals, failure: None };
        assert_eq!(
            said(Side::Sender, &ended),
            "Sent 1 file, 1.00 MiB, in 2.0 s: 512.00 KiB a second\n\
             Datagrams: 1000 sent, 10 again (1.0 %, 11.72 KiB): 8 because later ones had arrived, 1 because its time was \
             over, 1 because no answer came at all; 2 in vain, the first had arrived after all"
        );
        let clean = Totals { lost: Losses::default(), files_failed: 1, ..totals };
        let ended = Report::SessionEnded { session: SESSION, totals: clean, failure: Some("no answer".to_owned()) };
        assert_eq!(
            said(Side::Sender, &ended),
            "Sent 1 file, 1.00 MiB, in 2.0 s: 512.00 KiB a second\nFailed: 1 file\nDatagrams: 1000 sent, none again\n\
             ! no answer"
        );
    }

    #[test]
    fn progress_has_rate_time_left_round_trip_and_loss() {
        let totals = Totals {
            elapsed: Duration::from_secs(4),
            bytes_done: 4 << 20,
            bytes_total: 12 << 20,
            srtt: Duration::from_micros(10_250),
            datagrams_sent: 1000,
            lost: Losses { by_order: 25, ..Losses::default() },
            bytes_again: 30_000,
            ..Totals::default()
        };
        let progress = Report::Progress { session: SESSION, totals };
        assert_eq!(
            said(Side::Sender, &progress),
            "(4.00 MiB of 12.00 MiB, 1.00 MiB/s, 8.0 s left, rtt 10.2 ms, 2.5 % lost, 29.30 KiB sent again)"
        );
    }

    #[test]
    fn strange_totals_do_no_harm() {
        let totals = Totals { bytes_total: u64::MAX, bytes_done: 1, elapsed: Duration::MAX, ..Totals::default() };
        assert_eq!(time_left(&totals), None);
        let totals = Totals { elapsed: Duration::from_secs(9), bytes_done: 10, bytes_total: 1 << 60, ..totals };
        assert!(progress(&totals).contains(" left"));
        let behind = Totals { bytes_done: 5, bytes_total: 3, elapsed: Duration::from_secs(1), ..Totals::default() };
        assert_eq!(time_left(&behind), None);
    }
}
