//! One visit to the room, from the server's question to the end: a state machine without a socket, a clock
//! or a terminal.
//!
//! ```text
//!            question            "In the room"              /quit, end of input
//!   Knocking ────────▶ Named ────────────────▶ InRoom ─────────────────────────▶ Leaving
//!                        │ ▲                      │                                 │
//!              "! Name…" ▼ │ another name         │ the server ends                 │ the server ends
//!                       Asked                     └─────────────▶ Over ◀────────────┘
//! ```
//! Lines, typed text and the time go in, [`Action`]s come out; `session.rs` performs them. Read
//! `protocol.rs` before: the lines are explained there.

use std::time::{Duration, Instant};

use netcommon::escape::quote;

use crate::protocol::{IN_THE_ROOM, LINE_LEN_MAX, Line};

/// Something to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send this line; its LF is not in it.
    Send(Vec<u8>),
    /// Show a line that the server sent.
    Show(Vec<u8>),
    /// Show what we have just said to everybody: the room does not send it back.
    ShowOwn(Vec<u8>),
    /// Tell the person something that is not from the room.
    Explain(String),
    /// Send our FIN; answers may still come.
    HalfClose,
}

/// How a visit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// We left, and the server ended the stream.
    Left,
    /// We left; the server did not end the stream in time.
    RoomStays,
    /// We left, but the stream broke: our last lines may not have arrived.
    Broken,
    /// The server ended the stream, or it broke, while we were not done.
    RoomLeft,
    /// The server did not say what it had to, in time.
    NoAnswer,
    /// The room does not want our name, and nobody is there to choose another: why.
    NameRefused(String),
    /// What answers there is no chat room: what it said.
    NoRoom(String),
}

/// Who sits at this end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor {
    /// A person, who can be asked for another name and wants to see what was said.
    Person,
    /// Lines from a pipe; or a person's client that comes back alone, under the same name.
    Alone,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Knocking { until: Instant },
    Named { until: Instant },
    Asked,
    InRoom,
    Leaving { until: Instant },
    Over(Ending),
}

/// The visit.
#[derive(Debug)]
pub struct Visit {
    state: State,
    name: String,
    visitor: Visitor,
    timeout: Duration,
    refused: usize,
}

impl Visit {
    /// A connection was made; the server speaks first.
    #[must_use]
    pub fn new(name: &str, visitor: Visitor, timeout: Duration, now: Instant) -> Self {
        Self { state: State::Knocking { until: now + timeout }, name: name.to_owned(), visitor, timeout, refused: 0 }
    }

    /// Our name, as we have given it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether what is typed now goes to the server.
    #[must_use]
    pub fn wants_line(&self) -> bool {
        matches!(self.state, State::Asked | State::InRoom)
    }

    /// Whether the room has let us in.
    #[must_use]
    pub fn is_in_room(&self) -> bool {
        matches!(self.state, State::InRoom)
    }

    /// How many of our lines were not taken: answered with `! `, or too long to be sent.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.refused
    }

    /// When [`Visit::on_deadline`] is due, if nothing else happens.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Knocking { until } | State::Named { until } | State::Leaving { until } => Some(until),
            State::Asked | State::InRoom | State::Over(_) => None,
        }
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn ending(&self) -> Option<&Ending> {
        match &self.state {
            State::Over(ending) => Some(ending),
            _ => None,
        }
    }

    /// The server sent a line.
    // ANCHOR: on_line
    #[must_use]
    pub fn on_line(&mut self, line: Vec<u8>, now: Instant) -> Vec<Action> {
        let until = now + self.timeout;
        let text = String::from_utf8_lossy(&line).into_owned();
        let mut actions = vec![Action::Show(line)];
        match (&mut self.state, Line::of(&text)) {
            (State::Knocking { .. }, Line::Notice(_)) => {
                self.state = State::Named { until };
                actions.push(Action::Send(self.name.clone().into_bytes()));
            }
            (State::Knocking { .. }, Line::Strange(_) | Line::Message(_)) => {
                return self.over(Ending::NoRoom(quote(text.as_bytes(), STRANGE_SHOWN).to_string()));
            }
            (State::Named { .. }, Line::Notice(_)) if text.starts_with(IN_THE_ROOM) => self.state = State::InRoom,
            (State::Named { .. }, Line::Error(_)) if self.visitor == Visitor::Person => self.state = State::Asked,
            (State::Named { .. }, Line::Error(why)) => {
                let why = quote(why.as_bytes(), STRANGE_SHOWN).to_string();
                actions.extend(self.over(Ending::NameRefused(why)));
            }
            (State::InRoom, Line::Error(_)) => self.refused += 1,
            (State::Leaving { until: old }, line) => {
                *old = until;
                self.refused += usize::from(matches!(line, Line::Error(_)));
            }
            _ => {}
        }
        actions
    }
    // ANCHOR_END: on_line

    /// A line was typed, or read from a pipe; its LF is not in it.
    #[must_use]
    pub fn on_typed(&mut self, line: Vec<u8>, now: Instant) -> Vec<Action> {
        let until = now + self.timeout;
        if line.is_empty() {
            return Vec::new();
        }
        match self.state {
            State::Asked => {
                self.name = String::from_utf8_lossy(&line).trim().to_owned();
                self.state = State::Named { until };
                vec![Action::Send(self.name.clone().into_bytes())]
            }
            State::InRoom if line.len() >= LINE_LEN_MAX => {
                self.refused += 1;
                let (len, limit) = (line.len(), LINE_LEN_MAX - 1);
                vec![Action::Explain(format!("a line of {len} bytes is not sent: the room takes at most {limit}"))]
            }
            State::InRoom if line == b"/quit" => {
                self.state = State::Leaving { until };
                vec![Action::Send(line)]
            }
            State::InRoom => {
                let mut actions = vec![Action::Send(line.clone())];
                match line.strip_prefix(b"/") {
                    None => actions.push(Action::ShowOwn(line)),
                    Some(text) if text.starts_with(b"/") => actions.push(Action::ShowOwn(text.to_vec())),
                    Some(_) => {}
                }
                actions
            }
            State::Knocking { .. } | State::Named { .. } | State::Leaving { .. } | State::Over(_) => {
                vec![Action::Explain(NOT_IN_THE_ROOM.to_owned())]
            }
        }
    }

    /// The person, or the pipe, has nothing more to say.
    #[must_use]
    pub fn on_input_end(&mut self, now: Instant) -> Vec<Action> {
        if matches!(self.state, State::Leaving { .. } | State::Over(_)) {
            return Vec::new();
        }
        self.state = State::Leaving { until: now + self.timeout };
        vec![Action::HalfClose]
    }

    /// The server's stream has ended: in order, with its FIN, or broken.
    pub fn on_server_end(&mut self, in_order: bool) {
        let ending = match self.state {
            State::Leaving { .. } if in_order => Ending::Left,
            State::Leaving { .. } => Ending::Broken,
            _ => Ending::RoomLeft,
        };
        let _ = self.over(ending);
    }

    /// The deadline has passed.
    pub fn on_deadline(&mut self) {
        let left = matches!(self.state, State::Leaving { .. });
        let _ = self.over(if left { Ending::RoomStays } else { Ending::NoAnswer });
    }

    /// The first ending stays.
    fn over(&mut self, ending: Ending) -> Vec<Action> {
        if self.ending().is_none() {
            self.state = State::Over(ending);
        }
        Vec::new()
    }
}

/// So many bytes of a strange answer tell what it is: `SSH-2.0-OpenSSH_9.2`, `HTTP/1.1 400 Bad Request`.
const STRANGE_SHOWN: usize = 120;

/// Said when somebody types too early or too late.
pub const NOT_IN_THE_ROOM: &str = "not sent, we are not in the room; the arrow key up brings the line back";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::WELCOME;

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn knocking(visitor: Visitor) -> (Visit, Instant) {
        let now = Instant::now();
        (Visit::new("小明", visitor, TIMEOUT, now), now)
    }

    /// In the room, after question and name.
    fn in_room(visitor: Visitor) -> (Visit, Instant) {
        let (mut visit, now) = knocking(visitor);
        assert_eq!(visit.on_line(WELCOME.into(), now), [Action::Show(WELCOME.into()), Action::Send("小明".into())]);
        let _ = visit.on_line("* In the room: bob".into(), now);
        assert!(visit.is_in_room());
        (visit, now)
    }

    #[test]
    fn the_name_answers_the_question_and_nothing_is_sent_before() {
        let (mut visit, now) = knocking(Visitor::Alone);
        assert!(!visit.wants_line());
        assert_eq!(visit.deadline(), Some(now + TIMEOUT));
        let _ = visit.on_line(WELCOME.into(), now);
        assert!(!visit.wants_line());
        let _ = visit.on_line("* motd: 今天停電".into(), now);
        assert!(!visit.wants_line());
        let _ = visit.on_line("* In the room: (nobody else)".into(), now);
        assert!(visit.wants_line());
        assert_eq!(visit.deadline(), None);
    }

    #[test]
    fn a_person_is_asked_for_another_name_and_a_script_gives_up() {
        let taken = "! Name 小明: taken";
        let (mut visit, now) = knocking(Visitor::Person);
        let _ = visit.on_line(WELCOME.into(), now);
        assert_eq!(visit.on_line(taken.into(), now), [Action::Show(taken.into())]);
        assert!(visit.wants_line());
        assert_eq!(visit.on_typed("小華 ".into(), now), [Action::Send("小華".into())]);
        let _ = visit.on_line("* In the room: 小明".into(), now);
        assert_eq!((visit.is_in_room(), visit.name(), visit.refused()), (true, "小華", 0));

        let (mut visit, now) = knocking(Visitor::Alone);
        let _ = visit.on_line(WELCOME.into(), now);
        let _ = visit.on_line(taken.into(), now);
        assert_eq!(visit.ending(), Some(&Ending::NameRefused("\"Name 小明: taken\"".to_owned())));
    }

    #[test]
    fn what_is_said_to_everybody_is_shown_because_the_room_does_not_send_it_back() {
        let (mut visit, now) = in_room(Visitor::Person);
        for (typed, shown) in
            [("早安", Some("早安")), ("//who", Some("/who")), ("/who", None), ("/msg bob 噓", None), ("", None)]
        {
            let actions = visit.on_typed(typed.into(), now);
            let own = actions.iter().find_map(|action| match action {
                Action::ShowOwn(text) => Some(String::from_utf8(text.clone()).unwrap()),
                _ => None,
            });
            assert_eq!(own.as_deref(), shown, "{typed}");
            assert_eq!(actions.contains(&Action::Send(typed.into())), !typed.is_empty(), "{typed}");
        }
    }

    #[test]
    fn quit_and_the_end_of_input_are_orderly_and_wait_for_the_servers_end() {
        let (mut visit, now) = in_room(Visitor::Person);
        assert_eq!(visit.on_typed("/quit".into(), now), [Action::Send("/quit".into())]);
        assert_eq!(visit.on_input_end(now), []);
        let later = now + TIMEOUT / 2;
        let _ = visit.on_line("* Goodbye".into(), later);
        assert_eq!(visit.deadline(), Some(later + TIMEOUT));
        visit.on_server_end(true);
        assert_eq!(visit.ending(), Some(&Ending::Left));

        let (mut visit, now) = in_room(Visitor::Alone);
        assert_eq!(visit.on_input_end(now), [Action::HalfClose]);
        visit.on_deadline();
        assert_eq!(visit.ending(), Some(&Ending::RoomStays));
    }

    #[test]
    fn a_reset_after_our_fin_is_no_orderly_end() {
        let (mut visit, now) = in_room(Visitor::Alone);
        let _ = visit.on_input_end(now);
        visit.on_server_end(false);
        assert_eq!(visit.ending(), Some(&Ending::Broken));
    }

    #[test]
    fn a_server_that_goes_or_is_silent_ends_the_visit() {
        let (mut visit, _) = in_room(Visitor::Person);
        visit.on_server_end(true);
        visit.on_deadline();
        assert_eq!(visit.ending(), Some(&Ending::RoomLeft));
        let (mut visit, _) = knocking(Visitor::Person);
        visit.on_deadline();
        assert_eq!(visit.ending(), Some(&Ending::NoAnswer));
    }

    #[test]
    fn another_kind_of_server_is_recognised_and_its_words_are_made_safe() {
        let (mut visit, now) = knocking(Visitor::Person);
        assert_eq!(visit.on_line(b"SSH-2.0-\x1b[2J".into(), now), []);
        assert_eq!(visit.ending(), Some(&Ending::NoRoom(r#""SSH-2.0-\x1b[2J""#.to_owned())));
    }

    #[test]
    fn a_room_that_is_full_may_say_so_instead_of_asking() {
        let (mut visit, now) = knocking(Visitor::Person);
        let full = "! Too many connections from your address";
        assert_eq!(visit.on_line(full.into(), now), [Action::Show(full.into())]);
        visit.on_server_end(true);
        assert_eq!(visit.ending(), Some(&Ending::RoomLeft));
    }

    #[test]
    fn lines_that_are_not_taken_are_counted() {
        let (mut visit, now) = in_room(Visitor::Alone);
        let _ = visit.on_line("! No one here is called 小美".into(), now);
        let long = "字".repeat(LINE_LEN_MAX / 3 + 1);
        let actions = visit.on_typed(long.clone().into(), now);
        assert!(matches!(actions.as_slice(), [Action::Explain(text)] if text.contains("1026 bytes")), "{actions:?}");
        assert_eq!(visit.refused(), 2);
        let fits = "a".repeat(LINE_LEN_MAX - 1);
        assert!(visit.on_typed(fits.clone().into(), now).contains(&Action::Send(fits.into())));
    }
}
