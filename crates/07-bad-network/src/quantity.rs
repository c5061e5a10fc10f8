//! Probabilities and rates as people write them: `5%`, `0.05`, `20mbit`.
//!
//! Both are kept as whole numbers, parts of a billion and bits a second, so that the same option means
//! the same fates on every system. Durations and sizes are in `netcommon::units`.

use std::time::Duration;

/// What certainty is counted in: parts of a billion.
const CERTAIN: u32 = 1_000_000_000;

/// The fastest rate that one can ask for; above it a byte takes less than a nanosecond's eighth.
const RATE_MAX_BITS: f64 = 1e12;

/// How likely something is, from never to always; checked once, here.
///
/// # Examples
/// ```
/// use bad_network::quantity::Probability;
///
/// let loss = Probability::parse("5%").unwrap();
/// assert_eq!(loss, Probability::parse("0.05").unwrap());
/// assert_eq!(loss.to_string(), "5%");
/// assert!(Probability::parse("105%").is_err());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probability(u32);

impl Probability {
    /// Never.
    pub const NEVER: Self = Self(0);
    /// Always.
    pub const ALWAYS: Self = Self(CERTAIN);

    /// From a share between 0 and 1; outside, the nearer end.
    #[must_use]
    pub fn from_share(share: f64) -> Self {
        // A float turns into an integer by saturating, so this is between the ends whatever comes.
        Self((share.clamp(0.0, 1.0) * f64::from(CERTAIN)).round() as u32)
    }

    /// Between 0 and 1.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.0) / f64::from(CERTAIN)
    }

    /// Reads `5%`, `0.5%` or `0.05`.
    ///
    /// # Errors
    /// No number, or outside 0 to 100 %.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (number, scale) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), 0.01),
            None => (text, 1.0),
        };
        let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let value = number.parse::<f64>().ok().filter(|_| plain);
        let share = value.ok_or("expected a share, for example 5% or 0.05")? * scale;
        if share > 1.0 {
            return Err("more than always; write for example 5% or 0.05".to_owned());
        }
        Ok(Self::from_share(share))
    }

    /// Whether it happens, given a draw that is uniform over all of `u64`.
    #[must_use]
    pub fn happens(self, draw: u64) -> bool {
        // Scales the draw down to a billion: the upper half of a 64 by 32 bit product.
        (u128::from(draw) * u128::from(CERTAIN)) >> 64 < u128::from(self.0)
    }
}

impl std::fmt::Display for Probability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 1e7)
    }
}

/// Bits a second, above zero.
///
/// # Examples
/// ```
/// use bad_network::quantity::Rate;
/// use std::time::Duration;
///
/// let rate = Rate::parse("20mbit").unwrap();
/// assert_eq!(rate.time_for(2500), Duration::from_millis(1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(u64);

impl Rate {
    /// Reads `9600bit`, `64kbit`, `20mbit` or `1gbit`; a thousand bits are a kbit.
    ///
    /// # Errors
    /// No number, no or an unknown unit, nothing, or more than a million mbit.
    pub fn parse(text: &str) -> Result<Self, String> {
        let number_len = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let (number, unit) = text.split_at(number_len);
        let number: f64 = number.parse().map_err(|_| "expected a rate, for example 20mbit or 64kbit")?;
        let factor = match unit.trim().to_ascii_lowercase().as_str() {
            "bit" => 1.0,
            "kbit" => 1e3,
            "mbit" => 1e6,
            "gbit" => 1e9,
            "" => return Err(format!("no unit; write for example {number}mbit or {number}kbit")),
            _ => return Err("unknown unit; there are bit, kbit, mbit and gbit, a second each".to_owned()),
        };
        let bits = number * factor;
        if !(1.0..=RATE_MAX_BITS).contains(&bits) {
            return Err("expected 1bit to 1000gbit a second".to_owned());
        }
        Ok(Self(bits as u64))
    }

    /// Bits a second.
    #[must_use]
    pub fn bits_per_second(self) -> u64 {
        self.0
    }

    /// How long so many bytes take.
    #[must_use]
    pub fn time_for(self, bytes: usize) -> Duration {
        let nanos = bytes as u128 * 8 * 1_000_000_000 / u128::from(self.0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many whole bytes pass in `time`.
    #[must_use]
    pub fn bytes_in(self, time: Duration) -> usize {
        let bytes = time.as_nanos() * u128::from(self.0) / 8 / 1_000_000_000;
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_as_people_write_them() {
        for (text, want) in
            [("0", 0), ("0%", 0), ("5%", 50_000_000), ("0.5 %", 5_000_000), ("0.05", 50_000_000), ("100%", CERTAIN)]
        {
            assert_eq!(Probability::parse(text), Ok(Probability(want)), "{text}");
        }
        for text in ["", "%", "5", "-1%", "101%", "五%", "NaN", "inf%", "1e-3", "1.2.3%"] {
            assert!(Probability::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn never_and_always_are_meant_literally() {
        for draw in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(!Probability::NEVER.happens(draw) && Probability::ALWAYS.happens(draw));
        }
        let half = Probability::parse("50%").unwrap();
        assert!(half.happens(u64::MAX / 2 - 10) && !half.happens(u64::MAX / 2 + 10));
    }

    #[test]
    fn rates_are_written_as_people_write_them() {
        for (text, want) in [
            ("9600bit", 9600),
            ("64kbit", 64_000),
            ("1.5mbit", 1_500_000),
            ("1Gbit", 1_000_000_000),
            ("2 mbit", 2_000_000),
        ] {
            assert_eq!(Rate::parse(text), Ok(Rate(want)), "{text}");
        }
        for (text, want) in [
            ("", "expected a rate, for example 20mbit or 64kbit"),
            ("fast", "expected a rate, for example 20mbit or 64kbit"),
            ("20", "no unit; write for example 20mbit or 20kbit"),
            ("20MB", "unknown unit; there are bit, kbit, mbit and gbit, a second each"),
            ("0mbit", "expected 1bit to 1000gbit a second"),
            ("9999gbit", "expected 1bit to 1000gbit a second"),
        ] {
            assert_eq!(Rate::parse(text), Err(want.to_owned()), "{text}");
        }
    }

    #[test]
    fn time_and_bytes_belong_together() {
        let rate = Rate::parse("1mbit").unwrap();
        assert_eq!((rate.time_for(125), rate.bytes_in(Duration::from_millis(1))), (Duration::from_millis(1), 125));
    }
}
