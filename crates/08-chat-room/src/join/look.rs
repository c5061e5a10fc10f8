//! How a line looks: marks, colours, the time, the bell.
//!
//! Pure. Everything from the network goes through `netcommon::escape` here, once. Marks stand *before* the
//! server's line, where no member can write, so nobody can fake one; colour only repeats what words say.
//! Read `protocol.rs` before. Source of the colour codes: ECMA-48 section 8.3.117 (SGR).

use std::fmt::{self, Display};

use netcommon::escape::escape;
use netcommon::lang::Lang;
use unicode_width::UnicodeWidthChar;

use crate::protocol::{EARLIER, Line, Message, Whose};

/// What the user wants to see.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Words before lines that concern the reader. Not into a pipe: another program wants the room's lines.
    pub marks: bool,
    /// Colours, where the terminal has them and nobody has set `NO_COLOR`.
    pub colour: bool,
    /// Ring for a private message and for our name.
    pub bell: bool,
    /// The language of the marks.
    pub lang: Lang,
}

/// What a line means to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Own,
    OwnPrivate,
    ForYou,
    NamesYou,
    Talk,
    Notice,
    Error,
}

impl Look {
    /// A line of the server, for a member called `name`; `time` stands before it when there is one.
    #[must_use]
    pub fn heard(&self, line: &[u8], name: &str, time: Option<&str>) -> String {
        let kind = kind(&String::from_utf8_lossy(line), name);
        self.compose(kind, time, escape(line))
    }

    /// What we have said ourselves, which the room does not send back.
    #[must_use]
    pub fn own(&self, text: &[u8], name: &str, time: Option<&str>) -> String {
        self.compose(Kind::Own, time, format_args!("[{}] {}", escape(name.as_bytes()), escape(text)))
    }

    fn compose(&self, kind: Kind, time: Option<&str>, line: impl Display) -> String {
        let bell = if self.bell && matches!(kind, Kind::ForYou | Kind::NamesYou) { "\x07" } else { "" };
        let time = time.map(|time| format!("{time} ")).unwrap_or_default();
        let mark = if self.marks { self.mark(kind) } else { "" };
        format!("{bell}{time}{}", self.coloured(kind, format_args!("{mark}{line}")))
    }

    fn mark(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Own => self.lang.pick("(you) ", "（你）"),
            Kind::ForYou => self.lang.pick("(for you) ", "（只給你）"),
            Kind::NamesYou => self.lang.pick("(names you) ", "（提到你）"),
            // `[you -> bob]` says it already.
            Kind::OwnPrivate | Kind::Talk | Kind::Notice | Kind::Error => "",
        }
    }

    fn coloured(&self, kind: Kind, text: fmt::Arguments<'_>) -> String {
        let code = match kind {
            _ if !self.colour => return text.to_string(),
            Kind::Talk => return text.to_string(),
            Kind::Own | Kind::OwnPrivate => "36", // cyan
            Kind::ForYou => "1;35",               // bold magenta
            Kind::NamesYou => "1;33",             // bold yellow
            Kind::Notice => "2",                  // faint
            Kind::Error => "31",                  // red
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

fn kind(line: &str, name: &str) -> Kind {
    match Line::of(line) {
        Line::Error(_) => Kind::Error,
        Line::Notice(_) if !line.starts_with(EARLIER) => Kind::Notice,
        Line::Strange(_) | Line::Notice(_) => Kind::Talk,
        Line::Message(line) => match Message::parse(line) {
            Some(Message { whose: Whose::ToYou(_), .. }) => Kind::ForYou,
            Some(Message { whose: Whose::FromYou(_), .. }) => Kind::OwnPrivate,
            Some(Message { text, .. }) if mentions(text, name) => Kind::NamesYou,
            _ => Kind::Talk,
        },
    }
}

/// Whether `text` names `name`: not inside another word, where words have spaces between them.
///
/// # Examples
/// ```
/// use chat_room::join::look::mentions;
///
/// assert!(mentions("小明你好", "小明"));
/// assert!(mentions("hi Bob!", "bob"));
/// assert!(!mentions("a bobsleigh", "bob"));
/// ```
#[must_use]
pub fn mentions(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    if name.is_empty() {
        return false;
    }
    text.match_indices(&name).any(|(at, found)| {
        let joined_before = joins(text[..at].chars().next_back(), name.chars().next());
        let joined_behind = joins(name.chars().next_back(), text[at + found.len()..].chars().next());
        !joined_before && !joined_behind
    })
}

/// Whether two neighbours may belong to one word. Characters of two columns (中文) stand for themselves.
fn joins(left: Option<char>, right: Option<char>) -> bool {
    let of_a_word = |c: char| (c.is_alphanumeric() || c == '_') && c.width() == Some(1);
    left.is_some_and(of_a_word) && right.is_some_and(of_a_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look { marks: false, colour: false, bell: false, lang: Lang::En };
    const MARKED: Look = Look { marks: true, ..PLAIN };

    #[test]
    fn words_say_what_concerns_the_reader() {
        for (line, want) in [
            ("[bob] 早安", "[bob] 早安"),
            ("[bob] 小明早安", "(names you) [bob] 小明早安"),
            ("[bob -> you] 噓", "(for you) [bob -> you] 噓"),
            ("[you -> bob] 噓", "[you -> bob] 噓"),
            ("* bob has joined", "* bob has joined"),
            ("* Earlier: [bob] 小明在嗎", "* Earlier: [bob] 小明在嗎"),
        ] {
            assert_eq!(MARKED.heard(line.as_bytes(), "小明", None), want);
            assert_eq!(PLAIN.heard(line.as_bytes(), "小明", None), line);
        }
        assert_eq!(MARKED.own("早安".as_bytes(), "小明", Some("21:05")), "21:05 (you) [小明] 早安");
        let chinese = Look { lang: Lang::ZhTw, ..MARKED };
        assert_eq!(chinese.heard("[bob -> you] 噓".as_bytes(), "小明", None), "（只給你）[bob -> you] 噓");
    }

    #[test]
    fn no_member_can_fake_a_mark_a_colour_or_a_line_of_its_own() {
        let line = b"[bob] (you) \x1b[31m! red\r* bob has left\x07\xff";
        let shown = Look { colour: true, bell: true, ..MARKED }.heard(line, "小明", None);
        assert_eq!(shown, r"[bob] (you) \x1b[31m! red\r* bob has left\x07\xff");
    }

    #[test]
    fn the_bell_rings_for_the_reader_only() {
        let look = Look { bell: true, ..PLAIN };
        assert!(look.heard("[bob -> you] 噓".as_bytes(), "小明", None).starts_with('\x07'));
        assert!(look.heard("[bob] @小明".as_bytes(), "小明", None).starts_with('\x07'));
        assert!(!look.heard("[bob] 大家好".as_bytes(), "小明", None).contains('\x07'));
        assert!(!look.own(b"hi", "小明", None).contains('\x07'));
    }

    #[test]
    fn colour_only_wraps_the_line_and_always_ends() {
        let look = Look { colour: true, ..MARKED };
        for line in ["[bob] hi 小明", "[bob -> you] hi", "* bob has left", "! no"] {
            let shown = look.heard(line.as_bytes(), "小明", None);
            assert!(shown.starts_with("\x1b[") && shown.ends_with("\x1b[0m"), "{shown:?}");
        }
        assert_eq!(look.heard(b"[bob] hi", "小明", None), "[bob] hi");
    }

    #[test]
    fn a_name_inside_another_word_is_no_mention() {
        for (text, name, want) in [
            ("bob", "bob", true),
            ("BOB?", "bob", true),
            ("我說bob來了", "bob", true),
            ("bobby", "bob", false),
            ("kebob", "bob", false),
            ("bob_2", "bob", false),
            ("小明天來", "小明", true), // Without a dictionary nobody can know.
            ("大家好", "小明", false),
            ("anything", "", false),
        ] {
            assert_eq!(mentions(text, name), want, "{text} {name}");
        }
    }
}
