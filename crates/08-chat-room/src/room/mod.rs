//! The room: who is here, what has been said, and what each is still to be sent. No socket, no clock.
//!
//! Bytes and `now` go in, pieces to send and the next deadline come out; the server's loop stands between
//! this and the sockets. Everything happens in one place and one order, so every member sees the same
//! one. Read `log.rs`, `mail.rs`, `roster.rs`, `guest.rs`, then this file, then `talk.rs` (what a line does).

mod guest;
pub mod log;
pub mod mail;
pub mod roster;
mod stats;
mod talk;
#[cfg(test)]
mod tests;

use std::time::Instant;

pub use self::guest::Step;
use self::guest::{Guest, Stage};
use self::log::{Kind, Log};
use self::mail::{Pieces, Scratch, What};
use self::roster::Roster;
pub use self::stats::Stats;
use crate::event::{Event, Why};
use crate::limits::Limits;
use crate::protocol::{SHUTTING_DOWN, WELCOME};

/// The name of a connection, given again when the connection has been removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u32);

impl Id {
    /// A small number, for a table beside the room's own.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A chat room.
///
/// # Examples
/// ```
/// use chat_room::limits::Limits;
/// use chat_room::room::{Room, mail::Scratch};
/// use std::time::Instant;
///
/// let (mut room, now) = (Room::new(Limits::default()), Instant::now());
/// let (ming, bob) = (room.arrive(now), room.arrive(now));
/// room.hear(ming, "小明\n".as_bytes(), now);
/// room.hear(bob, "bob\n大家好\n".as_bytes(), now);
///
/// let mut scratch = Scratch::default();
/// let sent: String = room.to_send(ming, &mut scratch).as_slices().iter()
///     .map(|piece| String::from_utf8_lossy(piece).into_owned()).collect();
/// assert!(sent.ends_with("* In the room: (nobody else)\n* bob has joined\n[bob] 大家好\n"), "{sent}");
/// ```
#[derive(Debug)]
pub struct Room {
    limits: Limits,
    /// Shown to each newcomer.
    motd: Option<String>,
    log: Log,
    roster: Roster,
    guests: Vec<Option<Guest>>,
    /// Indices of `guests` without one.
    free: Vec<u32>,
    /// Those who have something to be sent that is not in the log, since the last look.
    addressed: Vec<Id>,
    /// How far the log had come at the last look.
    looked_at: u64,
    events: Vec<Event>,
    /// Whether events hold what is said.
    keeps_words: bool,
    stats: Stats,
    /// A line in the making.
    line: Vec<u8>,
}

impl Room {
    /// An empty room.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            log: Log::new(limits.log_bytes_max),
            limits,
            motd: None,
            roster: Roster::default(),
            guests: Vec::new(),
            free: Vec::new(),
            addressed: Vec::new(),
            looked_at: 0,
            events: Vec::new(),
            keeps_words: false,
            stats: Stats::default(),
            line: Vec::new(),
        }
    }

    /// Shows this to each newcomer.
    pub fn set_motd(&mut self, text: &str) {
        self.motd = Some(crate::text::safe(text, crate::protocol::LINE_LEN_MAX / 4));
    }

    /// Puts what is said to everybody into the events as well.
    pub fn keep_words(&mut self) {
        self.keeps_words = true;
    }

    /// A client has connected: it is asked for its name.
    pub fn arrive(&mut self, now: Instant) -> Id {
        let guest = Guest::new(now + self.limits.naming_time);
        let id = if let Some(index) = self.free.pop() {
            self.guests[index as usize] = Some(guest);
            Id(index)
        } else {
            self.guests.push(Some(guest));
            Id(u32::try_from(self.guests.len() - 1).expect("no system has so many sockets"))
        };
        self.tell(id, WELCOME);
        id
    }

    /// The client has ended its stream: what it said before counts, and it gets what was said before.
    pub fn end_of_stream(&mut self, id: Id) {
        let Some(guest) = self.guest_mut(id) else { return };
        guest.heard_all = true;
        let begun = guest.lines.begun_len();
        if guest.is_heard() && begun > 0 {
            self.tell(id, &format!("! Your stream ended inside a line; its {begun} bytes were not passed on"));
        }
        self.part(id, Why::EndOfStream);
    }

    /// The connection is broken: nothing can be sent to it any more.
    pub fn lost(&mut self, id: Id, cause: &str) {
        if let Some(guest) = self.guest_mut(id) {
            guest.broken = true;
            self.part(id, Why::Broken(cause.to_owned()));
        }
    }

    /// A deadline has come: looks whether it is this connection's.
    ///
    /// Says `true` for one that has taken nothing for too long: its last words wait, and the caller should make
    /// room for them in the kernel.
    pub fn time_is_up(&mut self, id: Id, now: Instant) -> bool {
        let (naming_time, stall_timeout) = (self.limits.naming_time, self.limits.stall_timeout);
        let Some(guest) = self.guest_mut(id) else { return false };
        let is_up = |until: Instant| until <= now;
        if guest.stuck_since.is_some_and(|since| is_up(since + stall_timeout)) {
            guest.mail.give_up();
            guest.stuck_since = None;
            self.stats.stalled += 1;
            self.tell(id, &format!("! Closed: you have read nothing for {stall_timeout:?}"));
            self.part(id, Why::Stalled(stall_timeout));
            return true;
        }
        match guest.stage {
            Stage::Naming { until, .. } if is_up(until) => {
                self.tell(id, &format!("! You gave no name within {naming_time:?}"));
                self.part(id, Why::NoName(naming_time));
            }
            Stage::Released { until } if is_up(until) => guest.broken = true,
            _ => {}
        }
        false
    }

    /// When to call [`Room::time_is_up`] for this connection, if ever.
    #[must_use]
    pub fn deadline(&self, id: Id) -> Option<Instant> {
        self.guest(id)?.deadline(&self.limits)
    }

    /// What the connection's socket is to do now.
    #[must_use]
    pub fn step(&self, id: Id) -> Step {
        self.guest(id).map_or(Step::Close, |guest| guest.step(&self.log, self.limits.waiting_max))
    }

    /// What to send to this connection; empty when there is nothing.
    pub fn to_send<'a>(&'a mut self, id: Id, scratch: &'a mut Scratch) -> Pieces<'a> {
        self.catch_up(id);
        let guest = self.guests[id.index()].as_ref().expect("the caller has not removed it");
        guest.mail.pieces(&self.log, &self.roster, scratch)
    }

    /// The system has taken the first `len` bytes of what [`Room::to_send`] gave, which were `of` bytes.
    pub fn sent(&mut self, id: Id, (len, of): (usize, usize), scratch: &mut Scratch, now: Instant) {
        let Some(guest) = self.guests.get_mut(id.index()).and_then(Option::as_mut) else { return };
        guest.mail.sent(len, &self.log, scratch);
        if len == of {
            guest.stuck_since = None;
        } else {
            // Progress begins the time anew; only who takes nothing at all runs out of it.
            guest.stuck_since = Some(if len > 0 { now } else { guest.stuck_since.unwrap_or(now) });
            let behind = guest.mail.behind(&self.log);
            self.stats.behind_peak = self.stats.behind_peak.max(behind);
        }
    }

    /// Whether something is to be sent to this connection.
    #[must_use]
    pub fn has_mail(&self, id: Id) -> bool {
        self.guest(id).is_some_and(|guest| !guest.broken && !guest.mail.is_empty(&self.log))
    }

    /// Whether the last send was not taken whole, so that the next has to wait for the socket.
    #[must_use]
    pub fn is_stuck(&self, id: Id) -> bool {
        self.guest(id).is_some_and(|guest| guest.stuck_since.is_some())
    }

    /// Our FIN to this connection is out.
    pub fn released(&mut self, id: Id, now: Instant) {
        if let Some(guest) = self.guest_mut(id) {
            guest.released(now);
        }
    }

    /// The connection is closed; its id is free.
    pub fn remove(&mut self, id: Id) {
        self.part(id, Why::Broken("closed".to_owned()));
        if self.guests.get_mut(id.index()).and_then(Option::take).is_some() {
            self.free.push(id.0);
        }
    }

    /// Tells everybody that the server ends, and listens to nobody any more.
    pub fn shut_down(&mut self) {
        self.announce(SHUTTING_DOWN);
        for id in self.ids() {
            if let Some(guest) = self.guest_mut(id)
                && matches!(guest.stage, Stage::Naming { .. })
            {
                self.tell(id, SHUTTING_DOWN);
            }
            self.part(id, Why::ShuttingDown);
        }
    }

    /// Those who may have something new to be sent since the last call; all of them when a line is new.
    pub fn take_addressed(&mut self, ids: &mut Vec<Id>) {
        ids.clear();
        let end = self.log.end().at;
        if end == std::mem::replace(&mut self.looked_at, end) {
            ids.append(&mut self.addressed);
        } else {
            self.addressed.clear();
            ids.extend((0..).zip(&self.guests).filter(|(_, guest)| guest.is_some()).map(|(index, _)| Id(index)));
        }
    }

    /// All connections.
    #[must_use]
    pub fn ids(&self) -> Vec<Id> {
        (0..).zip(&self.guests).filter(|(_, guest)| guest.is_some()).map(|(index, _)| Id(index)).collect()
    }

    /// What has happened since the last call.
    pub fn take_events(&mut self) -> impl Iterator<Item = Event> + '_ {
        self.events.drain(..)
    }

    /// Notes something that has happened to a client before it came in.
    pub fn note(&mut self, event: Event) {
        self.stats.refused += u64::from(matches!(event, Event::Refused { .. }));
        self.events.push(event);
    }

    /// The numbers for `/stats`.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            members: self.roster.len(),
            connections: self.guests.len() - self.free.len(),
            log_bytes: self.log.len(),
            lines: self.log.end().lines,
            ..self.stats.clone()
        }
    }

    /// What the room allows.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    fn guest(&self, id: Id) -> Option<&Guest> {
        self.guests.get(id.index())?.as_ref()
    }

    fn guest_mut(&mut self, id: Id) -> Option<&mut Guest> {
        self.guests.get_mut(id.index())?.as_mut()
    }

    /// A line of the server's to one connection.
    fn tell(&mut self, id: Id, line: &str) {
        self.add(id, What::Text(format!("{line}\n").into_bytes().into_boxed_slice()));
    }

    /// Something for one connection, behind the log's last line.
    fn add(&mut self, id: Id, what: What) {
        if let Some(guest) = self.guests.get_mut(id.index()).and_then(Option::as_mut) {
            guest.mail.add(what, &self.log);
            self.stats.waiting_peak = self.stats.waiting_peak.max(guest.mail.waiting());
            self.addressed.push(id);
        }
    }

    /// A notice to everybody in the room.
    fn announce(&mut self, line: &str) {
        self.line.clear();
        self.line.extend_from_slice(line.as_bytes());
        self.line.push(b'\n');
        self.log.push(&self.line, Kind::Notice);
    }

    /// A connection's words end here; a member leaves the room, and the others are told why.
    fn part(&mut self, id: Id, why: Why) {
        let Some(guest) = self.guests.get_mut(id.index()).and_then(Option::as_mut) else { return };
        if !guest.is_heard() {
            self.addressed.push(id);
            return;
        }
        guest.mail.leave(&self.log);
        self.addressed.push(id);
        if let Stage::Member { name, ticket } = std::mem::replace(&mut guest.stage, Stage::Leaving) {
            self.roster.leave(ticket);
            self.stats.left += 1;
            if why != Why::ShuttingDown {
                let reason = why.told().map(|why| format!(": {why}")).unwrap_or_default();
                self.announce(&format!("* {name} has left{reason}"));
            }
            self.events.push(Event::Left { name, why, members: self.roster.len() });
        } else {
            self.events.push(Event::Unnamed { why });
        }
    }

    /// Says what a connection has missed, if the log has gone past it.
    fn catch_up(&mut self, id: Id) {
        let Some(guest) = self.guests.get_mut(id.index()).and_then(Option::as_mut) else { return };
        let Some(missed) = guest.mail.catch_up(&self.log) else { return };
        let count = |number: u64, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
        let what = match (missed.messages, missed.notices) {
            (0, 0) => return,
            (0, notices) => count(notices, "notice"),
            (messages, _) => count(messages, "message"),
        };
        guest.mail.add_first(format!("* You missed {what}\n").into_bytes().into_boxed_slice());
        self.stats.missed += missed.messages;
        if let Stage::Member { name, .. } = &guest.stage {
            self.events.push(Event::Missed { name: name.clone(), messages: missed.messages });
        }
    }
}
