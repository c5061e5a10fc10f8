//! What every report computes from a record, and how numbers are written.
//!
//! Read `record.rs` before.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::connection::Connection;
use crate::record::Record;
use crate::totals::{Port, Totals};

/// A port's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PortRow<'a> {
    pub(super) port: Port,
    pub(super) totals: &'a Totals,
    /// Half of its connections lasted no longer.
    pub(super) median: Duration,
    /// All but one in a hundred lasted no longer.
    pub(super) p99: Duration,
}

/// The ports, the one with the most bytes first.
pub(super) fn port_rows(record: &Record) -> Vec<PortRow<'_>> {
    let mut durations: BTreeMap<Port, Vec<Duration>> = BTreeMap::new();
    for connection in &record.connections {
        durations.entry((connection.protocol, connection.port)).or_default().push(connection.duration());
    }
    let mut rows: Vec<_> = record
        .sums
        .ports
        .iter()
        .map(|(port, totals)| {
            let of_port = durations.get_mut(port).map(Vec::as_mut_slice).unwrap_or_default();
            of_port.sort_unstable();
            PortRow { port: *port, totals, median: share(of_port, 50), p99: share(of_port, 99) }
        })
        .collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.totals.bytes()), row.port));
    rows
}

/// The value that so many percent of the sorted ones do not exceed: the nearest rank.
fn share(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// How long the record covers.
pub(super) fn span(record: &Record) -> Duration {
    record.span.map_or(Duration::ZERO, |(first, last)| last.since(first))
}

/// The connections that a report lists one by one: those with the most bytes, in the order in which they began.
pub(super) fn largest(record: &Record, count: usize) -> Vec<&Connection> {
    let mut rows: Vec<&Connection> = record.connections.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.bytes(), row.duration())));
    rows.truncate(count);
    rows.sort_by_key(|row| (row.start, row.number));
    rows
}

/// The connections that ended badly, in the order in which they began, so many at most; and how many there are.
pub(super) fn failed(record: &Record, count: usize) -> (Vec<&Connection>, usize) {
    let mut rows: Vec<&Connection> = record.connections.iter().filter(|row| row.how.is_error()).collect();
    let all = rows.len();
    rows.sort_by_key(|row| (row.start, row.number));
    rows.truncate(count);
    (rows, all)
}

/// Connections that were opened in vain: no byte either way, though nobody refused them.
pub(super) fn without_data(record: &Record) -> usize {
    record.connections.iter().filter(|row| row.bytes() == 0 && !row.how.is_error()).count()
}

/// A number with commas, as both languages write it.
///
/// # Examples
/// ```
/// assert_eq!(net_monitor::report::grouped(2_249_950), "2,249,950");
/// ```
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in the unit that leaves one to three digits before the point.
///
/// # Examples
/// ```
/// assert_eq!(net_monitor::report::bytes(2_249_950), "2.2 MB");
/// assert_eq!(net_monitor::report::bytes(999), "999 B");
/// ```
#[must_use]
pub fn bytes(number: u64) -> String {
    let units = ["kB", "MB", "GB", "TB", "PB", "EB"];
    let mut value = number as f64;
    let mut unit = "B";
    for larger in units {
        // 999,950 bytes would round to 1000.0 kB.
        if value < 999.95 {
            break;
        }
        (value, unit) = (value / 1000.0, larger);
    }
    if unit == "B" { format!("{number} B") } else { format!("{value:.1} {unit}") }
}

/// A duration with as many digits as mean something.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// assert_eq!(net_monitor::report::seconds(Duration::from_micros(420)), "420 µs");
/// assert_eq!(net_monitor::report::seconds(Duration::from_secs(90)), "90.0 s");
/// ```
#[must_use]
pub fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        0.0 => "0 s".to_owned(),
        _ if seconds < 0.001 => format!("{} µs", duration.as_micros()),
        _ if seconds < 0.01 => format!("{:.1} ms", seconds * 1e3),
        _ if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds < 600.0 => format!("{seconds:.1} s"),
        _ => format!("{:.1} min", seconds / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_with_the_digits_that_mean_something() {
        for (number, want) in [(0, "0"), (999, "999"), (1000, "1,000"), (u64::MAX, "18,446,744,073,709,551,615")] {
            assert_eq!(grouped(number), want);
        }
        for (number, want) in [(0, "0 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB")] {
            assert_eq!(bytes(number), want);
        }
        assert_eq!(bytes(u64::MAX), "18.4 EB");
    }

    #[test]
    fn a_share_is_a_value_that_has_been_seen() {
        let millis: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!((share(&millis, 50), share(&millis, 99)), (millis[99], millis[197]));
        assert_eq!((share(&[], 50), share(&millis[..1], 99)), (Duration::ZERO, millis[0]));
    }
}
