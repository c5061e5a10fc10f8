//! What a line does: a newcomer's is a name, a member's a message or a command.
//!
//! Every answer of the room is written here. Read `mod.rs` before, `../command.rs` for how lines are read.

use std::time::Instant;

use super::guest::Stage;
use super::log::Kind;
use super::mail::What;
use super::roster::Ticket;
use super::{Id, Room};
use crate::command::Command;
use crate::event::{Event, Why};
use crate::line::{Line, Lines};
use crate::name::Name;
use crate::protocol::{GOODBYE, LINE_LEN_MAX, NAME_CHARS_MAX, NAME_TRIES_MAX};
use crate::text::{push_safe, safe};

/// What `/help` says.
const HELP: [&str; 5] = [
    "* TEXT is said to everybody; //TEXT too, when it begins with a slash",
    "* /msg NAME TEXT is said to one member",
    "* /who lists who is in the room",
    "* /quit leaves it",
    "* /help shows these lines",
];

impl Room {
    /// Takes the next bytes that a client has sent.
    pub fn hear(&mut self, id: Id, bytes: &[u8], now: Instant) {
        let Some(guest) = self.guest_mut(id).filter(|guest| guest.is_heard()) else { return };
        // Out of the room while the room is changed by what they find.
        let mut lines = std::mem::replace(&mut guest.lines, Lines::new(0));
        lines.feed(bytes, |line| self.hear_line(id, line, now));
        if let Some(guest) = self.guest_mut(id) {
            guest.lines = lines;
        }
    }

    /// One line; whether its owner is heard further.
    fn hear_line(&mut self, id: Id, line: Line<'_>, now: Instant) -> bool {
        if !self.is_slow_enough(id, now) {
            return true;
        }
        match line {
            Line::TooLong => {
                self.stats.too_long += 1;
                self.tell(id, &format!("! A line has at most {LINE_LEN_MAX} bytes; this one was not passed on"));
            }
            Line::NotUtf8 => {
                self.stats.not_utf8 += 1;
                self.tell(id, "! That line was not UTF-8, and was not passed on");
            }
            Line::Text(text) => match self.guest(id).map(|guest| &guest.stage) {
                Some(Stage::Naming { .. }) => self.hear_name(id, text),
                Some(Stage::Member { name, .. }) => {
                    let name = name.clone();
                    self.hear_member(id, &name, text);
                }
                _ => {}
            },
        }
        self.guest(id).is_some_and(super::guest::Guest::is_heard)
    }

    /// Takes a token for a line; without one the line is dropped, and its owner told once.
    fn is_slow_enough(&mut self, id: Id, now: Instant) -> bool {
        let (rate, per_second) = (self.limits.rate, self.limits.lines_per_second);
        let Some(guest) = self.guest_mut(id) else { return false };
        if guest.bucket.take(rate, now) {
            let dropped = std::mem::take(&mut guest.dropped);
            if dropped > 0 {
                self.tell(id, &format!("! Lines that came too fast and were not passed on: {dropped}"));
            }
            return true;
        }
        guest.dropped += 1;
        if guest.dropped == 1 {
            if let Stage::Member { name, .. } = &guest.stage {
                let event = Event::TooFast { name: name.clone() };
                self.events.push(event);
            }
            self.tell(id, &format!("! Too fast: more than {per_second} lines a second are not passed on"));
        }
        self.stats.too_fast += 1;
        false
    }

    fn hear_name(&mut self, id: Id, text: &str) {
        let taken = Name::parse(text).map_err(|error| error.to_string());
        let joined = taken.and_then(|name| match self.roster.join(&name, id) {
            Ok(ticket) => Ok((name, ticket)),
            Err(taken) => Err(taken.to_string()),
        });
        match joined {
            Ok((name, ticket)) => self.welcome(id, name, ticket),
            Err(reason) => {
                self.tell(id, &format!("! Name {}: {reason}", safe(text, NAME_CHARS_MAX)));
                let Some(Stage::Naming { tries, .. }) = self.guest_mut(id).map(|guest| &mut guest.stage) else {
                    return;
                };
                *tries += 1;
                if *tries >= NAME_TRIES_MAX {
                    self.tell(id, "! That was the last try");
                    self.part(id, Why::NoGoodName);
                }
            }
        }
    }

    /// A newcomer has a name: it hears who is here and what was said, and the others of it.
    fn welcome(&mut self, id: Id, name: Name, ticket: Ticket) {
        let (history, end) = (self.log.last_messages(self.limits.history), self.log.end().at);
        // Told before the newcomer enters, so that the line is for the others only.
        self.announce(&format!("* {name} has joined"));
        let Some(guest) = self.guests.get_mut(id.index()).and_then(Option::as_mut) else { return };
        guest.stage = Stage::Member { name: name.clone(), ticket };
        guest.mail.enter(&self.log);
        self.add(id, What::Roster { after: Ticket::default(), until: ticket.before(), begun: false });
        if let Some(motd) = self.motd.clone() {
            self.tell(id, &format!("* {motd}"));
        }
        if history.at < end {
            self.add(id, What::History { from: history, until: end });
        }
        self.stats.members_peak = self.stats.members_peak.max(self.roster.len());
        self.events.push(Event::Joined { name, members: self.roster.len() });
    }

    fn hear_member(&mut self, id: Id, name: &Name, text: &str) {
        match Command::parse(text) {
            Command::Say(said) => self.say(id, name, said),
            Command::Tell { name: to, text } => self.tell_one(id, name, to, text),
            Command::Who => {
                self.add(id, What::Roster { after: Ticket::default(), until: self.roster.last(), begun: false });
            }
            Command::Help => HELP.iter().for_each(|line| self.tell(id, line)),
            Command::Quit => {
                self.tell(id, GOODBYE);
                self.part(id, Why::Quit);
            }
            Command::Unknown(word) => {
                self.tell(id, &format!("! Unknown command {}; try /help", safe(word, LINE_LEN_MAX)));
            }
            Command::Nothing => {}
        }
    }

    /// To everybody: one line in the log, which its owner passes over.
    // ANCHOR: say
    fn say(&mut self, id: Id, name: &Name, text: &str) {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        for part in ["[", name.as_str(), "] "] {
            line.extend_from_slice(part.as_bytes());
        }
        let head = line.len();
        push_safe(text, &mut line);
        if self.keeps_words {
            let text = String::from_utf8_lossy(&line[head..]).into_owned();
            self.events.push(Event::Said { name: name.clone(), text });
        }
        line.push(b'\n');
        self.own(id, line.len());
        self.log.push(&line, Kind::Message);
        self.line = line;
        self.stats.messages += 1;
    }
    // ANCHOR_END: say

    /// To one: a line there, and one back.
    fn tell_one(&mut self, id: Id, from: &Name, to: &str, text: &str) {
        if to.is_empty() || text.is_empty() {
            return self.tell(id, "! /msg needs a name and a text: /msg NAME TEXT");
        }
        let found = self.roster.find(to).and_then(|id| Some((id, self.guest(id)?)));
        let Some((there, guest)) = found else {
            return self.tell(id, &format!("! No one here is called {}", safe(to, LINE_LEN_MAX)));
        };
        let Stage::Member { name, .. } = &guest.stage else { return };
        let name = name.clone();
        if guest.mail.waiting() >= self.limits.waiting_max {
            self.stats.undelivered += 1;
            return self.tell(id, &format!("! {name} is not reading, and too much waits already; not delivered"));
        }
        let text = safe(text, usize::MAX);
        self.tell(there, &format!("[{from} -> you] {text}"));
        self.tell(id, &format!("[you -> {name}] {text}"));
        self.stats.private += 1;
    }

    /// The line that the log gets next is this member's own.
    fn own(&mut self, id: Id, len: usize) {
        if let Some(guest) = self.guests.get_mut(id.index()).and_then(Option::as_mut) {
            guest.mail.add_own(len, &self.log);
        }
    }
}
