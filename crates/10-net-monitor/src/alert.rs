//! `--alert 'new-connections > 100/s'`: a threshold, looked at once a second.
//!
//! An alert speaks when its condition begins to hold and when it no longer does, not every second in between; a run in
//! which one has spoken ends with exit code 1, for scripts. Pure. Read `totals.rs` before.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use netcommon::units::parse_size;

use crate::report::{bytes, grouped};
use crate::totals::Totals;

/// What can be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    NewConnections,
    Errors,
    BytesIn,
    BytesOut,
    Open,
}

impl Figure {
    const ALL: [Self; 5] = [Self::NewConnections, Self::Errors, Self::BytesIn, Self::BytesOut, Self::Open];

    fn name(self) -> &'static str {
        match self {
            Self::NewConnections => "new-connections",
            Self::Errors => "errors",
            Self::BytesIn => "bytes-in",
            Self::BytesOut => "bytes-out",
            Self::Open => "open",
        }
    }

    /// The sum of which it is the rate; `None` for a figure that is no rate.
    fn sum(self, totals: &Totals) -> Option<u64> {
        match self {
            Self::NewConnections => Some(totals.connections),
            Self::Errors => Some(totals.errors()),
            Self::BytesIn => Some(totals.bytes_in),
            Self::BytesOut => Some(totals.bytes_out),
            Self::Open => None,
        }
    }

    fn show(self, value: f64) -> String {
        let whole = value.round() as u64;
        match self {
            Self::BytesIn | Self::BytesOut => format!("{}/s", bytes(whole)),
            Self::NewConnections | Self::Errors if value < 10.0 && value.fract() != 0.0 => format!("{value:.1}/s"),
            Self::NewConnections | Self::Errors => format!("{}/s", grouped(whole)),
            Self::Open => grouped(whole),
        }
    }
}

/// Why a text is no alert.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAlert {
    /// Not `FIGURE > NUMBER` or `FIGURE < NUMBER`.
    #[error("expected FIGURE > NUMBER or FIGURE < NUMBER, for example `new-connections > 100/s`")]
    Form,
    /// A figure that does not exist.
    #[error("there is no such figure; there are new-connections, errors, bytes-in, bytes-out and open")]
    Figure,
    /// A rate without `/s`, or `/s` behind what is no rate.
    #[error("rates end in /s, for example `bytes-in > 1MB/s`; `open` is none")]
    Rate,
    /// What stands behind the sign.
    #[error("the number: {0}")]
    Number(netcommon::units::ParseError),
}

/// A threshold, and whether it is passed.
///
/// # Examples
/// ```
/// use net_monitor::alert::Alert;
///
/// let alert: Alert = "bytes-in > 1MB/s".parse()?;
/// assert_eq!(alert.to_string(), "bytes-in > 1.0 MB/s");
/// # Ok::<(), net_monitor::alert::NotAnAlert>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    figure: Figure,
    above: bool,
    limit: u64,
    holds: bool,
    /// The sum when it was last looked at.
    before: u64,
}

impl Alert {
    /// Looks at the sums after `elapsed`; returns a sentence when the condition begins to hold, or ends.
    pub fn look(&mut self, totals: &Totals, elapsed: Duration) -> Option<String> {
        let value = match self.figure.sum(totals) {
            Some(sum) => {
                let grown = sum.saturating_sub(std::mem::replace(&mut self.before, sum));
                grown as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
            }
            None => totals.open as f64,
        };
        // Not cut to a whole number: a single error in 1.01 s is more than none.
        let limit = self.limit as f64;
        let holds = if self.above { value > limit } else { value < limit };
        if holds == std::mem::replace(&mut self.holds, holds) {
            return None;
        }
        let value = self.figure.show(value);
        Some(if holds { format!("alert: {self}: {value}") } else { format!("over: {self}: {value}") })
    }

    /// Whether the condition holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.holds
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.above { '>' } else { '<' };
        write!(f, "{} {sign} {}", self.figure.name(), self.figure.show(self.limit as f64))
    }
}

impl FromStr for Alert {
    type Err = NotAnAlert;

    fn from_str(text: &str) -> Result<Self, NotAnAlert> {
        let (name, number) = text.split_once(['>', '<']).ok_or(NotAnAlert::Form)?;
        let figure = Figure::ALL.into_iter().find(|figure| figure.name() == name.trim()).ok_or(NotAnAlert::Figure)?;
        let rate = number.trim().strip_suffix("/s");
        if rate.is_some() == (figure == Figure::Open) {
            return Err(NotAnAlert::Rate);
        }
        let limit = parse_size(rate.unwrap_or(number).trim()).map_err(NotAnAlert::Number)? as u64;
        Ok(Self { figure, above: text.contains('>'), limit, holds: false, before: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::How;

    #[test]
    fn an_alert_speaks_when_it_begins_and_when_it_ends() {
        let mut alert: Alert = "new-connections > 100/s".parse().unwrap();
        let said: Vec<Option<String>> = [50, 350, 700, 701]
            .into_iter()
            .map(|connections| alert.look(&Totals { connections, ..Totals::default() }, Duration::from_secs(2)))
            .collect();
        let begin = "alert: new-connections > 100/s: 150/s".to_owned();
        let end = "over: new-connections > 100/s: 0.5/s".to_owned();
        assert_eq!(said, [None, Some(begin), None, Some(end)]);
        let mut few: Alert = "open < 2".parse().unwrap();
        assert_eq!(few.look(&Totals::default(), Duration::ZERO).as_deref(), Some("alert: open < 2: 0"));
        assert!(few.holds());
    }

    #[test]
    fn a_single_error_in_a_little_more_than_a_second_is_more_than_none() {
        let mut alert: Alert = "errors > 0/s".parse().unwrap();
        let endings = [(How::Refused, 1)].into();
        let said = alert.look(&Totals { endings, ..Totals::default() }, Duration::from_millis(1010));
        assert_eq!(said.as_deref(), Some("alert: errors > 0/s: 1.0/s"));
    }

    #[test]
    fn what_is_no_alert_is_told_apart() {
        for (text, want) in [
            ("open", NotAnAlert::Form),
            ("連線 > 3", NotAnAlert::Figure),
            ("open > 3/s", NotAnAlert::Rate),
            ("errors > 3", NotAnAlert::Rate),
        ] {
            assert_eq!(text.parse::<Alert>(), Err(want), "{text}");
        }
        assert!(matches!("bytes-in > many/s".parse::<Alert>(), Err(NotAnAlert::Number(_))));
    }
}
