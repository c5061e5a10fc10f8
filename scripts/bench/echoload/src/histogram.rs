//! Times, counted in buckets whose width grows with the time: a fixed amount of memory, and every
//! quantile within 1.6 % of the truth.
//!
//! Each power of two is divided into 64 buckets of equal width, the layout that `HdrHistogram` made
//! known. Pure.

use std::time::Duration;

const SUB_BITS: u32 = 6;
const SUB_COUNT: u64 = 1 << SUB_BITS;
/// Nanoseconds in 64 bits: one linear run below 64, and one run for each power of two above.
const BUCKETS: usize = (u64::BITS - SUB_BITS + 1) as usize * SUB_COUNT as usize;

/// A histogram of durations.
#[derive(Debug, Clone)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, max: Duration::ZERO }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket_of(nanos)] += 1;
        self.count += 1;
        self.max = self.max.max(duration);
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest one, exactly.
    #[must_use]
    pub fn max(&self) -> Duration {
        self.max
    }

    /// The duration that the given share of all (0.0 to 1.0) does not exceed, rounded up to the end
    /// of its bucket; zero when nothing was counted.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use echoload::histogram::Histogram;
    ///
    /// let mut times = Histogram::default();
    /// (1..=100).for_each(|n| times.record(Duration::from_micros(n)));
    /// let median = times.quantile(0.5).as_secs_f64() * 1e6;
    /// assert!((50.0..51.0).contains(&median));
    /// ```
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = (share * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= rank {
                return Duration::from_nanos(last_in(bucket)).min(self.max);
            }
        }
        self.max
    }
}

fn bucket_of(nanos: u64) -> usize {
    if nanos < SUB_COUNT {
        return nanos as usize;
    }
    let shift = nanos.ilog2() - SUB_BITS;
    let run = u64::from(shift + 1) * SUB_COUNT;
    (run + (nanos >> shift) - SUB_COUNT) as usize
}

/// The largest number of nanoseconds that falls into a bucket.
fn last_in(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < SUB_COUNT {
        return bucket;
    }
    let shift = bucket / SUB_COUNT - 1;
    let first = (bucket % SUB_COUNT + SUB_COUNT) << shift;
    first + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_one_another_without_a_gap() {
        for bucket in 0..BUCKETS - 1 {
            assert_eq!(bucket_of(last_in(bucket)), bucket);
            assert_eq!(bucket_of(last_in(bucket) + 1), bucket + 1);
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn a_quantile_is_at_most_a_sixtieth_above_the_truth() {
        let mut times = Histogram::default();
        for micros in 1..=10_000 {
            times.record(Duration::from_micros(micros));
        }
        for (share, want) in [(0.01, 100.0), (0.5, 5_000.0), (0.99, 9_900.0)] {
            let got = times.quantile(share).as_secs_f64() * 1e6;
            assert!(got >= want && got <= want * 1.016, "{share}: {got}");
        }
        assert_eq!(times.quantile(1.0), Duration::from_micros(10_000));
    }

    #[test]
    fn nothing_counted_is_zero() {
        assert_eq!(Histogram::default().quantile(0.5), Duration::ZERO);
    }
}
