//! What has happened, told: lines for a person, JSON for a program, and the public room for a file.
//!
//! Both ways out are consoles of netcommon, so that neither a stopped terminal nor a slow disk makes a member
//! wait. Read `../event.rs` before. In the file and with `--json`, each line is one object with `time` (seconds since
//! 1970) and `event`; what else it holds is in the README. A line that begins with `(` says how many lines the
//! reader was too slow for.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use netcommon::console::Lines;
use serde_json::{Value, json};

use crate::event::Event;

/// Where events go.
#[derive(Debug)]
pub struct Report {
    screen: Lines,
    json: bool,
    /// The public room's file.
    log: Option<Lines>,
}

impl Report {
    /// To stdout alone, as lines or as JSON.
    #[must_use]
    pub fn new(screen: Lines, json: bool) -> Self {
        Self { screen, json, log: None }
    }

    /// Also to a file.
    #[must_use]
    pub fn with_log(self, log: Lines) -> Self {
        Self { log: Some(log), ..self }
    }

    /// A line for the person at the terminal; none with `--json`.
    pub fn line(&self, line: fmt::Arguments<'_>) {
        if !self.json {
            self.screen.line(line);
        }
    }

    /// Tells of an event.
    pub fn event(&self, event: &Event) {
        let is_public = matches!(event, Event::Said { .. } | Event::Joined { .. } | Event::Left { .. });
        let log = self.log.as_ref().filter(|_| is_public);
        if self.json || log.is_some() {
            let object = object(event);
            if let Some(log) = log {
                log.line(format_args!("{object}"));
            }
            if self.json {
                self.screen.line(format_args!("{object}"));
            }
        }
        // What is said is the members' business: the operator's screen shows who comes and goes.
        if !matches!(event, Event::Said { .. }) {
            self.line(format_args!("{event}"));
        }
    }
}

/// The event as JSON.
fn object(event: &Event) -> Value {
    // A clock before 1970 is wrong in any case.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut object = match event {
        Event::Joined { name, members } => json!({"event": "joined", "name": name.as_str(), "members": members}),
        Event::Left { name, why, members } => {
            json!({"event": "left", "name": name.as_str(), "why": why.word(), "members": members})
        }
        Event::Unnamed { why } => json!({"event": "unnamed", "why": why.word()}),
        Event::Said { name, text } => json!({"event": "said", "name": name.as_str(), "text": text}),
        Event::TooFast { name } => json!({"event": "too fast", "name": name.as_str()}),
        Event::Missed { name, messages } => json!({"event": "missed", "name": name.as_str(), "messages": messages}),
        Event::Refused { address, why } => {
            json!({"event": "refused", "address": address.to_string(), "why": why.to_string()})
        }
    };
    object["time"] = json!((since.as_secs_f64() * 1000.0).round() / 1000.0);
    object
}
