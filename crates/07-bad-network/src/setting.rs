//! Settings as they are typed: a key and a value, checked where they stand.
//!
//! An option, a part of `--up KEY=VALUE,...` and a line of a scenario are the same thing, so they are
//! the same type and are laid over one another: the scenario below, options above, one direction's over
//! both's. Read `way.rs` before.

use crate::stream_way::StreamWay;
use crate::way::DatagramWay;

/// Keys, and for each those of which one has to be set as well.
type Needs = &'static [(&'static str, &'static [&'static str])];

/// What one direction does, set key by key.
pub trait Way: Default + Clone {
    /// The keys that do nothing by themselves.
    const NEEDS: Needs;

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
    const NEEDS: Needs = &[
        ("spread", &["vary"]),
        ("burst", &["loss"]),
        ("burst-loss", &["burst"]),
        ("reorder-gap", &["reorder"]),
        ("queue", &["rate"]),
        ("queue-time", &["rate"]),
    ];

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        self.set(key, value)
    }

    fn check(&self) -> Result<(), String> {
        self.check()
    }
}

impl Way for StreamWay {
    const NEEDS: Needs = &[("slice-gap", &["slice"]), ("stall-for", &["stall-after", "stall-at"])];

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
        let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, for example delay=50ms")?;
        if value.contains('=') {
            return Err("expected a comma between two settings, for example delay=50ms,rate=1mbit".to_owned());
        }
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
    /// Settings that do not fit together, with their direction if it is one; a setting that is there twice, or does nothing.
    pub fn ways<W: Way>(layers: &[&Self]) -> Result<[W; 2], String> {
        let lists = || layers.iter().flat_map(|layer| [&layer.both, &layer.up, &layer.down]);
        for list in lists() {
            let twice = list.iter().enumerate().find(|(at, one)| list[..*at].iter().any(|other| other.key == one.key));
            if let Some((_, Setting { key, .. })) = twice {
                return Err(format!("{key} is set twice; write it once"));
            }
        }
        // In whichever direction: an option for both, such as a queue, may be meant for the one that has a rate.
        let is_set = |key: &str| lists().flatten().any(|setting| setting.key == key);
        if let Some((key, needed)) = W::NEEDS.iter().find(|(key, of)| is_set(key) && !of.iter().any(|key| is_set(key)))
        {
            return Err(format!("{key} alone does nothing; add {}", needed.join(" or ")));
        }
        let way = |own: fn(&Self) -> &Vec<Setting>| {
            let mut way = W::default();
            for setting in layers.iter().flat_map(|layer| layer.both.iter().chain(own(layer))) {
                way.set(&setting.key, &setting.value)?;
            }
            way.check().map(|()| way)
        };
        match [way(|layer| &layer.up), way(|layer| &layer.down)] {
            [Ok(up), Ok(down)] => Ok([up, down]),
            [Err(error), Err(same)] if error == same => Err(error),
            [Err(error), _] => Err(format!("up: {error}")),
            [_, Err(error)] => Err(format!("down: {error}")),
        }
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
        let settings = Settings { both: settings.down, ..Settings::default() };
        let error = Settings::ways::<DatagramWay>(&[&settings]).unwrap_err();
        assert!(error.starts_with("a loss of 100%"), "{error}");
    }

    #[test]
    fn what_does_nothing_alone_and_what_is_there_twice_is_refused() {
        let refused = |texts: &[&str]| {
            let settings = Settings { up: texts.iter().map(|text| setting(text)).collect(), ..Settings::default() };
            Settings::ways::<DatagramWay>(&[&settings]).unwrap_err()
        };
        assert_eq!(refused(&["loss=5%", "loss=6%"]), "loss is set twice; write it once");
        for (key, needed) in DatagramWay::NEEDS {
            let text = match *key {
                "spread" => "spread=normal",
                "queue-time" => "queue-time=1s",
                "queue" => "queue=4kB",
                "burst-loss" => "burst-loss=90%",
                _ => &format!("{key}=4"),
            };
            assert_eq!(refused(&[text]), format!("{key} alone does nothing; add {}", needed[0]));
        }
        let stall =
            Settings { both: vec![Setting::new::<StreamWay>("stall-for", "1s").unwrap()], ..Settings::default() };
        let error = Settings::ways::<StreamWay>(&[&stall]).unwrap_err();
        assert_eq!(error, "stall-for alone does nothing; add stall-after or stall-at");
        // What it needs may stand elsewhere.
        let below = Settings { up: vec![setting("rate=1mbit")], ..Settings::default() };
        let above = Settings { both: vec![setting("queue=4kB")], ..Settings::default() };
        assert!(Settings::ways::<DatagramWay>(&[&below, &above]).is_ok());
    }

    #[test]
    fn a_setting_is_checked_where_it_stands() {
        assert_eq!(Setting::parse::<DatagramWay>("loss"), Err("expected KEY=VALUE, for example delay=50ms".to_owned()));
        assert!(Setting::parse::<DatagramWay>("slice=4").unwrap_err().starts_with("unknown impairment `slice`"));
        assert!(Setting::parse::<StreamWay>("slice=4").is_ok());
        assert!(Setting::parse::<DatagramWay>("loss=5% delay=3ms").unwrap_err().starts_with("expected a comma"));
    }
}
