//! Durations, sizes and counts as people write them: `500ms`, `1.5s`, `10m`, `64KiB`, `20`.
//!
//! Pure; used as clap value parsers (`#[arg(value_parser = parse_duration)]`), so each error says what
//! would have been right. Counted in whole nanoseconds and bytes, because a double makes 2,009.99… bytes
//! of `2.01kB`. Sizes follow IEC 80000-13: `KiB` is 1,024 bytes, `kB` is 1,000.

use std::fmt::Display;
use std::num::{IntErrorKind, ParseIntError};
use std::str::FromStr;
use std::time::Duration;

use crate::escape::escape;

/// The longest time that an option takes: a year. Longer ones overflow a deadline on some systems.
const DURATION_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Nanoseconds per unit; a duration is kept to the nanosecond.
const DURATION_UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000), // GREEK SMALL LETTER MU; the one above is MICRO SIGN.
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("min", 60 * 1_000_000_000),
    ("h", 60 * 60 * 1_000_000_000),
    ("d", 24 * 60 * 60 * 1_000_000_000),
];

/// Bytes per unit.
const SIZE_UNITS: &[(&str, u64)] = &[
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

/// Why a text is not a duration or a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nothing that begins with a digit.
    #[error("expected a number and its unit, for example {example}")]
    NoNumber {
        /// What would be right.
        example: &'static str,
    },
    /// `500`, where it may mean seconds or milliseconds.
    #[error("no unit; write for example {number}s or {number}ms")]
    NoUnit {
        /// The number.
        number: String,
    },
    /// A timeout of no time.
    #[error("expected a time above zero, for example 3s or 500ms")]
    Zero,
    /// `3fortnights`
    #[error("unknown unit `{}`; there are {units}", escape(.unit.as_bytes()))]
    UnknownUnit {
        /// What stands behind the number.
        unit: String,
        /// All units.
        units: &'static str,
    },
    /// More than the program can keep.
    #[error("too large; at most {max}")]
    TooLarge {
        /// The limit.
        max: &'static str,
    },
    /// `1.5B`, or nine decimals of a second and one more.
    #[error("too fine; the smallest step is {step}")]
    TooFine {
        /// The smallest step.
        step: &'static str,
    },
}

/// What a kind of quantity is made of.
struct Kind {
    units: &'static [(&'static str, u64)],
    unit_names: &'static str,
    /// What a number without a unit counts; `None` refuses it.
    bare: Option<&'static str>,
    example: &'static str,
    max: u64,
    max_name: &'static str,
    step: &'static str,
    ignores_case: bool,
}

const DURATION: Kind = Kind {
    units: DURATION_UNITS,
    unit_names: "ns, us, ms, s, m, h and d",
    bare: None,
    example: "3s or 500ms",
    // 366 days of nanoseconds take 55 bits.
    max: DURATION_MAX.as_nanos() as u64,
    max_name: "366d",
    step: "1ns",
    ignores_case: false,
};

const SIZE: Kind = Kind {
    units: SIZE_UNITS,
    unit_names: "B, kB, MB, GB (thousands) and KiB, MiB, GiB (1,024s)",
    bare: Some("B"),
    example: "64KiB or 1MB",
    // What a Vec can hold.
    max: isize::MAX as u64,
    max_name: if cfg!(target_pointer_width = "64") { "8 EiB" } else { "2 GiB" },
    step: "1B",
    // Nobody means "millibyte".
    ignores_case: true,
};

/// A time above zero, up to 366 days: a number and `ns`, `us`, `ms`, `s`, `m`, `h` or `d`.
///
/// Negative numbers, exponents and sums (`1m30s`) are not taken.
///
/// # Errors
/// No number, no unit, an unknown one, or too large; the text says which and what is possible.
///
/// # Examples
/// ```
/// use netcommon::units::parse_duration;
/// use std::time::Duration;
///
/// assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
/// let error = parse_duration("500").unwrap_err();
/// assert_eq!(error.to_string(), "no unit; write for example 500s or 500ms");
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, ParseError> {
    match parse(text, &DURATION) {
        Ok(0) => Err(ParseError::Zero),
        // No unit makes more of it.
        Err(ParseError::NoUnit { number }) if number.bytes().all(|digit| digit == b'0') => Err(ParseError::Zero),
        result => result.map(Duration::from_nanos),
    }
}

/// As [`parse_duration`], but zero is a time as well: a grace period of `0s` cuts at once.
///
/// # Errors
/// As [`parse_duration`], except for zero.
///
/// # Examples
/// ```
/// use netcommon::units::parse_duration_or_zero;
/// use std::time::Duration;
///
/// assert_eq!(parse_duration_or_zero("0s"), Ok(Duration::ZERO));
/// ```
pub fn parse_duration_or_zero(text: &str) -> Result<Duration, ParseError> {
    parse(text, &DURATION).map(Duration::from_nanos)
}

/// A number of bytes: alone, or with `B`, `kB`, `KiB`, `MB`, `MiB`, `GB` or `GiB`; case does not matter.
///
/// # Errors
/// As [`parse_duration`], except that a unit may be missing; also a part of a byte.
///
/// # Examples
/// ```
/// use netcommon::units::parse_size;
///
/// assert_eq!(parse_size("64KiB"), Ok(65_536));
/// assert_eq!(parse_size("1.5MB"), Ok(1_500_000));
/// assert_eq!(parse_size("1200"), Ok(1_200));
/// assert!(parse_size("0.5B").is_err());
/// ```
pub fn parse_size(text: &str) -> Result<usize, ParseError> {
    usize::try_from(parse(text, &SIZE)?).map_err(|_| ParseError::TooLarge { max: SIZE.max_name })
}

/// A number from 1 up, without a unit, for an option that keeps it as `NonZeroU16`, `NonZeroUsize` and the like.
///
/// # Errors
/// No number, zero, or more than the type can keep.
///
/// # Examples
/// ```
/// use netcommon::units::parse_count;
/// use std::num::NonZeroU16;
///
/// assert_eq!(parse_count("20"), Ok(NonZeroU16::new(20).unwrap()));
/// assert_eq!(parse_count::<NonZeroU16>("0").unwrap_err(), "expected at least 1");
/// ```
pub fn parse_count<N: FromStr<Err = ParseIntError>>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|error: ParseIntError| match error.kind() {
        IntErrorKind::Zero => "expected at least 1",
        IntErrorKind::PosOverflow => "too large",
        _ => "expected a number, for example 20",
    })
}

/// A number and its noun: `1 byte`, `2 bytes`.
///
/// # Examples
/// ```
/// use netcommon::units::counted;
///
/// assert_eq!([counted(0, "byte"), counted(1, "byte"), counted(2, "byte")], ["0 bytes", "1 byte", "2 bytes"]);
/// ```
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let ending = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

/// Counts `text` in the smallest unit of `kind`.
fn parse(text: &str, kind: &Kind) -> Result<u64, ParseError> {
    let number_len = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let (number, unit) = text.split_at(number_len);
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || decimals.contains('.') || number.ends_with('.') {
        return Err(ParseError::NoNumber { example: kind.example });
    }
    let unit = match (unit.trim_start_matches(' '), kind.bare) {
        ("", None) => return Err(ParseError::NoUnit { number: number.to_owned() }),
        ("", Some(bare)) => bare,
        (unit, _) => unit,
    };
    let is_unit = |name: &str| if kind.ignores_case { name.eq_ignore_ascii_case(unit) } else { name == unit };
    let Some((_, factor)) = kind.units.iter().find(|(name, _)| is_unit(name)) else {
        return Err(ParseError::UnknownUnit { unit: unit.to_owned(), units: kind.unit_names });
    };
    let too_large = || ParseError::TooLarge { max: kind.max_name };
    let whole: u64 = whole.parse().map_err(|_| too_large())?;
    let whole = whole.checked_mul(*factor).ok_or_else(too_large)?;
    let part = fraction(decimals, *factor).ok_or(ParseError::TooFine { step: kind.step })?;
    whole.checked_add(part).filter(|total| *total <= kind.max).ok_or_else(too_large)
}

/// `factor` times 0.`decimals`, if that is a whole number.
fn fraction(decimals: &str, factor: u64) -> Option<u64> {
    let decimals = decimals.trim_end_matches('0');
    if decimals.is_empty() {
        return Some(0);
    }
    // 18 decimals fit into u64, and times a factor below 2^47 into u128.
    let scale = 10_u128.pow(u32::try_from(decimals.len()).ok().filter(|len| *len <= 18)?);
    let scaled = decimals.parse::<u128>().ok()? * u128::from(factor);
    (scaled % scale == 0).then(|| u64::try_from(scaled / scale).expect("a part of a u64 fits into u64"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        for (text, want) in [
            ("500ms", Duration::from_millis(500)),
            ("3s", Duration::from_secs(3)),
            ("1.5s", Duration::from_millis(1500)),
            ("0.25 s", Duration::from_millis(250)),
            ("250us", Duration::from_micros(250)),
            ("250µs", Duration::from_micros(250)),
            ("2m", Duration::from_secs(120)),
            ("2min", Duration::from_secs(120)),
            ("1.5h", Duration::from_secs(5400)),
            ("366d", DURATION_MAX),
            ("1.000000001s", Duration::new(1, 1)),
            ("1.5000000000000000000000s", Duration::from_millis(1500)),
        ] {
            assert_eq!(parse_duration(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn sizes_are_written_as_people_write_them() {
        for (text, want) in [
            ("0", 0),
            ("1000B", 1000),
            ("64KiB", 65_536),
            ("64kib", 65_536),
            ("64kB", 64_000),
            ("1MB", 1_000_000),
            ("1.5MiB", 1_572_864),
            ("2.01kB", 2_010),
            ("1200", 1_200),
            ("1GiB", 1 << 30),
        ] {
            assert_eq!(parse_size(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn a_mistake_on_the_command_line_is_told_by_clap() {
        let command = clap::Command::new("tcp-client");
        let command = command.arg(clap::Arg::new("timeout").long("timeout").value_parser(parse_duration));
        let error = command.try_get_matches_from(["tcp-client", "--timeout", "500"]).unwrap_err().to_string();
        assert!(error.contains("for '--timeout <timeout>': no unit; write"), "{error}");
    }

    #[test]
    fn each_mistake_says_what_is_possible() {
        let duration_units = "there are ns, us, ms, s, m, h and d";
        for (text, want) in [
            ("", "expected a number and its unit, for example 3s or 500ms".to_owned()),
            ("-3s", "expected a number and its unit, for example 3s or 500ms".to_owned()),
            ("三秒", "expected a number and its unit, for example 3s or 500ms".to_owned()),
            (".5s", "expected a number and its unit, for example 3s or 500ms".to_owned()),
            ("1.s", "expected a number and its unit, for example 3s or 500ms".to_owned()),
            ("1.2.3s", "expected a number and its unit, for example 3s or 500ms".to_owned()),
            ("500", "no unit; write for example 500s or 500ms".to_owned()),
            ("3秒", format!("unknown unit `秒`; {duration_units}")),
            ("3S", format!("unknown unit `S`; {duration_units}")),
            ("1m30s", format!("unknown unit `m30s`; {duration_units}")),
            ("1\u{1b}[2J", format!("unknown unit `\\x1b[2J`; {duration_units}")),
            ("367d", "too large; at most 366d".to_owned()),
            ("99999999999999999999s", "too large; at most 366d".to_owned()),
            ("0s", "expected a time above zero, for example 3s or 500ms".to_owned()),
            ("0", "expected a time above zero, for example 3s or 500ms".to_owned()),
            ("0.5ns", "too fine; the smallest step is 1ns".to_owned()),
        ] {
            assert_eq!(parse_duration(text).map_err(|error| error.to_string()), Err(want), "{text}");
        }
        for (text, want) in [
            ("1,000", "unknown unit `,000`; there are B, kB, MB, GB (thousands) and KiB, MiB, GiB (1,024s)"),
            ("1.5B", "too fine; the smallest step is 1B"),
            ("9000000000GiB", "too large; at most 8 EiB"),
            ("1TB", "unknown unit `TB`; there are B, kB, MB, GB (thousands) and KiB, MiB, GiB (1,024s)"),
        ] {
            assert_eq!(parse_size(text).map_err(|error| error.to_string()), Err(want.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_count_is_at_least_one_and_fits() {
        type Small = std::num::NonZeroU8;
        for (text, want) in [
            ("255", Ok(Small::MAX)),
            ("0", Err("expected at least 1")),
            ("256", Err("too large")),
            ("-1", Err("expected a number, for example 20")),
            ("", Err("expected a number, for example 20")),
        ] {
            assert_eq!(parse_count::<Small>(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,30}|[0-9.]{0,40} ?(ns|us|ms|s|m|h|d|B|kB|GiB|教)?") {
            let _ = (parse_duration(&text), parse_size(&text));
        }

        #[test]
        fn what_std_prints_of_a_duration_comes_back(nanos in 1..=DURATION_MAX.as_nanos() as u64) {
            let duration = Duration::from_nanos(nanos);
            prop_assert_eq!(parse_duration(&format!("{duration:?}")), Ok(duration));
        }

        #[test]
        fn a_size_in_bytes_comes_back_up_to_the_limit(bytes in any::<u64>()) {
            let want = usize::try_from(bytes).ok().filter(|bytes| isize::try_from(*bytes).is_ok());
            prop_assert_eq!(parse_size(&format!("{bytes}B")).ok(), want);
        }
    }
}
