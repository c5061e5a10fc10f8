//! Who has which name: one member for each, and none that looks like another.
//!
//! Names are found by what they are (their key), refused by how they look (their skeleton), and listed in
//! the order of joining. Read `../name.rs` before. Trees rather than hash tables, because a tree has no bad
//! luck that a peer could choose.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Id;
use crate::name::{Name, fold};

/// The members by name.
#[derive(Debug, Default)]
pub struct Roster {
    by_key: BTreeMap<Rc<str>, (Id, Ticket)>,
    by_look: BTreeMap<Rc<str>, Ticket>,
    by_ticket: BTreeMap<Ticket, Name>,
    last: Ticket,
}

/// The number of a joining: the order in which members are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ticket(u64);

/// Why a valid name cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    /// By somebody of the same name.
    #[error("{0} is in the room already")]
    Same(Name),
    /// By somebody whose name a reader could take for it.
    #[error("it looks too much like {0}, who is in the room already")]
    Alike(Name),
}

impl Roster {
    /// Gives the name to this connection.
    ///
    /// # Errors
    /// Who has it, or one like it.
    pub fn join(&mut self, name: &Name, id: Id) -> Result<Ticket, Taken> {
        if let Some((_, ticket)) = self.by_key.get(name.key()) {
            return Err(Taken::Same(self.by_ticket[ticket].clone()));
        }
        if let Some(ticket) = self.by_look.get(name.look()) {
            return Err(Taken::Alike(self.by_ticket[ticket].clone()));
        }
        self.last.0 += 1;
        let ticket = self.last;
        self.by_key.insert(Rc::clone(name.key()), (id, ticket));
        self.by_look.insert(Rc::clone(name.look()), ticket);
        self.by_ticket.insert(ticket, name.clone());
        Ok(ticket)
    }

    /// Takes the name back.
    pub fn leave(&mut self, ticket: Ticket) {
        if let Some(name) = self.by_ticket.remove(&ticket) {
            self.by_key.remove(name.key());
            self.by_look.remove(name.look());
        }
    }

    /// Who has this name, however it is written.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Id> {
        self.by_key.get(fold(text).as_str()).map(|(id, _)| *id)
    }

    /// The members in the order of joining: those behind `after`, up to `until`.
    pub fn names(&self, after: Ticket, until: Ticket) -> impl Iterator<Item = (Ticket, &Name)> {
        let from = Ticket(after.0 + 1);
        // A range that ends before it begins would panic.
        let range = (from <= until).then(|| self.by_ticket.range(from..=until));
        range.into_iter().flatten().map(|(ticket, name)| (*ticket, name))
    }

    /// The ticket of the last who has joined.
    #[must_use]
    pub fn last(&self) -> Ticket {
        self.last
    }

    /// How many are in the room.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_ticket.len()
    }

    /// Whether nobody is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_ticket.is_empty()
    }
}

impl Ticket {
    /// Before everybody, or the one before this one.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}
