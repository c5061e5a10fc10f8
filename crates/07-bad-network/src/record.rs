//! What happened to a datagram, as a line of JSON: written by `--log`, read again by `--replay`.
//!
//! ```text
//! {"at_ms":12.5,"flow":1,"direction":"up","number":3,"size":6,"fate":"lost","delay_ms":0.0,"queued_ms":0.0}
//! ```
//! A record that is replayed decides in place of chance and of the queue, so a run can be had again even
//! where its fates came from timing. Read `fate.rs` before.

use std::collections::HashMap;
use std::io::BufRead;
use std::time::Duration;

use netcommon::error::OpError;
use serde::{Deserialize, Serialize};

use crate::chance::Direction;

/// The longest line that a record is read from; ours have less than 300 bytes.
const LINE_LEN_MAX: u64 = 64 * 1024;

/// The most records that are read: some 400 MB of memory, and an hour at 1,000 datagrams a second.
const RECORDS_MAX: usize = 4_000_000;

/// How a datagram's way ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It goes to the other side, now or later.
    #[serde(rename = "passed")]
    Passed,
    /// Chance took it.
    #[serde(rename = "lost")]
    Lost,
    /// It came while nothing passes.
    #[serde(rename = "cut off")]
    CutOff,
    /// The queue before the bottleneck was full.
    #[serde(rename = "queue full")]
    QueueFull,
    /// More was on its way than this program keeps.
    #[serde(rename = "no room")]
    NoRoom,
}

/// One datagram and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When it came, in milliseconds from the start.
    pub at_ms: f64,
    /// The number of its flow: the first client is 1.
    pub flow: u64,
    /// Its direction.
    pub direction: Direction,
    /// Its number within flow and direction, from 1.
    pub number: u64,
    /// Its bytes.
    pub size: usize,
    /// What became of it.
    pub fate: Outcome,
    /// How long it is on its way.
    pub delay_ms: f64,
    /// How long it waits for the bottleneck before.
    pub queued_ms: f64,
    /// It arrives twice.
    #[serde(default, skip_serializing_if = "is_false")]
    pub twice: bool,
    /// It waits until so many later ones have passed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held_behind: u32,
    /// The bit that was flipped: bit 0 is the lowest of the first byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flipped_bit: Option<usize>,
}

/// One piece of a TCP stream that left, in the log. Nothing of it is by chance, so it is never replayed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Piece {
    /// When it left, in milliseconds from the start.
    pub at_ms: f64,
    /// The number of its connection: the first client is 1.
    pub flow: u64,
    /// Its direction.
    pub direction: Direction,
    /// Its number within connection and direction, from 1.
    pub number: u64,
    /// Its bytes.
    pub size: usize,
    /// What it was.
    pub fate: PieceFate,
    /// How long its first byte was kept.
    pub delay_ms: f64,
}

/// What left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PieceFate {
    /// Bytes.
    Passed,
    /// The end of the stream.
    End,
    /// A reset, to both sides.
    Reset,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_false(value: &bool) -> bool {
    !value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// Milliseconds with all nanoseconds: up to 100 days nothing is rounded.
#[must_use]
pub fn to_ms(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6
}

/// The way back; what no clock shows (negative, not a number) is zero.
#[must_use]
pub fn from_ms(ms: f64) -> Duration {
    Duration::from_nanos((ms * 1e6).round() as u64)
}

/// The records of an earlier run, by flow, direction and number.
#[derive(Debug, Clone, Default)]
pub struct Recording(HashMap<(u64, Direction, u64), Record>);

impl Recording {
    /// Reads what `--log` wrote; `name` is for errors. The first line may be the log's own heading.
    ///
    /// # Errors
    /// What cannot be read, is no record, or is too much, with its line.
    pub fn read(mut from: impl BufRead, name: &str) -> Result<Self, OpError> {
        let mut records = HashMap::new();
        let mut line = String::new();
        for number in 1_u64.. {
            line.clear();
            let wrong = |error| OpError::new("read", format!("{name}, line {number}"), error);
            let mut limited = std::io::Read::take(&mut from, LINE_LEN_MAX);
            if limited.read_line(&mut line).map_err(wrong)? == 0 {
                break;
            }
            let hint = "it wants the file that `udp ... --log FILE` has written";
            if number == 1
                && let Ok(heading) = serde_json::from_str::<Heading>(&line)
            {
                if heading.protocol != "udp" {
                    let what = format!("a log of {}, in which nothing is by chance", heading.protocol);
                    return Err(wrong(std::io::Error::other(what)).with_hint(hint));
                }
                continue;
            }
            let record: Record = serde_json::from_str(&line).map_err(|error| wrong(error.into()).with_hint(hint))?;
            records.insert((record.flow, record.direction, record.number), record);
            if records.len() > RECORDS_MAX {
                return Err(wrong(std::io::Error::other(format!("more than {RECORDS_MAX} records"))));
            }
        }
        if records.is_empty() {
            return Err(OpError::new("read", name, std::io::Error::other("there is no datagram in it")));
        }
        Ok(Self(records))
    }

    /// What happened to this datagram in the recorded run.
    #[must_use]
    pub fn get(&self, flow: u64, direction: Direction, number: u64) -> Option<&Record> {
        self.0.get(&(flow, direction, number))
    }
}

/// The first line of a log: with it the run can be had again by seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// `udp` or `tcp`.
    pub protocol: String,
    /// The seed, where chance played a part.
    pub seed: Option<u64>,
    /// The options, as they were typed.
    pub options: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            at_ms: 12.5,
            flow: 1,
            direction: Direction::Up,
            number: 3,
            size: 6,
            fate: Outcome::QueueFull,
            delay_ms: 0.0,
            queued_ms: 0.0,
            twice: false,
            held_behind: 0,
            flipped_bit: None,
        }
    }

    #[test]
    fn a_line_has_one_documented_shape() {
        let line = r#"{"at_ms":12.5,"flow":1,"direction":"up","number":3,"size":6,"fate":"queue full","delay_ms":0.0,"queued_ms":0.0}"#;
        assert_eq!(serde_json::to_string(&record()).unwrap(), line);
        let unusual = Record { twice: true, held_behind: 2, flipped_bit: Some(0), ..record() };
        let line = serde_json::to_string(&unusual).unwrap();
        assert!(line.ends_with(r#""twice":true,"held_behind":2,"flipped_bit":0}"#), "{line}");
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), unusual);
    }

    fn cause_of(error: &OpError) -> String {
        std::error::Error::source(error).unwrap().to_string()
    }

    #[test]
    fn every_nanosecond_comes_back() {
        for nanos in [0, 1, 999_999, 50_000_001, 86_400_000_000_001] {
            let time = Duration::from_nanos(nanos);
            assert_eq!(from_ms(to_ms(time)), time);
        }
        assert_eq!((from_ms(-1.0), from_ms(f64::NAN)), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn a_recording_is_read_with_and_without_its_heading() {
        let line = serde_json::to_string(&record()).unwrap();
        let heading = r#"{"protocol":"udp","seed":7,"options":["--loss","5%"]}"#;
        for text in [format!("{heading}\n{line}\n"), line] {
            let recording = Recording::read(text.as_bytes(), "教室.jsonl").unwrap();
            assert_eq!(recording.get(1, Direction::Up, 3), Some(&record()));
            assert_eq!(recording.get(1, Direction::Down, 3), None);
        }
    }

    #[test]
    fn what_is_no_record_is_refused_with_its_line() {
        for text in ["{\"flow\":1}\n", "你好\n", "[]"] {
            let error = Recording::read(text.as_bytes(), "教室.jsonl").unwrap_err();
            assert_eq!(error.to_string(), "read 教室.jsonl, line 1");
        }
        let of_tcp = Recording::read(&br#"{"protocol":"tcp","seed":null,"options":[]}"#[..], "tcp.jsonl").unwrap_err();
        assert!(cause_of(&of_tcp).contains("a log of tcp"), "{of_tcp:?}");
        for text in ["", "{\"protocol\":\"udp\",\"seed\":7,\"options\":[]}\n"] {
            let error = Recording::read(text.as_bytes(), "教室.jsonl").unwrap_err();
            assert!(cause_of(&error).contains("there is no datagram in it"), "{error:?}");
        }
        let endless = "x".repeat(100_000);
        assert!(Recording::read(endless.as_bytes(), "long").is_err());
    }
}
