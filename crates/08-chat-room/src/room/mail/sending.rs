//! One send: which pieces it is made of, and what has been done when the system has taken so many bytes.
//!
//! `pieces` looks and changes nothing; `sent` walks the same way again and crosses off what has gone. Between
//! the two the socket decides how much that is, from nothing to all. Read `mail.rs` before.

use std::io::IoSlice;

use super::{Insert, Mail, What};
use crate::protocol::{EARLIER, IN_THE_ROOM, LINE_LEN_MAX, NOBODY};
use crate::room::log::{Cursor, Kind, Log};
use crate::room::roster::{Roster, Ticket};

/// Bytes of lists that one send takes: some hundred names, or all of a usual history.
const LISTS_LEN_MAX: usize = 16 * 1024;

/// Pieces of one send; Linux takes 1,024 (`IOV_MAX`), and so many are more than a send buffer mostly holds.
const PIECES_MAX: usize = 64;

/// The pieces of one send, borrowed from where they are.
#[derive(Debug)]
pub struct Pieces<'a> {
    /// The usual case, without an allocation: the log's two halves.
    log: [IoSlice<'a>; 2],
    mixed: Vec<IoSlice<'a>>,
}

impl<'a> Pieces<'a> {
    /// For `write_vectored`; empty when there is nothing to send.
    #[must_use]
    pub fn as_slices(&self) -> &[IoSlice<'a>] {
        if !self.mixed.is_empty() {
            &self.mixed
        } else if self.log[0].is_empty() {
            &self.log[1..]
        } else if self.log[1].is_empty() {
            &self.log[..1]
        } else {
            &self.log
        }
    }

    /// How many bytes they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_slices().iter().map(|piece| piece.len()).sum()
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where lists are written for one send; one for all connections.
#[derive(Debug, Default)]
pub struct Scratch {
    bytes: Vec<u8>,
    /// Of each list in this send: where it ends in `bytes`, and what of it is left for the next send.
    lists: Vec<(usize, Option<What>)>,
}

impl Mail {
    /// What to send next; empty when there is nothing. Lists are written into `scratch`.
    pub(in crate::room) fn pieces<'a>(&'a self, log: &'a Log, roster: &Roster, scratch: &'a mut Scratch) -> Pieces<'a> {
        scratch.bytes.clear();
        scratch.lists.clear();
        let upto = self.upto(log).max(self.cursor.at);
        if self.rest.is_empty() && self.inserts.is_empty() {
            return Pieces { log: log.bytes_or_none(self.cursor.at, upto).map(IoSlice::new), mixed: Vec::new() };
        }
        let sent = self.inserts.iter().take(PIECES_MAX);
        let goes_on = sent.clone().all(|insert| write_list(&insert.what, log, roster, scratch));
        let scratch = &*scratch;
        let mut mixed = vec![IoSlice::new(&self.rest)];
        let (mut at, mut lists, mut list_from) = (self.cursor.at, scratch.lists.iter(), 0);
        for Insert { at: place, what } in sent {
            if *place > at {
                mixed.extend(log.bytes_or_none(at, *place).map(IoSlice::new));
                at = *place;
            }
            match what {
                What::Own(len) => at += u64::from(*len),
                What::Text(text) => mixed.push(IoSlice::new(text)),
                What::Roster { .. } | What::History { .. } => {
                    let Some((to, _)) = lists.next() else { break };
                    mixed.push(IoSlice::new(&scratch.bytes[list_from..*to]));
                    list_from = *to;
                }
            }
        }
        if goes_on && self.inserts.len() <= PIECES_MAX {
            mixed.extend(log.bytes_or_none(at, upto).map(IoSlice::new));
        }
        mixed.retain(|piece| !piece.is_empty());
        Pieces { log: [IoSlice::new(&[]); 2], mixed }
    }

    /// Crosses off what has gone: the first `len` bytes of the pieces that [`Mail::pieces`] gave.
    pub(in crate::room) fn sent(&mut self, len: usize, log: &Log, scratch: &mut Scratch) {
        let mut left = len;
        let of_rest = left.min(self.rest.len());
        left -= of_rest;
        if of_rest == self.rest.len() {
            self.rest = Vec::new();
        } else {
            self.rest.drain(..of_rest);
            return;
        }
        let (mut list_from, mut lists) = (0, std::mem::take(&mut scratch.lists).into_iter());
        while let Some(Insert { at, what }) = self.inserts.front() {
            let (at, own_len) = (*at, if let What::Own(len) = what { Some(u64::from(*len)) } else { None });
            if at > self.cursor.at && !self.log_sent(&mut left, at, log) {
                return;
            }
            let is_done = if let Some(len) = own_len {
                self.cursor = log.line_at_or_after(self.cursor.at + len);
                self.pop();
                true
            } else if let What::Text(_) = self.inserts[0].what {
                self.text_sent(&mut left)
            } else {
                let Some((to, next)) = lists.next() else { return };
                let list = &scratch.bytes[std::mem::replace(&mut list_from, to)..to];
                self.list_sent(&mut left, list, next)
            };
            if !is_done {
                return;
            }
        }
        self.log_sent(&mut left, self.upto(log), log);
    }

    /// Crosses off up to `left` bytes of the text in front; whether that was all of it.
    fn text_sent(&mut self, left: &mut usize) -> bool {
        let Some(What::Text(text)) = self.inserts.front().map(|insert| &insert.what) else { return true };
        let taken = text.len().min(*left);
        let rest = text[taken..].to_vec();
        *left -= taken;
        let is_done = rest.is_empty();
        if taken > 0 {
            self.pop();
            self.rest = rest;
        }
        is_done
    }

    /// Crosses off up to `left` bytes of the log before `to`; whether that was all of them.
    fn log_sent(&mut self, left: &mut usize, to: u64, log: &Log) -> bool {
        let wanted = to.saturating_sub(self.cursor.at);
        let taken = wanted.min(*left as u64);
        *left -= usize::try_from(taken).expect("it is at most what was left");
        let sent_to = self.cursor.at + taken;
        if taken > 0 {
            self.cursor = log.line_at_or_after(sent_to);
            if self.cursor.at > sent_to {
                self.rest = log.bytes(sent_to, self.cursor.at).concat();
            }
        }
        taken == wanted
    }

    /// Crosses off a list of which `next` is left for later; whether all of this is done.
    fn list_sent(&mut self, left: &mut usize, list: &[u8], next: Option<What>) -> bool {
        let taken = (*left).min(list.len());
        if taken == 0 && !list.is_empty() {
            return false;
        }
        *left -= taken;
        self.rest = list[taken..].to_vec();
        let is_done = self.rest.is_empty() && next.is_none();
        match next {
            Some(next) => self.inserts[0].what = next,
            None => self.pop(),
        }
        is_done
    }
}

impl Log {
    /// As [`Log::bytes`]; nothing for an empty range, also of a place that is not kept any more.
    fn bytes_or_none(&self, from: u64, to: u64) -> [&[u8]; 2] {
        if from < to { self.bytes(from, to) } else { [&[], &[]] }
    }
}

/// Writes a list, as much as one send takes; whether all of it was written, true for what is no list.
fn write_list(what: &What, log: &Log, roster: &Roster, scratch: &mut Scratch) -> bool {
    let next = match what {
        What::Own(_) | What::Text(_) => return true,
        What::Roster { after, until, begun } => write_names(roster, (*after, *until), *begun, &mut scratch.bytes),
        What::History { from, until } => write_history(log, *from, *until, &mut scratch.bytes),
    };
    let goes_on = next.is_none();
    scratch.lists.push((scratch.bytes.len(), next));
    goes_on
}

/// Writes lines of names, each as long as a line may be; returns what is left for the next send.
fn write_names(roster: &Roster, (after, until): (Ticket, Ticket), begun: bool, bytes: &mut Vec<u8>) -> Option<What> {
    let (mut listed, mut line_from) = (after, None);
    for (ticket, name) in roster.names(after, until) {
        if bytes.len() >= LISTS_LEN_MAX {
            // Full before the first name: then the line of nobody must wait as well.
            bytes.extend(line_from.map(|_| b'\n'));
            return Some(What::Roster { after: listed, until, begun: begun || line_from.is_some() });
        }
        let name = name.as_str().as_bytes();
        match line_from {
            Some(from) if bytes.len() - from + ", ".len() + name.len() < LINE_LEN_MAX => {
                bytes.extend_from_slice(b", ");
            }
            _ => {
                bytes.extend(line_from.map(|_| b'\n'));
                line_from = Some(bytes.len());
                bytes.extend_from_slice(IN_THE_ROOM.as_bytes());
            }
        }
        bytes.extend_from_slice(name);
        listed = ticket;
    }
    if line_from.is_none() && !begun {
        bytes.extend_from_slice(IN_THE_ROOM.as_bytes());
        bytes.extend_from_slice(NOBODY.as_bytes());
        line_from = Some(0);
    }
    bytes.extend(line_from.map(|_| b'\n'));
    None
}

/// Writes earlier messages, marked; returns what is left for the next send.
fn write_history(log: &Log, from: Cursor, until: u64, bytes: &mut Vec<u8>) -> Option<What> {
    let mut from = if from.at < log.start().at { log.start() } else { from };
    while let Some((line, kind, next)) = log.line(from)
        && next.at <= until
    {
        if bytes.len() >= LISTS_LEN_MAX {
            return Some(What::History { from, until });
        }
        if kind == Kind::Message {
            bytes.extend_from_slice(EARLIER.as_bytes());
            line.iter().for_each(|half| bytes.extend_from_slice(half));
        }
        from = next;
    }
    None
}
