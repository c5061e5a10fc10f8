//! What one direction does to datagrams: the settings, and the keys by which people name them.
//!
//! The same keys are options (`--loss 5%`), parts of `--up loss=5%,delay=50ms`, and lines of a scenario
//! file, so all three are read here. Read `quantity.rs` before. The terms are those of RFC 7680 (loss),
//! RFC 7679 (delay), RFC 3393 (delay variation), RFC 4737 (reordering) and RFC 5560 (duplication).

use std::time::Duration;

use netcommon::units::{parse_duration, parse_size};

use crate::quantity::{Probability, Rate};

/// How long a datagram that is held back for reordering waits at most for others to pass it: longer than
/// most programs send again after, so that a lone datagram comes late, but comes.
pub const REORDER_WAIT: Duration = Duration::from_millis(300);

/// The most datagrams that may pass one that is held back.
pub const REORDER_GAP_MAX: u32 = 1_000;

/// Shares are kept in parts of a billion, and 80 % divided by 20 % is a little more than 4.
const ROUNDING: f64 = 1e-6;

/// One direction of a datagram network. The default changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct DatagramWay {
    /// How long a datagram is on its way.
    pub delay: Duration,
    /// How far its delay strays: the width to either side, or the standard deviation.
    pub variation: Duration,
    /// How the variation is distributed.
    pub spread: Spread,
    /// The share of datagrams that are lost.
    pub loss: Probability,
    /// The mean number of datagrams in a bad spell; 0 makes each loss a chance of its own.
    pub burst: f64,
    /// The share that is lost inside a bad spell.
    pub burst_loss: Probability,
    /// The share that arrives twice.
    pub duplicate: Probability,
    /// The share that is held back until others have passed.
    pub reorder: Probability,
    /// How many others pass.
    pub reorder_gap: u32,
    /// The share that has one bit flipped.
    pub corrupt: Probability,
    /// The rate of the bottleneck, for all flows together.
    pub rate: Option<Rate>,
    /// How many bytes may wait for the bottleneck.
    pub queue: usize,
    /// How long a datagram may have to wait for it.
    pub queue_time: Option<Duration>,
    /// Nothing passes from the first to the second of these, counted from the start.
    pub cut: Option<(Duration, Duration)>,
}

/// How delay variation is distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Any delay up to the width away is equally likely.
    Uniform,
    /// A bell, with the variation as standard deviation.
    Normal,
}

impl Default for DatagramWay {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            variation: Duration::ZERO,
            spread: Spread::Uniform,
            loss: Probability::NEVER,
            burst: 0.0,
            burst_loss: Probability::ALWAYS,
            duplicate: Probability::NEVER,
            reorder: Probability::NEVER,
            reorder_gap: 1,
            corrupt: Probability::NEVER,
            rate: None,
            // What a small router has; some 43 full Ethernet frames.
            queue: 64 * 1024,
            queue_time: None,
            cut: None,
        }
    }
}

/// The keys, for error messages.
const KEYS: &str = "delay, vary, spread, loss, burst, burst-loss, duplicate, reorder, reorder-gap, corrupt, rate, queue, \
                    queue-time and cut";

impl DatagramWay {
    /// Sets what `key` names to the quantity that `value` writes.
    ///
    /// # Errors
    /// An unknown key, or a value that is none; the text says what would be right.
    ///
    /// # Examples
    /// ```
    /// use bad_network::way::DatagramWay;
    ///
    /// let mut way = DatagramWay::default();
    /// way.set("delay", "50ms").unwrap();
    /// way.set("loss", "5%").unwrap();
    /// assert_eq!((way.delay.as_millis(), way.loss.share()), (50, 0.05));
    /// assert!(way.set("lost", "5%").is_err());
    /// ```
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "delay" => self.delay = time(value)?,
            "vary" => self.variation = time(value)?,
            "spread" => {
                self.spread = match value {
                    "uniform" => Spread::Uniform,
                    "normal" => Spread::Normal,
                    _ => return Err("expected uniform or normal".to_owned()),
                }
            }
            "loss" => self.loss = Probability::parse(value)?,
            "burst" => self.burst = mean_length(value)?,
            "burst-loss" => self.burst_loss = Probability::parse(value)?,
            "duplicate" => self.duplicate = Probability::parse(value)?,
            "reorder" => self.reorder = Probability::parse(value)?,
            "reorder-gap" => self.reorder_gap = gap(value)?,
            "corrupt" => self.corrupt = Probability::parse(value)?,
            "rate" => self.rate = Some(Rate::parse(value)?),
            "queue" => self.queue = parse_size(value).map_err(|error| error.to_string())?,
            "queue-time" => self.queue_time = Some(time(value)?),
            "cut" => self.cut = Some(span(value)?),
            _ => return Err(format!("unknown impairment `{key}`; there are {KEYS}")),
        }
        Ok(())
    }

    /// Whether the settings fit together: a mean loss that the bursts cannot reach is a mistake.
    ///
    /// # Errors
    /// What does not fit, and what would.
    pub fn check(&self) -> Result<(), String> {
        let Self { loss, burst, burst_loss, .. } = *self;
        if burst <= 0.0 {
            return Ok(());
        }
        if loss >= burst_loss {
            let or_raise = if burst_loss == Probability::ALWAYS { "" } else { " or raise burst-loss" };
            return Err(format!(
                "a loss of {loss} with a loss of {burst_loss} inside bursts: everything would be one burst; lower \
                 loss{or_raise}"
            ));
        }
        // Between two bursts at least one datagram passes, so short bursts cannot lose nearly all.
        let bad_share = loss.share() / burst_loss.share();
        let burst_min = bad_share / (1.0 - bad_share);
        if burst < burst_min - ROUNDING {
            return Err(format!(
                "a loss of {loss} in bursts of {burst}: the next one would have to begin before the last one is over; \
                 lower loss, or write a burst of {:.1} or more",
                ((burst_min - ROUNDING) * 10.0).ceil() / 10.0
            ));
        }
        Ok(())
    }

    /// Whether every datagram leaves as it came and when it came.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        let untouched = Self { queue: self.queue, queue_time: self.queue_time, ..Self::default() };
        *self == untouched
    }
}

/// A duration; unlike a timeout it may be zero.
pub(crate) fn time(value: &str) -> Result<Duration, String> {
    if value == "0" || value == "0ms" || value == "0s" {
        return Ok(Duration::ZERO);
    }
    parse_duration(value).map_err(|error| error.to_string())
}

/// A mean number of datagrams: at least one, or it would be no burst.
fn mean_length(value: &str) -> Result<f64, String> {
    let length = value.parse().ok().filter(|length: &f64| (1.0..=1e6).contains(length));
    length.ok_or_else(|| "expected a mean number of datagrams from 1 to 1000000, for example 4".to_owned())
}

fn gap(value: &str) -> Result<u32, String> {
    let gap = value.parse().ok().filter(|gap| (1..=REORDER_GAP_MAX).contains(gap));
    gap.ok_or_else(|| format!("expected a number of datagrams from 1 to {REORDER_GAP_MAX}"))
}

/// `2s-5s`: from when to when.
fn span(value: &str) -> Result<(Duration, Duration), String> {
    let (from, to) = value.split_once('-').ok_or("expected two times, for example 2s-5s")?;
    let (from, to) = (time(from)?, time(to)?);
    if from >= to {
        return Err("it ends before it begins; write for example 2s-5s".to_owned());
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_named_exists_and_changes_something() {
        let keys: Vec<&str> = KEYS.split([',', ' ']).filter(|word| !word.is_empty() && *word != "and").collect();
        assert_eq!(keys.len(), 14);
        for key in keys {
            let value = match key {
                "spread" => "normal",
                "burst" | "reorder-gap" => "3",
                "delay" | "vary" | "queue-time" => "50ms",
                "rate" => "20mbit",
                "queue" => "1MiB",
                "cut" => "2s-5s",
                _ => "5%",
            };
            let mut way = DatagramWay::default();
            way.set(key, value).unwrap_or_else(|error| panic!("{key}: {error}"));
            assert_ne!(way, DatagramWay::default(), "{key}");
        }
    }

    #[test]
    fn a_time_may_be_zero_but_not_without_a_unit() {
        assert_eq!(time("0ms"), Ok(Duration::ZERO));
        assert!(time("50").unwrap_err().contains("no unit"));
    }

    #[test]
    fn each_mistake_says_what_would_be_right() {
        for (key, value, want) in [
            ("spread", "flat", "expected uniform or normal"),
            ("burst", "0.5", "expected a mean number of datagrams from 1 to 1000000, for example 4"),
            ("burst", "NaN", "expected a mean number of datagrams from 1 to 1000000, for example 4"),
            ("reorder-gap", "0", "expected a number of datagrams from 1 to 1000"),
            ("cut", "2s", "expected two times, for example 2s-5s"),
            ("cut", "5s-2s", "it ends before it begins; write for example 2s-5s"),
        ] {
            assert_eq!(DatagramWay::default().set(key, value), Err(want.to_owned()), "{key}={value}");
        }
    }

    #[test]
    fn bursts_that_cannot_reach_the_mean_are_refused() {
        let mut way = DatagramWay::default();
        for (key, value) in [("loss", "50%"), ("burst", "4"), ("burst-loss", "40%")] {
            way.set(key, value).unwrap();
        }
        assert!(way.check().unwrap_err().contains("lower loss"));
        way.set("burst-loss", "70%").unwrap();
        assert_eq!(way.check(), Ok(()));
    }

    #[test]
    fn bursts_that_are_too_short_for_the_mean_are_refused() {
        let mut way = DatagramWay::default();
        for (key, value) in [("loss", "80%"), ("burst", "3.9")] {
            way.set(key, value).unwrap();
        }
        assert!(way.check().unwrap_err().ends_with("write a burst of 4.0 or more"));
        way.set("burst", "4").unwrap();
        assert_eq!(way.check(), Ok(()));
        way.set("burst-loss", "90%").unwrap();
        assert!(way.check().unwrap_err().ends_with("write a burst of 8.0 or more"));
    }

    #[test]
    fn a_queue_without_a_rate_changes_nothing() {
        let mut way = DatagramWay::default();
        way.set("queue", "1kB").unwrap();
        assert!(way.changes_nothing());
        way.set("loss", "1%").unwrap();
        assert!(!way.changes_nothing());
    }
}
