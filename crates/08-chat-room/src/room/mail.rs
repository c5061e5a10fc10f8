//! What one connection is still to be sent: a cursor into the log, and what is said to it alone between the lines.
//!
//! ```text
//! log        │ [bob] a⏎ │ [小明] b⏎ │ [bob] c⏎ │
//! inserts    ▲ "* In the room: bob⏎"  ▲ 小明's own line: passed over
//! sent       * In the room: bob⏎ [bob] a⏎ [bob] c⏎
//! ```
//!
//! Nothing is copied for the usual member: what it is sent are slices of the log itself. Lists (who is here,
//! what was said before) are written only when they are sent, so that who does not read costs nothing.
//! When a send ends in mid-line, the rest of that line is kept, because the log may forget it.
//! Read `log.rs` and `roster.rs` before; `mail/sending.rs` next (what a send takes).

mod sending;

use std::collections::VecDeque;

pub use self::sending::{Pieces, Scratch};
use super::log::{Cursor, Log};
use super::roster::Ticket;

/// What an insert costs beside its text.
const INSERT_COST: usize = size_of::<Insert>();

/// From so many inserts on it pays to look for those whose lines the log has forgotten.
const TIDY_FROM: usize = 1024;

/// The rest of what a connection is to be sent.
#[derive(Debug)]
pub struct Mail {
    /// The rest of what was sent in part.
    rest: Vec<u8>,
    /// Everything before it has been sent, passed over or missed.
    cursor: Cursor,
    /// Nothing of the log from here on: not a member yet, or not any more. `None` for a member.
    until: Option<u64>,
    /// In the order of their places.
    inserts: VecDeque<Insert>,
    /// What the inserts cost, without the own lines: those are in the log, which has its own bound.
    waiting: usize,
    tidy_at: usize,
    /// Own lines that the log has forgotten before the cursor came by.
    own_forgotten: u64,
}

#[derive(Debug)]
struct Insert {
    /// The place in the log.
    at: u64,
    what: What,
}

/// Something between the lines of the log.
#[derive(Debug, Clone)]
pub enum What {
    /// The member's own line of so many bytes, which it is not sent.
    Own(u32),
    /// Lines that are complete.
    Text(Box<[u8]>),
    /// The names of those who joined behind the one ticket, up to the other.
    Roster {
        /// The last who has been listed.
        after: Ticket,
        /// The last to list.
        until: Ticket,
        /// A line of names has been sent.
        begun: bool,
    },
    /// The messages in a range of the log, marked as earlier.
    History {
        /// The next one.
        from: Cursor,
        /// The end of the range.
        until: u64,
    },
}

/// What a member was too slow for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// Lines that members have said.
    pub messages: u64,
    /// Notices.
    pub notices: u64,
}

impl Mail {
    /// For somebody who is not a member yet: nothing of the log.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rest: Vec::new(),
            cursor: Cursor::default(),
            until: Some(0),
            inserts: VecDeque::new(),
            waiting: 0,
            tidy_at: TIDY_FROM,
            own_forgotten: 0,
        }
    }

    /// A member from here on: every line that the log gets from now is for it.
    pub fn enter(&mut self, log: &Log) {
        self.cursor = log.end();
        self.until = None;
    }

    /// Not a member any more: lines from now on are not for it, those before are.
    pub fn leave(&mut self, log: &Log) {
        self.until.get_or_insert(log.end().at);
    }

    /// Puts something behind the log's last line.
    pub fn add(&mut self, what: What, log: &Log) {
        let at = if self.until.is_none() { log.end().at } else { self.cursor.at };
        self.waiting += cost(&what);
        self.inserts.push_back(Insert { at, what });
    }

    /// Forgets all but the rest of the line that has been begun: nothing more of the log, no answers.
    pub fn give_up(&mut self) {
        self.until = Some(self.cursor.at);
        self.inserts.clear();
        self.waiting = 0;
    }

    /// Notes that the line which the log gets next, of `len` bytes, is the member's own.
    pub fn add_own(&mut self, len: usize, log: &Log) {
        let len = u32::try_from(len).expect("a line is short");
        self.add(What::Own(len), log);
        if self.inserts.len() >= self.tidy_at {
            self.tidy(log);
        }
    }

    /// Forgets own lines that the log has forgotten.
    fn tidy(&mut self, log: &Log) {
        let (before, start) = (self.inserts.len(), log.start().at);
        self.inserts.retain(|insert| insert.at >= start || !matches!(insert.what, What::Own(_)));
        self.own_forgotten += (before - self.inserts.len()) as u64;
        self.tidy_at = TIDY_FROM.max(2 * self.inserts.len());
    }

    /// What the member's own queue costs, in bytes: answers and private messages.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting + self.rest.len()
    }

    /// How many bytes of the log the cursor is behind.
    #[must_use]
    pub fn behind(&self, log: &Log) -> u64 {
        self.upto(log).saturating_sub(self.cursor.at)
    }

    /// Whether nothing is left to send.
    #[must_use]
    pub fn is_empty(&self, log: &Log) -> bool {
        self.rest.is_empty() && self.cursor.at >= self.upto(log) && self.inserts.is_empty()
    }

    /// Goes on in the middle of the log when the cursor's line has been forgotten, and says what was missed.
    pub fn catch_up(&mut self, log: &Log) -> Option<Missed> {
        if self.cursor.at >= self.upto(log) || self.cursor.at >= log.start().at {
            return None;
        }
        let mut next = log.middle();
        if next.at > self.upto(log) {
            next = if log.start().at > self.upto(log) { log.start() } else { log.line_at_or_after(self.upto(log)) };
        }
        let mut own = std::mem::take(&mut self.own_forgotten);
        let before = self.inserts.len();
        self.inserts.retain(|insert| insert.at >= next.at || !matches!(insert.what, What::Own(_)));
        own += (before - self.inserts.len()) as u64;
        let messages = (next.messages - self.cursor.messages).saturating_sub(own);
        let notices = (next.lines - next.messages) - (self.cursor.lines - self.cursor.messages);
        self.cursor = next;
        Some(Missed { messages, notices })
    }

    /// Puts lines before everything else that is to be sent, except the rest of a line that has been begun.
    pub fn add_first(&mut self, text: Box<[u8]>) {
        let what = What::Text(text);
        self.waiting += cost(&what);
        self.inserts.push_front(Insert { at: 0, what });
    }

    /// How far into the log this connection is to be sent.
    fn upto(&self, log: &Log) -> u64 {
        self.until.unwrap_or(log.end().at)
    }

    fn pop(&mut self) {
        if let Some(insert) = self.inserts.pop_front() {
            self.waiting -= cost(&insert.what);
        }
        if self.inserts.is_empty() {
            // The usual member has none, and room for four is as much as all else that it costs.
            self.inserts = VecDeque::new();
        }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self::new()
    }
}

fn cost(what: &What) -> usize {
    match what {
        What::Own(_) => 0,
        What::Text(text) => INSERT_COST + text.len(),
        What::Roster { .. } | What::History { .. } => INSERT_COST,
    }
}
