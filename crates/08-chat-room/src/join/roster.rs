//! Who is in the room, as far as the client has heard, and what Tab makes of it.
//!
//! Pure. Names come from the server's lists and notices and from the messages themselves, so the roster may
//! be behind for a moment; that costs a Tab a name, and nothing else. In Chinese no space stands before a
//! name, so Tab looks for the longest end of the text that begins a name. Read `protocol.rs` before.

use std::collections::BTreeSet;

use netcommon::escape::escape;

use crate::protocol::{COMMANDS, Line, Message, NAME_CHARS_MAX, Whose, names_in};

/// Names that are kept: more than any room of this course has; a server that sends more is ignored.
pub const NAMES_MAX: usize = 4096;

/// What Tab does with the line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completion {
    /// The byte at which the completed part begins.
    pub start: usize,
    /// What stands there afterwards, up to the cursor.
    pub text: String,
    /// What it could become, when that is more than one thing.
    pub choices: Vec<String>,
}

/// The names that the client knows.
///
/// # Examples
/// ```
/// use chat_room::join::roster::Roster;
///
/// let mut roster = Roster::default();
/// roster.hear("* In the room: 小明, bob");
/// roster.hear("* carol has joined");
/// let tab = roster.complete("/msg ca").unwrap();
/// assert_eq!((tab.start, tab.text.as_str()), (5, "carol "));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Roster {
    names: BTreeSet<String>,
}

impl Roster {
    /// Learns from a line of the server.
    pub fn hear(&mut self, line: &str) {
        let names: Vec<&str> = names_in(line).collect();
        names.into_iter().for_each(|name| self.add(name));
        match Line::of(line) {
            Line::Notice(text) => {
                if let Some(name) = text.strip_suffix(" has joined") {
                    self.add(name);
                } else if let Some((name, _)) = text.split_once(" has left") {
                    self.names.remove(name);
                }
            }
            Line::Message(line) => {
                if let Some(Message { whose: Whose::Public(name) | Whose::ToYou(name), .. }) = Message::parse(line) {
                    self.add(name);
                }
            }
            Line::Error(_) | Line::Strange(_) => {}
        }
    }

    /// Forgets everybody: another connection, another room.
    pub fn clear(&mut self) {
        self.names.clear();
    }

    /// A name goes into the line that is being typed, so it must be one that a terminal shows as it is.
    fn add(&mut self, name: &str) {
        let short = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
        let plain = !name.contains(char::is_whitespace) && escape(name.as_bytes()).to_string() == name;
        if short && plain && self.names.len() < NAMES_MAX {
            self.names.insert(name.to_owned());
        }
    }

    /// Completes the end of `before`, the text in front of the cursor; `None` when nothing fits.
    // ANCHOR: complete
    #[must_use]
    pub fn complete(&self, before: &str) -> Option<Completion> {
        if before.starts_with('/') && !before.contains(' ') {
            let commands = COMMANDS.iter().filter(|command| command.starts_with(before));
            return choose(before, 0, &commands.map(|command| (*command).to_owned()).collect::<Vec<_>>());
        }
        let last_word = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let starts = before[last_word..].char_indices().map(|(at, _)| last_word + at);
        // The longest end that begins a name; behind a space, where nothing is typed yet, every name fits.
        let empty = (last_word == before.len()).then_some(last_word);
        starts.chain(empty).find_map(|start| choose(before, start, &self.beginning_with(&before[start..])))
    }
    // ANCHOR_END: complete

    fn beginning_with(&self, part: &str) -> Vec<String> {
        let part = part.to_lowercase();
        self.names.iter().filter(|name| name.to_lowercase().starts_with(&part)).cloned().collect()
    }
}

/// One choice is taken, with a space behind it; of several, what they have in common.
fn choose(before: &str, start: usize, choices: &[String]) -> Option<Completion> {
    match choices {
        [] => None,
        [only] => Some(Completion { start, text: format!("{only} "), choices: Vec::new() }),
        [first, ..] => {
            let typed = &before[start..];
            let common = common_beginning(first, choices);
            // `B` fits `bob` and `Bea`: then what was typed stays as it is.
            let text = if common.len() > typed.len() { common } else { typed };
            Some(Completion { start, text: text.to_owned(), choices: choices.to_vec() })
        }
    }
}

fn common_beginning<'a>(first: &'a str, all: &[String]) -> &'a str {
    let ends = first.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
    let end = ends.into_iter().find(|&end| all.iter().all(|one| one.starts_with(&first[..end])));
    &first[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster() -> Roster {
        let mut roster = Roster::default();
        roster.hear("* In the room: 小明, 小美, bob");
        roster
    }

    fn text(before: &str) -> Option<String> {
        roster().complete(before).map(|tab| format!("{}{}", &before[..tab.start], tab.text))
    }

    #[test]
    fn a_name_is_found_at_the_end_of_the_text_with_or_without_a_space() {
        for (before, want) in [
            ("bo", Some("bob ")),
            ("/msg B", Some("/msg bob ")),
            ("早安 小明", Some("早安 小明 ")),
            ("早安小明", Some("早安小明 ")),
            ("早安小", Some("早安小")),
            ("早安大", None),
            ("hello x", None),
        ] {
            assert_eq!(text(before).as_deref(), want, "{before}");
        }
    }

    #[test]
    fn commands_are_completed_at_the_beginning_only() {
        assert_eq!(text("/w").as_deref(), Some("/who "));
        assert_eq!(text("hi /w"), None);
        assert_eq!(roster().complete("/").unwrap().choices, COMMANDS);
    }

    #[test]
    fn several_choices_are_offered_and_what_they_share_is_typed() {
        let mut roster = roster();
        roster.hear("* bobby has joined");
        let tab = roster.complete("b").unwrap();
        assert_eq!((tab.text.as_str(), tab.choices), ("bob", vec!["bob".to_owned(), "bobby".to_owned()]));
        assert_eq!(roster.complete("/msg ").unwrap().choices.len(), 4);
    }

    #[test]
    fn who_leaves_is_forgotten_and_who_speaks_is_known() {
        let mut roster = roster();
        roster.hear("* bob has left");
        assert_eq!(roster.complete("bo"), None);
        roster.hear("[bob -> you] 我又來了");
        assert!(roster.complete("bo").is_some());
    }

    #[test]
    fn what_a_terminal_would_obey_or_misread_is_no_name() {
        let mut roster = Roster::default();
        for name in ["\x1b[2J", "a b", "\u{202e}evil", "", &"長".repeat(NAME_CHARS_MAX + 1)] {
            roster.hear(&format!("* {name} has joined"));
        }
        assert_eq!(roster.names.len(), 0, "{:?}", roster.names);
    }

    #[test]
    fn a_server_cannot_fill_the_memory_with_names() {
        let mut roster = Roster::default();
        for number in 0..NAMES_MAX + 10 {
            roster.hear(&format!("* n{number} has joined"));
        }
        assert_eq!(roster.names.len(), NAMES_MAX);
    }
}
