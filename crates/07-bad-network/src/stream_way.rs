//! What one direction does to a stream of bytes: the settings, and the keys by which people name them.
//!
//! TCP repairs what a network loses, repeats or reorders, so none of that reaches a program. What does
//! reach it: bytes come late, in other pieces than they were sent, slowly, or no more. Chance plays no
//! part here: the same bytes, the same pieces. Read `way.rs` before.

use std::num::NonZeroUsize;
use std::time::Duration;

use netcommon::units::parse_size;

use crate::quantity::Rate;
use crate::way::time;

/// One direction of each connection. The default changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamWay {
    /// How long bytes are on their way.
    pub delay: Duration,
    /// The rate of each connection.
    pub rate: Option<Rate>,
    /// The most bytes in one piece.
    pub slice: Option<NonZeroUsize>,
    /// The time between two pieces, without which a receiver would find them glued together again.
    pub slice_gap: Duration,
    /// How long bytes gather before they leave together.
    pub glue: Duration,
    /// After so many bytes nothing passes any more.
    pub stall_after: Option<u64>,
    /// So long after the connection's beginning nothing passes any more.
    pub stall_at: Option<Duration>,
    /// How long a stall lasts; `None` is for ever.
    pub stall_for: Option<Duration>,
    /// After so many bytes both sides get a reset.
    pub reset_after: Option<u64>,
    /// After so many bytes the receiver gets the end of the stream.
    pub close_after: Option<u64>,
    /// The most bytes that are on their way; behind them the sender has to wait.
    pub window: usize,
}

impl Default for StreamWay {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            rate: None,
            slice: None,
            // As chapter 2's client: the receiver reads one before the next comes, also on a busy machine.
            slice_gap: Duration::from_millis(100),
            glue: Duration::ZERO,
            stall_after: None,
            stall_at: None,
            stall_for: None,
            reset_after: None,
            close_after: None,
            // 40 mbit at 50 ms, and half a gigabyte for 1,000 connections that nobody reads, both ways.
            window: 256 * 1024,
        }
    }
}

/// The keys, for error messages.
const KEYS: &str = "delay, rate, slice, slice-gap, glue, stall-after, stall-at, stall-for, reset-after, close-after and \
                    window";

impl StreamWay {
    /// Sets what `key` names to the quantity that `value` writes.
    ///
    /// # Errors
    /// An unknown key, or a value that is none; the text says what would be right.
    ///
    /// # Examples
    /// ```
    /// use bad_network::stream_way::StreamWay;
    ///
    /// let mut way = StreamWay::default();
    /// way.set("slice", "4").unwrap();
    /// assert!(way.set("loss", "5%").unwrap_err().contains("slice"));
    /// ```
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "delay" => self.delay = time(value)?,
            "rate" => self.rate = Some(Rate::parse(value)?),
            "slice" => self.slice = Some(NonZeroUsize::new(size(value)?).ok_or("expected at least 1 byte")?),
            "slice-gap" => self.slice_gap = time(value)?,
            "glue" => self.glue = time(value)?,
            "stall-after" => self.stall_after = Some(size(value)? as u64),
            "stall-at" => self.stall_at = Some(time(value)?),
            "stall-for" => self.stall_for = Some(time(value)?),
            "reset-after" => self.reset_after = Some(size(value)? as u64),
            "close-after" => self.close_after = Some(size(value)? as u64),
            "window" => self.window = size(value)?.max(1),
            _ => return Err(format!("unknown impairment `{key}`; for TCP there are {KEYS}")),
        }
        Ok(())
    }

    /// Whether the settings fit together.
    ///
    /// # Errors
    /// What does not fit, and what would.
    pub fn check(&self) -> Result<(), String> {
        if self.stall_after.is_some() && self.stall_at.is_some() {
            return Err("stall-after and stall-at: a connection stalls once; choose one".to_owned());
        }
        Ok(())
    }

    /// Whether bytes leave as they came and when they came.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        *self == Self { slice_gap: self.slice_gap, window: self.window, ..Self::default() }
    }
}

fn size(value: &str) -> Result<usize, String> {
    parse_size(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_named_exists_and_changes_something() {
        let keys: Vec<&str> = KEYS.split([',', ' ']).filter(|word| !word.is_empty() && *word != "and").collect();
        assert_eq!(keys.len(), 11);
        for key in keys {
            let value = match key {
                "rate" => "20mbit",
                "slice" | "stall-after" | "reset-after" | "close-after" | "window" => "4kB",
                _ => "50ms",
            };
            let mut way = StreamWay::default();
            way.set(key, value).unwrap_or_else(|error| panic!("{key}: {error}"));
            assert_ne!(way, StreamWay::default(), "{key}");
        }
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let mut way = StreamWay::default();
        way.set("stall-after", "1").unwrap();
        assert_eq!(way.check(), Ok(()));
        way.set("stall-at", "1s").unwrap();
        assert!(way.check().unwrap_err().contains("choose one"));
        assert!(StreamWay::default().set("slice", "0").is_err());
    }
}
