//! The topics of the chapter, and what looking at one of them finds.
//!
//! [`Topic::look`] runs a topic; the [`Finding`] shows itself as a page of text and serialises itself for
//! `--json`. The order here is the order in which to read. Source: none; this is the wiring's table.

use std::collections::BTreeMap;

use clap::ValueEnum;
use netcommon::error::OpError;
use netcommon::lang::Lang;
use serde::Serialize;

use crate::address::Addresses;
use crate::byte_order::ByteOrder;
use crate::errors::{self, Mishap, Provoked};
use crate::families::Numbers;
use crate::fresh::{self, Made};
use crate::names::{self, Step};
use crate::options::Options;
use crate::resolve::{self, DEFAULT_NAME, Lookup};
use crate::system_error::Answer;

/// A topic of chapter 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Topic {
    /// Families, types and protocols, with their numbers on this system
    Families,
    /// TCP and UDP sockets made for IPv4 and IPv6
    Create,
    /// What a fresh socket looks like: options and buffer sizes
    Options,
    /// A socket's own address and its peer's, after each step of its life
    Names,
    /// What addresses are made of, and how they are written
    Addresses,
    /// The order of bytes on the wire, and three lengths of a text
    ByteOrder,
    /// From a NAME (by default localhost) to addresses
    Resolve,
    /// Seven errors provoked for real, or the one that is named
    Errors,
}

/// What one topic found.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each variant holds its topic's own, documented type")]
pub enum Finding {
    Families(Numbers),
    Create(Vec<Made>),
    Options(Options),
    Names(Vec<Step>),
    Addresses(Addresses),
    ByteOrder(ByteOrder),
    Resolve(Lookup),
    Errors(Vec<Provoked>),
}

/// What `--json` prints: one object, with one entry per topic that was asked for.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The system's name as Rust spells it: `linux`, `macos`, `windows`.
    pub system: &'static str,
    /// What each topic found, by its name on the command line.
    pub topics: BTreeMap<String, Finding>,
}

impl Topic {
    /// All topics, in the order in which to read them.
    #[must_use]
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// Its name on the command line and in the JSON.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Looks at the topic; `what` is the name to resolve, or the one error to provoke.
    ///
    /// Blocks less than two seconds, and on Windows, where a refused connect takes two, a little more.
    ///
    /// # Errors
    /// Wrong usage, when the topic takes no `what` or not this one; or no loopback interface.
    pub fn look(self, what: Option<&str>, lang: Lang) -> Result<Finding, LookError> {
        if let (Some(what), false) = (what, matches!(self, Self::Resolve | Self::Errors)) {
            return Err(LookError::Usage(format!("the topic `{}` takes no `{what}`", self.name())));
        }
        Ok(match self {
            Self::Families => Finding::Families(Numbers::of_system()),
            Self::Create => Finding::Create(fresh::make_all()),
            Self::Options => Finding::Options(Options::of_system()),
            Self::Names => Finding::Names(names::watch()?),
            Self::Addresses => Finding::Addresses(Addresses::examples()),
            Self::ByteOrder => Finding::ByteOrder(ByteOrder::of_system()),
            Self::Resolve => {
                let name = what.unwrap_or(DEFAULT_NAME);
                Finding::Resolve(resolve::look_up(name).map_err(|_| no_name(name))?)
            }
            Self::Errors => Finding::Errors(errors::provoke_all(&mishaps(what)?, lang)),
        })
    }
}

/// In words of its own: what is wrong with a `HOST:PORT` would be said with a port.
fn no_name(text: &str) -> LookError {
    let text = netcommon::escape::escape(text.as_bytes());
    LookError::Usage(format!(
        "`{text}` cannot be looked up; expected a name or an IP address without a port, for example localhost or ::1"
    ))
}

/// Why a topic could not be looked at.
#[derive(Debug)]
pub enum LookError {
    /// The command line asked for something that is not there.
    Usage(String),
    /// The system refused what the topic needs.
    System(OpError),
}

impl From<OpError> for LookError {
    fn from(error: OpError) -> Self {
        Self::System(error)
    }
}

/// The one that is named, or all.
fn mishaps(what: Option<&str>) -> Result<Vec<Mishap>, LookError> {
    let Some(what) = what else { return Ok(Mishap::all().to_vec()) };
    let one = Mishap::from_str(what, true).map_err(|_| {
        let names: Vec<String> = Mishap::all().iter().map(|mishap| mishap.name()).collect();
        LookError::Usage(format!("no error is called `{what}`; there are {}", names.join(", ")))
    })?;
    Ok(vec![one])
}

impl Finding {
    /// Whether what was asked for is not there: a name without an address.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Resolve(Lookup { addresses: Answer::Error(_), .. }))
    }

    /// The finding as text, without a line end at its end.
    #[must_use]
    pub fn page(&self, lang: Lang) -> String {
        match self {
            Self::Families(numbers) => numbers.page(lang),
            Self::Create(made) => fresh::page(made, lang),
            Self::Options(options) => options.page(lang),
            Self::Names(steps) => names::page(steps, lang),
            Self::Addresses(addresses) => addresses.page(lang),
            Self::ByteOrder(order) => order.page(lang),
            Self::Resolve(lookup) => lookup.page(lang),
            Self::Errors(provoked) => errors::page(provoked, lang),
        }
    }
}
