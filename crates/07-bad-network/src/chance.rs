//! Chance without a history: each datagram has dice of its own, made of its numbers.
//!
//! An ordinary generator hands out one number after the other, so whoever asks first gets another one,
//! and the same seed gives another run as soon as two clients race. Here a number is *computed* from the
//! seed, the flow, the direction, the datagram's number and what it is for. Source of the mixing step:
//! Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (`SplitMix64`), OOPSLA 2014.

use std::time::Duration;

use crate::quantity::Probability;

/// The odd number nearest to 2^64 divided by the golden ratio: `SplitMix64`'s step.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Which way a datagram or a byte goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the client to the target.
    Up,
    /// From the target back to the client.
    Down,
}

impl Direction {
    /// Both, in the order of arrays with one element for each.
    pub const BOTH: [Self; 2] = [Self::Up, Self::Down];

    /// The place in such an array.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The way back.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }

    /// `up` or `down`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// What a draw is for. Each purpose has its own, so that asking for duplicates as well does not change
/// which datagrams are lost. The numbers are part of every recorded seed: add at the end, change none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Is it lost?
    Loss = 1,
    /// Does a burst of losses begin or end before it?
    Burst = 2,
    /// How much longer or shorter is its delay?
    Delay = 3,
    /// Does it come twice?
    Duplicate = 4,
    /// Is it held back until others have passed?
    Reorder = 5,
    /// Is a bit of it flipped?
    Corrupt = 6,
    /// Which bit?
    Bit = 7,
}

/// The dice of one datagram.
///
/// # Examples
/// ```
/// use bad_network::chance::{Dice, Direction, Purpose};
///
/// let dice = || Dice::new(7, 1, Direction::Up, 42).draw(Purpose::Loss);
/// assert_eq!(dice(), dice()); // Whenever and wherever it is asked.
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Dice(u64);

impl Dice {
    /// The dice of datagram `number` of `flow` in `direction`.
    #[must_use]
    // ANCHOR: dice
    pub fn new(seed: u64, flow: u64, direction: Direction, number: u64) -> Self {
        let mut key = seed;
        for part in [flow, direction as u64, number] {
            key = mix(key.wrapping_add(STEP)) ^ part;
        }
        Self(mix(key))
    }

    /// Uniform over all of `u64`; the same for the same purpose, however often it is asked.
    #[must_use]
    pub fn draw(self, purpose: Purpose) -> u64 {
        mix(self.0.wrapping_add(STEP.wrapping_mul(purpose as u64)))
    }
    // ANCHOR_END: dice

    /// Whether something of this probability happens.
    #[must_use]
    pub fn happens(self, probability: Probability, purpose: Purpose) -> bool {
        probability.happens(self.draw(purpose))
    }

    /// A delay around `mean`: at most `width` away.
    #[must_use]
    pub fn uniform(self, mean: Duration, width: Duration) -> Duration {
        let away = i128::from(self.draw(Purpose::Delay)) - (1 << 63);
        shifted(mean, (nanos(width) * away) >> 63)
    }

    /// A delay around `mean` with the standard deviation `sigma`, never below zero.
    ///
    /// The sum of twelve uniform numbers, whose variance is one (Irwin and Hall): a bell that ends at six
    /// sigma. Logarithms would come nearer, but systems round them differently, and a seed must mean the
    /// same everywhere.
    #[must_use]
    pub fn normal(self, mean: Duration, sigma: Duration) -> Duration {
        let mut sum: i128 = -6 << 32;
        let mut draw = self.draw(Purpose::Delay);
        for _ in 0..6 {
            draw = mix(draw.wrapping_add(STEP));
            sum += i128::from(draw >> 32) + i128::from(draw & 0xffff_ffff);
        }
        shifted(mean, (nanos(sigma) * sum) >> 32)
    }
}

/// `SplitMix64`'s mixing: every bit of the input reaches every bit of the output.
// ANCHOR: mix
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
// ANCHOR_END: mix

/// A duration as a signed number; options end at a year, which takes 55 bits.
fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::from(u64::MAX))
}

fn shifted(mean: Duration, by: i128) -> Duration {
    let nanos = (nanos(mean) + by).clamp(0, i128::from(u64::MAX));
    Duration::from_nanos(u64::try_from(nanos).expect("clamped to the range of u64 above"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn many() -> impl Iterator<Item = Dice> {
        (0..100_000).map(|number| Dice::new(7, 1, Direction::Up, number))
    }

    #[test]
    fn every_number_counts() {
        let dice = |seed, flow, direction, number| Dice::new(seed, flow, direction, number).draw(Purpose::Loss);
        let first = dice(7, 1, Direction::Up, 1);
        for other in [
            dice(8, 1, Direction::Up, 1),
            dice(7, 2, Direction::Up, 1),
            dice(7, 1, Direction::Down, 1),
            dice(7, 1, Direction::Up, 2),
            Dice::new(7, 1, Direction::Up, 1).draw(Purpose::Delay),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn neighbours_have_nothing_in_common() {
        // Of 64 bits half differ on average; over 100,000 pairs the mean strays by 4 / 316 = 0.013.
        let draws: Vec<u64> = many().map(|dice| dice.draw(Purpose::Loss)).collect();
        let differing: u32 = draws.windows(2).map(|pair| (pair[0] ^ pair[1]).count_ones()).sum();
        let mean = f64::from(differing) / (draws.len() - 1) as f64;
        assert!((mean - 32.0).abs() < 0.05, "{mean}");
    }

    #[test]
    fn the_share_of_hits_is_the_one_asked_for() {
        for percent in [0.1, 1.0, 5.0, 50.0, 99.0] {
            let asked = percent / 100.0;
            let hits = many().filter(|dice| dice.happens(Probability::from_share(asked), Purpose::Loss)).count();
            let standard_error = (asked * (1.0 - asked) / 100_000.0).sqrt();
            let measured = hits as f64 / 100_000.0;
            assert!((measured - asked).abs() < 3.0 * standard_error, "{asked} gave {measured}");
        }
    }

    #[test]
    fn a_uniform_delay_stays_within_its_width_and_fills_it() {
        let delays: Vec<Duration> = many().map(|dice| dice.uniform(50 * MS, 10 * MS)).collect();
        let (low, high) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
        assert!(*low >= 40 * MS && *low < 41 * MS && *high <= 60 * MS && *high > 59 * MS, "{low:?} {high:?}");
        let mean = delays.iter().map(Duration::as_secs_f64).sum::<f64>() / delays.len() as f64;
        // Sigma is 20 ms / sqrt(12); three standard errors of 100,000.
        assert!((mean - 0.050).abs() < 3.0 * 0.005_774 / 316.0, "{mean}");
    }

    #[test]
    fn a_normal_delay_has_the_sigma_asked_for() {
        let delays: Vec<f64> = many().map(|dice| dice.normal(100 * MS, 10 * MS).as_secs_f64()).collect();
        let mean = delays.iter().sum::<f64>() / delays.len() as f64;
        let sigma = (delays.iter().map(|delay| (delay - mean).powi(2)).sum::<f64>() / delays.len() as f64).sqrt();
        assert!((mean - 0.1).abs() < 3.0 * 0.01 / 316.0 && (sigma - 0.01).abs() < 0.0001, "{mean} {sigma}");
        let within = delays.iter().filter(|delay| (*delay - 0.1).abs() < 0.01).count();
        assert!((67_500..69_000).contains(&within), "68.3 % lie within one sigma, here {within} of 100,000");
    }

    #[test]
    fn no_delay_is_below_zero() {
        assert!(many().all(|dice| dice.normal(MS, 10 * MS) >= Duration::ZERO));
        assert!(many().any(|dice| dice.uniform(MS, 10 * MS) == Duration::ZERO));
    }
}
