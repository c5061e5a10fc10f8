//! A point in time: microseconds since 1970, printed as RFC 3339 in UTC.
//!
//! All moments of a run come from one [`Clock`]: the wall clock is asked once, at the start, and from then on
//! the monotonic one is added. So a clock that somebody sets back makes no connection end before it began;
//! [`Clock::set_by`] tells how far the wall clock has been set since. Sources: RFC 3339 section 5.6;
//! `clock_gettime(2)`, `CLOCK_REALTIME` and `CLOCK_MONOTONIC`.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

const MICROS: u64 = 1_000_000;
const DAY_SECONDS: u64 = 24 * 60 * 60;

/// The end of the year 9999, the last that RFC 3339 can write.
const MICROS_MAX: u64 = 253_402_300_800 * MICROS - 1;

/// A point in time, to the microsecond.
///
/// # Examples
/// ```
/// use net_monitor::moment::Moment;
///
/// let moment: Moment = "2026-11-23T08:15:00.25Z".parse()?;
/// assert_eq!(moment.to_string(), "2026-11-23T08:15:00.250000Z");
/// # Ok::<(), net_monitor::moment::NotAMoment>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Moment(u64);

/// A text that is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a moment such as 2026-11-23T08:15:00.250000Z")]
pub struct NotAMoment;

impl Moment {
    /// So many microseconds after the beginning of 1970; what lies behind the year 9999 is its last moment.
    #[must_use]
    pub fn from_micros(micros: u64) -> Self {
        Self(micros.min(MICROS_MAX))
    }

    /// Microseconds since the beginning of 1970.
    #[must_use]
    pub fn micros(self) -> u64 {
        self.0
    }

    /// How long after `earlier`; zero when it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// So much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }

    /// So much earlier, but not before 1970.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }

    /// Date and time to the second, for people: `2026-11-23 08:15:00`.
    #[must_use]
    pub fn to_the_second(self) -> String {
        self.to_string()[..19].replace('T', " ")
    }

    /// The time of day, for a line that people read: `08:15:00.250`.
    #[must_use]
    pub fn time_of_day(self) -> String {
        let second = self.0 / MICROS % DAY_SECONDS;
        let (hour, minute) = (second / 3600, second / 60 % 60);
        format!("{hour:02}:{minute:02}:{:02}.{:03}", second % 60, self.0 % MICROS / 1000)
    }
}

impl From<SystemTime> for Moment {
    /// A time before 1970 becomes 1970: no machine that runs this was there.
    fn from(time: SystemTime) -> Self {
        Self::default().plus(time.duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / MICROS, self.0 % MICROS);
        let (year, month, day) = date(seconds / DAY_SECONDS);
        let second = seconds % DAY_SECONDS;
        let (hour, minute) = (second / 3600, second / 60 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}.{micros:06}Z", second % 60)
    }
}

impl FromStr for Moment {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        let number = |from: usize, to: usize| -> Option<u64> {
            let digits = text.get(from..to)?;
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
        };
        let parse = || {
            let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
            marks.iter().all(|(at, mark)| text.as_bytes().get(*at) == Some(mark)).then_some(())?;
            let day = days(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
            let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
            (hour < 24 && minute < 60 && second < 60).then_some(())?;
            let fraction = text.get(19..)?.strip_suffix('Z')?;
            let micros = match fraction.strip_prefix('.') {
                Some(digits) if (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) => {
                    format!("{digits:0<6}").parse().ok()?
                }
                None if fraction.is_empty() => 0,
                _ => return None,
            };
            Some(Self((day * DAY_SECONDS + hour * 3600 + minute * 60 + second) * MICROS + micros))
        };
        parse().ok_or(NotAMoment)
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl TryFrom<String> for Moment {
    type Error = NotAMoment;

    fn try_from(text: String) -> Result<Self, NotAMoment> {
        text.parse()
    }
}

/// Days from 1970 to the beginning of a year of the Gregorian calendar.
fn days_before(year: u64) -> u64 {
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969)
}

fn month_days(year: u64) -> [u64; 12] {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

/// The day's number since 1970; `None` for a day that does not exist.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let months = month_days(year);
    let index = usize::try_from(month.checked_sub(1)?).ok().filter(|index| *index < 12)?;
    let known = (1970..=9999).contains(&year) && (1..=months[index]).contains(&day);
    known.then(|| days_before(year) + months[..index].iter().sum::<u64>() + day - 1)
}

/// Year, month and day of a day's number since 1970.
fn date(number: u64) -> (u64, u64, u64) {
    let mut year = 1970 + number / 366;
    while days_before(year + 1) <= number {
        year += 1;
    }
    let mut left = number - days_before(year);
    for (month, days) in (1..).zip(month_days(year)) {
        if left < days {
            return (year, month, left + 1);
        }
        left -= days;
    }
    unreachable!("the months of a year have all its days")
}

/// What tells the moments of one run.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    wall: Moment,
    monotonic: Instant,
}

impl Clock {
    /// Asks both clocks of the system.
    #[must_use]
    pub fn start() -> Self {
        Self { wall: SystemTime::now().into(), monotonic: Instant::now() }
    }

    /// The moment that it is, which nobody can set back.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.wall.plus(self.monotonic.elapsed())
    }

    /// When `moment` is, for a wait with a deadline.
    #[must_use]
    pub fn instant(&self, moment: Moment) -> Instant {
        self.monotonic + moment.since(self.wall)
    }

    /// By how many microseconds the system's wall clock has been set, forward or (negative) back, since the start.
    #[must_use]
    pub fn set_by(&self) -> i64 {
        let (system, ours) = (Moment::from(SystemTime::now()), self.now());
        i64::try_from(system.0).unwrap_or(i64::MAX) - i64::try_from(ours.0).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn well_known_moments_read_as_everywhere() {
        for (seconds, want) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (1_000_000_000, "2001-09-09T01:46:40.000000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(Moment::from_micros(seconds * MICROS).to_string(), want);
        }
        assert_eq!(Moment::from_micros(u64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-11-23",
            "2026-02-29T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T08:15:00",
            "2026-11-23T08:15:00.Z",
            "2026-11-23T08:15:00.1234567Z",
            "1969-12-31T23:59:59Z",
            "+026-11-23T08:15:00Z",
            "二〇二六年十一月二十三日",
        ] {
            assert_eq!(text.parse::<Moment>(), Err(NotAMoment), "{text}");
        }
    }

    #[test]
    fn nothing_happens_before_it_began() {
        let (early, late) = (Moment::from_micros(5), Moment::from_micros(9));
        assert_eq!((late.since(early), early.since(late)), (Duration::from_micros(4), Duration::ZERO));
    }

    proptest! {
        #[test]
        fn a_moment_comes_back_from_its_text(micros in 0..=MICROS_MAX) {
            let moment = Moment::from_micros(micros);
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}") {
            let _ = text.parse::<Moment>();
        }
    }
}
