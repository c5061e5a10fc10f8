//! Scenarios: networks with a name, as TOML files that anyone can write.
//!
//! ```toml
//! name = "my-train"
//! about.en = "A train in the mountains."   # a sentence: one for each language, or one for both
//! about.zh-TW = "山裡的火車。"
//! figures = "Chosen for the classroom."    # where the numbers come from, likewise
//! [udp]                                    # both ways; [udp.up] and [udp.down] for one of them
//! loss = "8%"
//! burst = "20"
//! [tcp]                                    # tables that are not there change nothing
//! delay = "120ms"
//! ```
//! Those that ship with the program are in `scenarios/`. Read `setting.rs` before.

use std::collections::BTreeMap;
use std::path::Path;

use netcommon::error::OpError;
use netcommon::lang::Lang;
use serde::Deserialize;

use crate::setting::{Setting, Settings, Way};
use crate::stream_way::StreamWay;
use crate::way::DatagramWay;

/// The largest file that is read as a scenario; ours have less than 2 KiB.
const FILE_LEN_MAX: u64 = 256 * 1024;

/// The scenarios inside the program, in the order of the book.
const BUILT_IN: [&str; 6] = [
    include_str!("../scenarios/wifi-at-the-back-row.toml"),
    include_str!("../scenarios/mobile-on-the-bus.toml"),
    include_str!("../scenarios/satellite.toml"),
    include_str!("../scenarios/across-the-ocean.toml"),
    include_str!("../scenarios/broken-cable.toml"),
    include_str!("../scenarios/overfull-queue.toml"),
];

/// A network with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// What it is like.
    pub about: Words,
    /// Where its numbers come from.
    pub figures: Words,
    /// What it does to datagrams.
    pub udp: Settings,
    /// What it does to streams.
    pub tcp: Settings,
}

/// A text in one language or in both.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a text, or one for each language: en = \"...\" and zh-TW = \"...\"")]
pub enum Words {
    /// The same for everybody.
    One(String),
    /// One for each language.
    Each {
        /// English.
        en: String,
        /// Traditional Chinese.
        #[serde(rename = "zh-TW")]
        zh_tw: String,
    },
}

impl Words {
    /// The text in this language.
    #[must_use]
    pub fn pick(&self, lang: Lang) -> &str {
        match self {
            Self::One(text) => text,
            Self::Each { en, zh_tw } => lang.pick(en, zh_tw),
        }
    }
}

/// The file as it stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    about: Option<Words>,
    figures: Option<Words>,
    #[serde(default)]
    udp: BTreeMap<String, toml::Value>,
    #[serde(default)]
    tcp: BTreeMap<String, toml::Value>,
}

impl Scenario {
    /// Those that ship with the program.
    #[must_use]
    pub fn built_in() -> Vec<Self> {
        BUILT_IN.iter().map(|text| Self::parse(text).expect("a test has read every one of these files")).collect()
    }

    /// The scenario of this name, or of this file if it ends with `.toml`.
    ///
    /// # Errors
    /// A name that there is not, with those that there are; a file that cannot be read or understood.
    pub fn find(name_or_file: &str) -> Result<Self, OpError> {
        let wrong = |cause: std::io::Error| OpError::new("read scenario", name_or_file, cause);
        if Path::new(name_or_file).extension().is_some_and(|extension| extension == "toml") {
            let mut text = String::new();
            let file = std::fs::File::open(name_or_file).map_err(wrong)?;
            std::io::Read::read_to_string(&mut std::io::Read::take(file, FILE_LEN_MAX), &mut text).map_err(wrong)?;
            return Self::parse(&text).map_err(|what| wrong(std::io::Error::other(what)));
        }
        let all = Self::built_in();
        let names: Vec<&str> = all.iter().map(|scenario| scenario.name.as_str()).collect();
        let unknown = std::io::Error::other("there is none of this name");
        let hint = format!("there are {}, and your own FILE.toml", names.join(", "));
        all.iter().find(|one| one.name == name_or_file).cloned().ok_or_else(|| wrong(unknown).with_hint(hint))
    }

    /// Reads a scenario's text.
    ///
    /// # Errors
    /// What is wrong, and in which line or with which key.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        let File { name: Some(name), about: Some(about), figures: Some(figures), udp, tcp } = file else {
            return Err(
                "a scenario says what it is: name = \"...\", about = \"...\", and figures = \"...\" for where its \
                        numbers come from"
                    .to_owned(),
            );
        };
        let (udp, tcp) = (settings::<DatagramWay>("udp", udp)?, settings::<StreamWay>("tcp", tcp)?);
        Ok(Self { name, about, figures, udp, tcp })
    }
}

/// The settings of one table, whose subtables `up` and `down` lie over it.
fn settings<W: Way>(name: &str, table: BTreeMap<String, toml::Value>) -> Result<Settings, String> {
    let mut settings = Settings::default();
    for (key, value) in table {
        match (key.as_str(), value) {
            ("up", toml::Value::Table(table)) => settings.up = list::<W>(&format!("{name}.up"), table)?,
            ("down", toml::Value::Table(table)) => settings.down = list::<W>(&format!("{name}.down"), table)?,
            (_, toml::Value::Table(_)) => {
                return Err(format!("{name}.{key}: there are [{name}.up] and [{name}.down], and no other way"));
            }
            (_, value) => settings.both.push(one::<W>(name, &key, &value)?),
        }
    }
    Settings::ways::<W>(&[&settings]).map_err(|error| format!("{name}: {error}"))?;
    Ok(settings)
}

fn list<W: Way>(name: &str, table: toml::Table) -> Result<Vec<Setting>, String> {
    table.into_iter().map(|(key, value)| one::<W>(name, &key, &value)).collect()
}

/// A value is written as on the command line; a plain number may go without quotes.
fn one<W: Way>(name: &str, key: &str, value: &toml::Value) -> Result<Setting, String> {
    let text = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        _ => return Err(format!("{name}.{key}: expected a text, for example loss = \"5%\"")),
    };
    Setting::new::<W>(key, &text).map_err(|error| format!("{name}.{key}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_that_ships_can_be_read_and_does_something_to_both() {
        let all = Scenario::built_in();
        for scenario in &all {
            let [up, down] = Settings::ways::<DatagramWay>(&[&scenario.udp]).unwrap();
            assert!(!up.changes_nothing() || !down.changes_nothing(), "{}", scenario.name);
            let [up, down] = Settings::ways::<StreamWay>(&[&scenario.tcp]).unwrap();
            assert!(!up.changes_nothing() || !down.changes_nothing(), "{}", scenario.name);
            for words in [&scenario.about, &scenario.figures] {
                assert!(words.pick(Lang::En).ends_with('.') && words.pick(Lang::ZhTw).ends_with('。'), "{words:?}");
            }
            assert_eq!(Scenario::find(&scenario.name).unwrap(), *scenario);
        }
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let error = Scenario::find("wifi").unwrap_err();
        assert_eq!(error.to_string(), "read scenario wifi");
        assert!(error.hint.unwrap().contains("wifi-at-the-back-row"));
    }

    #[test]
    fn a_mistake_in_a_file_is_found_with_its_place() {
        let head = "name = \"x\"\nabout = { en = \"x.\", zh-TW = \"x。\" }\nfigures = \"x\"\n";
        for (rest, want) in [
            ("[udp]\nlos = \"5%\"\n", "udp.los: unknown impairment"),
            ("[udp.up]\nloss = \"五%\"\n", "udp.up.loss: expected a share"),
            ("[udp]\nloss = true\n", "udp.loss: expected a text"),
            ("[udp]\nloss = \"50%\"\nburst = 3\nburst-loss = \"20%\"\n", "udp: a loss of 50%"),
            ("[tcp]\nloss = \"5%\"\n", "tcp.loss: unknown impairment"),
            ("[udp.sideways]\nloss = \"5%\"\n", "udp.sideways: there are [udp.up] and [udp.down]"),
            ("[sctp]\n", "unknown field `sctp`"),
            ("[udp]\nloss = \"1%\"\nloss = \"2%\"\n", "duplicate key"),
        ] {
            let error = Scenario::parse(&format!("{head}{rest}")).unwrap_err();
            assert!(error.contains(want), "{rest}: {error}");
        }
        assert!(Scenario::parse(head).is_ok(), "a network may be good");
        for (text, want) in [
            ("[udp]\nloss = \"5%\"\n", "a scenario says what it is: name"),
            ("name = \"x\"\nabout = 7\nfigures = \"x\"\n", "expected a text, or one for each language"),
        ] {
            let error = Scenario::parse(text).unwrap_err();
            assert!(error.contains(want), "{text}: {error}");
        }
        let own = Scenario::parse("name = \"x\"\nabout = \"山洞。\"\nfigures = \"x\"\n").unwrap();
        assert_eq!([Lang::En, Lang::ZhTw].map(|lang| own.about.pick(lang)), ["山洞。"; 2]);
    }
}
