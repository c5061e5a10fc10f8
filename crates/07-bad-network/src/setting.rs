//! Settings as they are typed: a key and a value, checked where they stand.
//!
//! An option, a part of `--up KEY=VALUE,...` and a line of a scenario are the same thing, so they are
//! the same type and are laid over one another: the scenario below, options above, one direction's over
//! both's. Read `way.rs` before.

use crate::stream_way::StreamWay;
use crate::way::DatagramWay;

/// What one direction does, set key by key.
pub trait Way: Default + Clone {
    /// Sets what `key` names to the quantity that `value` writes.
    ///
    /// # Errors
    /// An unknown key, or a value that is none; the text says what would be right.
    fn set(&mut self, key: &str, value: &str) -> Result<(), String>;

    /// Whether the settings fit together.
    ///
    /// # Errors
    /// What does not fit, and what would.
    fn check(&self) -> Result<(), String>;
}

impl Way for DatagramWay {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        self.set(key, value)
    }

    fn check(&self) -> Result<(), String> {
        self.check()
    }
}

impl Way for StreamWay {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        self.set(key, value)
    }

    fn check(&self) -> Result<(), String> {
        self.check()
    }
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Which impairment.
    pub key: String,
    /// How much of it.
    pub value: String,
}

impl Setting {
    /// A setting that this kind of way takes.
    ///
    /// # Errors
    /// As [`Way::set`].
    pub fn new<W: Way>(key: &str, value: &str) -> Result<Self, String> {
        W::default().set(key, value)?;
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }

    /// Reads `KEY=VALUE`.
    ///
    /// # Errors
    /// No `=`, or as [`Way::set`].
    ///
    /// # Examples
    /// ```
    /// use bad_network::{setting::Setting, way::DatagramWay};
    ///
    /// assert_eq!(Setting::parse::<DatagramWay>("loss=5%").unwrap().value, "5%");
    /// ```
    pub fn parse<W: Way>(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, for example loss=5%")?;
        Self::new::<W>(key, value)
    }
}

/// Settings for both directions, and for either one over them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Both ways.
    pub both: Vec<Setting>,
    /// From the client to the target only.
    pub up: Vec<Setting>,
    /// And back only.
    pub down: Vec<Setting>,
}

impl Settings {
    /// The way up and the way down that these make, `layers` from the lowest to the highest.
    ///
    /// # Errors
    /// Settings that do not fit together, with their direction.
    pub fn ways<W: Way>(layers: &[&Self]) -> Result<[W; 2], String> {
        let way = |name: &str, own: fn(&Self) -> &Vec<Setting>| {
            let mut way = W::default();
            for setting in layers.iter().flat_map(|layer| layer.both.iter().chain(own(layer))) {
                way.set(&setting.key, &setting.value)?;
            }
            way.check().map_err(|error| format!("{name}: {error}"))?;
            Ok::<W, String>(way)
        };
        Ok([way("up", |layer| &layer.up)?, way("down", |layer| &layer.down)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(text: &str) -> Setting {
        Setting::parse::<DatagramWay>(text).unwrap()
    }

    #[test]
    fn options_lie_over_the_scenario_and_one_direction_over_both() {
        let scenario = Settings { both: vec![setting("loss=1%")], up: vec![setting("delay=9ms")], down: vec![] };
        let options = Settings { both: vec![setting("delay=5ms")], up: vec![], down: vec![setting("loss=7%")] };
        let [up, down] = Settings::ways::<DatagramWay>(&[&scenario, &options]).unwrap();
        assert_eq!((up.delay.as_millis(), up.loss.to_string()), (5, "1%".to_owned()));
        assert_eq!((down.delay.as_millis(), down.loss.to_string()), (5, "7%".to_owned()));
    }

    #[test]
    fn what_does_not_fit_together_names_its_direction() {
        let settings = Settings { down: vec![setting("loss=100%"), setting("burst=4")], ..Settings::default() };
        let error = Settings::ways::<DatagramWay>(&[&settings]).unwrap_err();
        assert!(error.starts_with("down: a loss of 100%"), "{error}");
    }

    #[test]
    fn a_setting_is_checked_where_it_stands() {
        assert_eq!(Setting::parse::<DatagramWay>("loss"), Err("expected KEY=VALUE, for example loss=5%".to_owned()));
        assert!(Setting::parse::<DatagramWay>("slice=4").unwrap_err().starts_with("unknown impairment `slice`"));
        assert!(Setting::parse::<StreamWay>("slice=4").is_ok());
    }
}
