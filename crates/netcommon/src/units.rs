//! Durations and sizes as people write them: `500ms`, `1.5s`, `10m`, `64KiB`.
//!
//! Pure; used as clap value parsers (`#[arg(value_parser = parse_duration)]`), so each error says what
//! would have been right. Sizes follow IEC 80000-13: `KiB` is 1,024 bytes, `kB` is 1,000.

use std::time::Duration;

/// The longest time that an option takes: a year. Longer ones overflow a deadline on some systems.
const DURATION_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

const DURATION_UNITS: [(&str, f64); 5] = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

const SIZE_UNITS: [(&str, f64); 7] =
    [("B", 1.0), ("kB", 1e3), ("KiB", 1024.0), ("MB", 1e6), ("MiB", 1048576.0), ("GB", 1e9), ("GiB", 1073741824.0)];

/// A time above zero: a number and `us`, `ms`, `s`, `m` or `h`.
///
/// # Errors
/// A sentence that says what is expected, for anything else.
///
/// # Examples
/// ```
/// use netcommon::units::parse_duration;
/// use std::time::Duration;
///
/// assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
/// assert_eq!(parse_duration("5").unwrap_err(), "expected a number and its unit, for example `500ms`, `3s` or `2m`");
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let expected = || "expected a number and its unit, for example `500ms`, `3s` or `2m`".to_owned();
    let seconds = parse(text, &DURATION_UNITS).ok_or_else(expected)?;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| expected())?;
    if duration.is_zero() {
        return Err("expected a time above zero".to_owned());
    }
    if duration > DURATION_MAX {
        return Err("expected a year at most".to_owned());
    }
    Ok(duration)
}

/// A size in bytes: a number alone, or with `B`, `kB`, `KiB`, `MB`, `MiB`, `GB` or `GiB`.
///
/// # Errors
/// A sentence that says what is expected, for anything else, and for part of a byte.
///
/// # Examples
/// ```
/// use netcommon::units::parse_size;
///
/// assert_eq!(parse_size("64KiB"), Ok(65_536));
/// assert_eq!(parse_size("1200"), Ok(1_200));
/// ```
pub fn parse_size(text: &str) -> Result<usize, String> {
    let expected = || "expected a number of bytes, for example `1200`, `64KiB` or `1MB`".to_owned();
    let bytes = match text.parse::<u32>() {
        Ok(bytes) => f64::from(bytes),
        Err(_) => parse(text, &SIZE_UNITS).ok_or_else(expected)?,
    };
    // Up to 2^53 a double holds every whole number exactly.
    if bytes.fract() != 0.0 || bytes > 9e15 {
        return Err(expected());
    }
    format!("{bytes:.0}").parse().map_err(|_| expected())
}

/// The number before one of these units, in the first unit; `None` for anything else.
fn parse(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let number_len = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(number_len);
    let factor = units.iter().find(|(name, _)| *name == unit.trim_start())?.1;
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_s_ways_of_writing_are_understood() {
        for (text, millis) in
            [("500ms", 500), ("3s", 3_000), ("1.5s", 1_500), ("2m", 120_000), ("1h", 3_600_000), ("3 s", 3_000)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for (text, bytes) in
            [("0", 0), ("1B", 1), ("1kB", 1_000), ("1.5KiB", 1_536), ("1GiB", 1 << 30), ("4294967295", 4_294_967_295)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in ["", "s", "5", "-1s", "+1s", "1e3s", "1..5s", "0s", "5 sec", "９s", "9999999h", "infs", "NaNs"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        for text in ["", "KiB", "-1", "1.5B", "1XB", "99999999GiB", "1,000"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in ".*") {
            let _ = (parse_duration(&text), parse_size(&text));
        }

        #[test]
        fn whole_milliseconds_come_back(millis in 1_u32..1_000_000_000) {
            prop_assert_eq!(parse_duration(&format!("{millis}ms")), Ok(Duration::from_millis(millis.into())));
        }
    }
}
