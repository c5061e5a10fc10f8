//! Which ports to ask: `1-1024,8080,60000-`, or the most usual ones.
//!
//! Parsed once into sorted ranges that do not touch, so that a list with a million repetitions asks each
//! port once and prints short. Pure. Source: RFC 6335 section 6 (the ranges of port numbers).

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use netcommon::escape::quote;

/// How much of a wrong item an error repeats.
const SHOWN_MAX: usize = 24;

/// The ports on which services are met most often, the most usual first: our own choice.
///
/// Web, remote shells, mail, names and files first, then databases and what developers start.
#[rustfmt::skip]
const USUAL: [u16; 100] = [
    80, 443, 22, 21, 25, 53, 23, 110, 143, 445, 3389, 139, 135, 3306, 8080, 993, 995, 587, 111, 5900,
    1723, 8443, 5432, 6379, 27017, 9200, 8000, 8888, 3000, 5000, 8081, 9090, 1433, 1521, 2049, 389, 636, 88, 464, 465,
    548, 631, 873, 990, 1080, 1194, 1883, 2375, 2376, 3128, 3268, 4443, 4444, 5060, 5061, 5222, 5269, 5353, 5601, 5672,
    5901, 5984, 5985, 5986, 6000, 6443, 6667, 7000, 7001, 7070, 7777, 8008, 8009, 8086, 8088, 8090, 8123, 8181, 8333, 8500,
    8883, 9000, 9001, 9042, 9091, 9100, 9300, 9418, 9999, 10000, 10250, 11211, 15672, 25565, 32400, 49152, 49153, 49154, 50000, 62078,
];

/// Ports, each once, in ascending order; never empty.
///
/// # Examples
/// ```
/// use port_scanner::ports::PortList;
///
/// let ports: PortList = "8080,1-3,2,65535-".parse()?;
/// assert_eq!(ports.iter().collect::<Vec<_>>(), [1, 2, 3, 8080, 65535]);
/// assert_eq!(ports.to_string(), "1-3,8080,65535");
/// # Ok::<(), port_scanner::ports::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortList(Vec<RangeInclusive<u16>>);

/// Why a text is not a list of ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nothing between two commas, or nothing at all.
    #[error("expected ports, for example 1-1024,8080")]
    Empty,
    /// Something that is neither a number nor a range.
    #[error("{} is not a port; ports are 1 to 65535, for example 1-1024,8080", quote(.0.as_bytes(), SHOWN_MAX))]
    NotAPort(String),
    /// `80-20`
    #[error("the range {0}-{1} runs backwards; write {1}-{0}")]
    Backwards(u16, u16),
}

impl PortList {
    /// The `count` most usual ports; at least one, at most a hundred.
    #[must_use]
    pub fn top(count: usize) -> Self {
        Self::of_ranges(USUAL.iter().take(count.max(1)).map(|port| *port..=*port).collect())
    }

    /// Every one of `ports`, which must not be empty.
    #[must_use]
    pub fn of_ports(ports: impl IntoIterator<Item = u16>) -> Self {
        Self::of_ranges(ports.into_iter().map(|port| port..=port).collect())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.iter().map(|range| u32::from(range.end() - range.start()) + 1).sum()
    }

    /// The smallest and the largest, if there is nothing missing between them.
    #[must_use]
    pub fn as_range(&self) -> Option<(u16, u16)> {
        match self.0.as_slice() {
            [range] => Some((*range.start(), *range.end())),
            _ => None,
        }
    }

    /// Each port, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().cloned().flatten()
    }

    /// The first port above `port`; with `None` the first of all.
    pub(crate) fn after(&self, port: Option<u16>) -> Option<u16> {
        let Some(port) = port else { return self.0.first().map(|range| *range.start()) };
        let wanted = port.checked_add(1)?;
        // The ranges are few in practice, and in order: the first that ends late enough has it.
        let at = self.0.partition_point(|range| *range.end() < wanted);
        self.0.get(at).map(|range| wanted.max(*range.start()))
    }

    /// The ports above `port`, unless there are none.
    pub(crate) fn rest_after(&self, port: u16) -> Option<Self> {
        let first = self.after(Some(port))?;
        let later = self.0.iter().filter(|range| *range.end() >= first);
        Some(Self(later.map(|range| (*range.start()).max(first)..=*range.end()).collect()))
    }

    /// These and those.
    pub(crate) fn with(&self, others: &Self) -> Self {
        Self::of_ranges(self.0.iter().chain(&others.0).cloned().collect())
    }

    fn of_ranges(mut ranges: Vec<RangeInclusive<u16>>) -> Self {
        ranges.sort_unstable_by_key(|range| *range.start());
        let mut merged: Vec<RangeInclusive<u16>> = Vec::new();
        for range in ranges {
            match merged.last_mut() {
                Some(last) if u32::from(*range.start()) <= u32::from(*last.end()) + 1 => {
                    *last = *last.start()..=(*last.end()).max(*range.end());
                }
                _ => merged.push(range),
            }
        }
        Self(merged)
    }
}

impl FromStr for PortList {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.split(',').map(|item| parse_item(item.trim())).collect::<Result<_, _>>().map(Self::of_ranges)
    }
}

/// `80`, `1-1024`, `1000-` or `-1024`.
fn parse_item(item: &str) -> Result<RangeInclusive<u16>, ParseError> {
    let not_a_port = || ParseError::NotAPort(item.to_owned());
    let port = |text: &str| parse_port(text).ok_or_else(not_a_port);
    match item.split_once('-') {
        _ if item.is_empty() => Err(ParseError::Empty),
        None => port(item).map(|port| port..=port),
        Some(("", "")) => Err(not_a_port()),
        Some((first, last)) => {
            let first = if first.is_empty() { 1 } else { port(first)? };
            let last = if last.is_empty() { u16::MAX } else { port(last)? };
            if first > last { Err(ParseError::Backwards(first, last)) } else { Ok(first..=last) }
        }
    }
}

/// Digits only: Rust's parser would take `+80`. Port 0 means "any free port" to the system, so none is it.
fn parse_port(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port != 0)
}

impl fmt::Display for PortList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, range) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, last) => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_sorted_merged_and_printed_short() {
        for (text, want, count) in [
            ("80", "80", 1),
            ("1-1024,8080", "1-1024,8080", 1025),
            ("65000-", "65000-65535", 536),
            ("-3", "1-3", 3),
            ("3,2,1", "1-3", 3),
            ("10-20,15-30,31", "10-31", 22),
            (" 22 , 80 ", "22,80", 2),
            ("-", "", 0),
            ("1-65535,1-65535", "1-65535", 65_535),
        ] {
            match text.parse::<PortList>() {
                Ok(ports) => assert_eq!((ports.to_string().as_str(), ports.count()), (want, count), "{text}"),
                Err(error) => assert!(want.is_empty(), "{text}: {error}"),
            }
        }
    }

    #[test]
    fn what_is_no_port_is_refused_with_an_example() {
        for text in ["", ",", "80,", "0", "65536", "+80", "a-b", "1-2-3", "8O", "0-5", "99999999999999999999", "８０"]
        {
            let error = text.parse::<PortList>().unwrap_err().to_string();
            assert!(error.contains("1-1024,8080"), "{text}: {error}");
        }
        assert_eq!("80-20".parse::<PortList>(), Err(ParseError::Backwards(80, 20)));
    }

    #[test]
    fn a_list_of_a_million_repetitions_is_one_port() {
        let text = vec!["8080"; 1_000_000].join(",");
        assert_eq!(text.parse::<PortList>().unwrap().count(), 1);
    }

    #[test]
    fn walking_by_after_gives_the_same_as_iterating() {
        let ports: PortList = "1-3,7,9-10,65534-".parse().unwrap();
        let walked: Vec<u16> = std::iter::successors(ports.after(None), |port| ports.after(Some(*port))).collect();
        assert_eq!(walked, ports.iter().collect::<Vec<_>>());
        assert_eq!(ports.rest_after(2).unwrap().to_string(), "3,7,9-10,65534-65535");
        assert_eq!(ports.rest_after(65_535), None);
    }

    #[test]
    fn the_usual_ports_are_a_hundred_different_ones() {
        assert_eq!(PortList::top(100).count(), 100);
        assert_eq!(PortList::top(3).to_string(), "22,80,443");
        assert_eq!(PortList::top(0).count(), 1);
    }
}
