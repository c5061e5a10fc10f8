//! Figures with names: printed as aligned lines for people, or as one JSON object for scripts.
//!
//! Every value is a number and every name ends in its unit, so the JSON needs no quoting and a shell
//! script can take one figure out with `sed`.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// Figures in the order in which they were measured.
#[derive(Debug, Default)]
pub struct Report {
    figures: Vec<(&'static str, Figure)>,
}

#[derive(Debug, Clone, Copy)]
enum Figure {
    Count(u64),
    Measure(f64),
}

impl Report {
    /// Adds a count, which is exact.
    pub fn count(&mut self, name: &'static str, value: u64) {
        self.figures.push((name, Figure::Count(value)));
    }

    /// Adds a measured value, shown with two decimals.
    pub fn measure(&mut self, name: &'static str, value: f64) {
        self.figures.push((name, Figure::Measure(value)));
    }

    /// Adds a duration in milliseconds; the name says so.
    pub fn millis(&mut self, name: &'static str, value: Duration) {
        self.measure(name, value.as_secs_f64() * 1e3);
    }

    /// Adds a duration in microseconds; the name says so.
    pub fn micros(&mut self, name: &'static str, value: Duration) {
        self.measure(name, value.as_secs_f64() * 1e6);
    }

    /// The figure with this name, if it was measured.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<f64> {
        let found = self.figures.iter().find(|(known, _)| *known == name);
        found.map(|(_, figure)| match figure {
            Figure::Count(count) => *count as f64,
            Figure::Measure(value) => *value,
        })
    }

    /// The figures as one JSON object on one line.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut report = echoload::report::Report::default();
    /// report.count("requests", 3);
    /// report.measure("p50_us", 66.125);
    /// assert_eq!(report.to_json(), r#"{"requests":3,"p50_us":66.12}"#);
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let fields = self.figures.iter();
        let fields = fields.map(|(name, value)| format!("\"{name}\":{value}"));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = self.figures.iter().map(|(name, _)| name.len()).max();
        let width = width.unwrap_or(0);
        for (name, value) in &self.figures {
            // The value is aligned as a whole, decimals included.
            writeln!(f, "{name:<width$} {:>14}", value.to_string())?;
        }
        Ok(())
    }
}

impl Display for Figure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Measure(value) => write!(f, "{value:.2}"),
        }
    }
}
