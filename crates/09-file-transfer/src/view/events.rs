//! `--json`: one object a line, for programs that watch a transfer.
//!
//! ```text
//!  {"event":"session", …}  {"event":"file", …}  {"event":"progress", …}  {"event":"file-ended", …}
//!  {"event":"session-ended", …}  and last of all  {"event":"done", …}
//! ```
//! The shape is a promise: fields may be added, and none is taken away. Times are seconds or, where the name
//! says so, milliseconds; sizes are bytes. Read `mod.rs` before.

use serde::Serialize;

use super::lines::rate;
use super::{Line, Side};
use crate::report::{Report, Totals};

/// So many files are listed in the last event; of more only the first.
const FILES_LISTED_MAX: usize = 10_000;

/// Makes events of reports, and remembers what the last one needs.
#[derive(Debug, Default)]
pub(super) struct Events {
    files: Vec<File>,
    sessions: Vec<Totals>,
    failures: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct File {
    name: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event<'a> {
    Session {
        session: String,
        peer: String,
        files: u32,
    },
    File {
        session: String,
        index: u32,
        name: &'a str,
        size: u64,
        from: u64,
    },
    Progress {
        session: String,
        #[serde(flatten)]
        counts: Counts,
    },
    FileEnded {
        session: String,
        index: u32,
        #[serde(flatten)]
        file: File,
    },
    SessionEnded {
        session: String,
        #[serde(flatten)]
        counts: Counts,
        failed: Option<&'a str>,
    },
    Done {
        side: &'static str,
        #[serde(flatten)]
        counts: Counts,
        digest: Option<&'a str>,
        files: &'a [File],
        failed: &'a [String],
    },
}

/// What is counted, as other programs read it.
#[derive(Debug, Default, Serialize)]
struct Counts {
    bytes: u64,
    bytes_total: u64,
    seconds: f64,
    bytes_per_second: u64,
    files_done: u32,
    files_failed: u32,
    datagrams_sent: u64,
    datagrams_received: u64,
    datagrams_lost: u64,
    datagrams_sent_again: u64,
    datagrams_sent_again_in_vain: u64,
    datagrams_refused: u64,
    duplicates: u64,
    lost_by_order: u64,
    lost_by_time: u64,
    lost_by_silence: u64,
    bytes_sent: u64,
    bytes_sent_again: u64,
    rtt_ms: f64,
    rtt_min_ms: f64,
    cwnd: u64,
    in_flight: u64,
    datagram_len: usize,
}

impl Events {
    /// The line for one report.
    pub(super) fn of(&mut self, report: &Report) -> Vec<Line> {
        let event = match report {
            Report::SessionStarted { session, peer, files } => {
                Event::Session { session: session.to_string(), peer: peer.to_string(), files: *files }
            }
            Report::FileStarted { session, index, name, size, from } => {
                Event::File { session: session.to_string(), index: *index, name, size: *size, from: *from }
            }
            Report::Progress { session, totals } => {
                Event::Progress { session: session.to_string(), counts: Counts::of(totals) }
            }
            Report::FileEnded { session, index, name, size, result } => {
                let file = File {
                    name: name.clone(),
                    size: *size,
                    digest: result.as_ref().ok().map(ToString::to_string),
                    failed: result.as_ref().err().cloned(),
                };
                if self.files.len() < FILES_LISTED_MAX {
                    self.files.push(file.clone());
                }
                Event::FileEnded { session: session.to_string(), index: *index, file }
            }
            Report::SessionEnded { session, totals, failure } => {
                self.sessions.push(*totals);
                self.failures.extend(failure.clone());
                let counts = Counts::of(totals);
                Event::SessionEnded { session: session.to_string(), counts, failed: failure.as_deref() }
            }
        };
        vec![Line::Result(line(&event))]
    }

    /// The last event: all sessions together.
    pub(super) fn last(&self, side: Side) -> String {
        let digest = match self.files.as_slice() {
            [only] => only.digest.as_deref(),
            _ => None,
        };
        let side = match side {
            Side::Sender => "sender",
            Side::Receiver => "receiver",
        };
        let counts = Counts::of_all(&self.sessions);
        line(&Event::Done { side, counts, digest, files: &self.files, failed: &self.failures })
    }
}

impl Counts {
    fn of(totals: &Totals) -> Self {
        Self {
            bytes: totals.bytes_done,
            bytes_total: totals.bytes_total,
            seconds: totals.elapsed.as_secs_f64(),
            bytes_per_second: rate(totals),
            files_done: totals.files_done,
            files_failed: totals.files_failed,
            datagrams_sent: totals.datagrams_sent,
            datagrams_received: totals.datagrams_received,
            datagrams_lost: totals.lost.sum().saturating_sub(totals.lost_wrongly),
            datagrams_sent_again: totals.lost.sum(),
            datagrams_sent_again_in_vain: totals.lost_wrongly,
            datagrams_refused: totals.datagrams_refused,
            duplicates: totals.duplicates,
            lost_by_order: totals.lost.by_order,
            lost_by_time: totals.lost.by_time,
            lost_by_silence: totals.lost.by_silence,
            bytes_sent: totals.bytes_sent,
            bytes_sent_again: totals.bytes_again,
            rtt_ms: totals.srtt.as_secs_f64() * 1000.0,
            rtt_min_ms: totals.rtt_min.as_secs_f64() * 1000.0,
            cwnd: totals.cwnd,
            in_flight: totals.in_flight,
            datagram_len: totals.datagram_len,
        }
    }

    /// Sums of what can be added; of the rest that of the last session.
    fn of_all(sessions: &[Totals]) -> Self {
        let Some((last, others)) = sessions.split_last() else { return Self::default() };
        let sum = others.iter().fold(*last, |sum, one| Totals {
            elapsed: sum.elapsed.max(one.elapsed),
            files_done: sum.files_done + one.files_done,
            files_failed: sum.files_failed + one.files_failed,
            bytes_done: sum.bytes_done.saturating_add(one.bytes_done),
            bytes_total: sum.bytes_total.saturating_add(one.bytes_total),
            datagrams_sent: sum.datagrams_sent + one.datagrams_sent,
            bytes_sent: sum.bytes_sent + one.bytes_sent,
            datagrams_received: sum.datagrams_received + one.datagrams_received,
            datagrams_refused: sum.datagrams_refused + one.datagrams_refused,
            duplicates: sum.duplicates + one.duplicates,
            ..sum
        });
        Self::of(&sum)
    }
}

fn line(event: &Event<'_>) -> String {
    serde_json::to_string(event).expect("text and numbers can always be written as JSON")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::file::{Digest, Session};

    fn event(events: &mut Events, report: &Report) -> Value {
        match events.of(report).as_slice() {
            [Line::Result(line)] => serde_json::from_str(line).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_last_event_has_what_was_promised() {
        let mut events = Events::default();
        let session = Session(7);
        let name = "課表 \u{1b}.txt".to_owned();
        let started = Report::FileStarted { session, index: 0, name: name.clone(), size: 12, from: 4 };
        assert_eq!(
            event(&mut events, &started),
            json!({"event": "file", "session": "0000000000000007", "index": 0, "name": name, "size": 12, "from": 4})
        );
        let ended = Report::FileEnded { session, index: 0, name, size: 12, result: Ok(Digest([1; 32])) };
        assert_eq!(event(&mut events, &ended)["digest"], "01".repeat(32));
        let totals = Totals { bytes_done: 8, elapsed: Duration::from_secs(2), datagrams_sent: 5, ..Totals::default() };
        event(&mut events, &Report::SessionEnded { session, totals, failure: None });
        let last: Value = serde_json::from_str(&events.last(Side::Sender)).unwrap();
        for (key, want) in [
            ("event", json!("done")),
            ("side", json!("sender")),
            ("bytes", json!(8)),
            ("seconds", json!(2.0)),
            ("datagrams_sent", json!(5)),
            ("datagrams_lost", json!(0)),
            ("datagrams_sent_again", json!(0)),
            ("digest", json!("01".repeat(32))),
        ] {
            assert_eq!(last[key], want, "{key} in {last}");
        }
    }

    #[test]
    fn several_sessions_are_added_up() {
        let mut events = Events::default();
        for bytes_done in [5, 6] {
            let totals = Totals { bytes_done, files_done: 1, ..Totals::default() };
            event(&mut events, &Report::SessionEnded { session: Session(1), totals, failure: None });
        }
        let last: Value = serde_json::from_str(&events.last(Side::Receiver)).unwrap();
        assert_eq!((&last["bytes"], &last["files_done"], &last["digest"]), (&json!(11), &json!(2), &Value::Null));
    }
}
