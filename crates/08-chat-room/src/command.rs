//! What a member's line asks for.
//!
//! Parsed once, here; the room knows no slashes. Read `protocol.rs` before (what can be asked), `room/`
//! next (what is done about it).

/// A line of a member.
///
/// # Examples
/// ```
/// use chat_room::command::Command;
///
/// assert_eq!(Command::parse("大家好"), Command::Say("大家好"));
/// assert_eq!(Command::parse("//quit leaves the room"), Command::Say("/quit leaves the room"));
/// assert_eq!(Command::parse("/msg 小明 你好 嗎"), Command::Tell { name: "小明", text: "你好 嗎" });
/// assert_eq!(Command::parse("/nick bob"), Command::Unknown("/nick"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// To everybody.
    Say(&'a str),
    /// To one.
    Tell {
        /// As it was typed.
        name: &'a str,
        /// What is said; may be empty, when the member has forgotten it.
        text: &'a str,
    },
    /// Who is in the room?
    Who,
    /// What can I do?
    Help,
    /// I leave.
    Quit,
    /// Nothing that the room knows: its first word.
    Unknown(&'a str),
    /// An empty line: somebody has pressed Enter.
    Nothing,
}

impl<'a> Command<'a> {
    /// Reads a line; there is none that cannot be read.
    #[must_use]
    pub fn parse(line: &'a str) -> Self {
        if line.is_empty() {
            return Self::Nothing;
        }
        if let Some(said) = line.strip_prefix('/').filter(|said| said.starts_with('/')) {
            return Self::Say(said);
        }
        if !line.starts_with('/') {
            return Self::Say(line);
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, rest.trim()) {
            ("/msg", _) => {
                let (name, text) = rest.trim_start().split_once(' ').unwrap_or((rest.trim_start(), ""));
                Self::Tell { name, text }
            }
            ("/who", "") => Self::Who,
            ("/help", "") => Self::Help,
            ("/quit", "") => Self::Quit,
            _ => Self::Unknown(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_they_look_like() {
        for (line, want) in [
            ("", Command::Nothing),
            (" ", Command::Say(" ")),
            (" /quit", Command::Say(" /quit")),
            ("//", Command::Say("/")),
            ("///x", Command::Say("//x")),
            ("/", Command::Unknown("/")),
            ("/quit", Command::Quit),
            ("/quit ", Command::Quit),
            ("/QUIT", Command::Unknown("/QUIT")),
            ("/quitting", Command::Unknown("/quitting")),
            ("/who is bob", Command::Unknown("/who")),
            ("/help", Command::Help),
            ("/msg", Command::Tell { name: "", text: "" }),
            ("/msg bob", Command::Tell { name: "bob", text: "" }),
            ("/msg  bob  hi ", Command::Tell { name: "bob", text: " hi " }),
            ("[bob] hi", Command::Say("[bob] hi")),
        ] {
            assert_eq!(Command::parse(line), want, "{line:?}");
        }
    }
}
