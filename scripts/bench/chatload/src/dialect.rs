//! How one joins, talks and is heard: in the course's protocol, and in IRC.
//!
//! Only what a load needs. Pure. Sources: the course's contract for chat; RFC 2812 for IRC.

/// Which language the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// The course's lines.
    Chat,
    /// IRC, in one channel.
    Irc,
}

/// What a line of the server means to somebody who joins or listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// Say this next.
    Answer(&'static str),
    /// The server wants to know whether we live: say the same back as `PONG`.
    Ping(&'a [u8]),
    /// We are in the room.
    Joined,
    /// Somebody has said this to everybody.
    Said(&'a [u8]),
    /// We are not let in, or not as we wish.
    Refused,
    /// Nothing that matters here.
    Else,
}

impl Dialect {
    /// What a newcomer says first.
    #[must_use]
    pub fn hello(self, name: &str) -> String {
        match self {
            Self::Chat => format!("{name}\n"),
            Self::Irc => format!("NICK {name}\r\nUSER {name} 0 * :{name}\r\n"),
        }
    }

    /// Appends a line to everybody.
    pub fn say(self, text: &str, to: &mut Vec<u8>) {
        let (head, tail) = match self {
            Self::Chat => ("", "\n"),
            Self::Irc => ("PRIVMSG #room :", "\r\n"),
        };
        for part in [head, text, tail] {
            to.extend_from_slice(part.as_bytes());
        }
    }

    /// Reads a line without its LF.
    ///
    /// # Examples
    /// ```
    /// use chatload::dialect::{Dialect, Heard};
    ///
    /// assert_eq!(Dialect::Chat.hear(b"[m1] hi"), Heard::Said(b"hi"));
    /// assert_eq!(Dialect::Irc.hear(b":m1!~m1@localhost PRIVMSG #room :hi\r"), Heard::Said(b"hi"));
    /// assert_eq!(Dialect::Irc.hear(b":irc.test 376 m1 :End of MOTD\r"), Heard::Answer("JOIN #room\r\n"));
    /// ```
    #[must_use]
    pub fn hear(self, line: &[u8]) -> Heard<'_> {
        match self {
            Self::Chat => hear_chat(line),
            Self::Irc => hear_irc(line.strip_suffix(b"\r").unwrap_or(line)),
        }
    }
}

fn hear_chat(line: &[u8]) -> Heard<'_> {
    match line.first() {
        Some(b'[') => memchr::memchr(b' ', line).map_or(Heard::Else, |at| Heard::Said(&line[at + 1..])),
        Some(b'!') => Heard::Refused,
        _ if line.starts_with(b"* In the room") => Heard::Joined,
        _ => Heard::Else,
    }
}

fn hear_irc(line: &[u8]) -> Heard<'_> {
    if let Some(token) = line.strip_prefix(b"PING ") {
        return Heard::Ping(token);
    }
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let (_, command, rest) = (words.next(), words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match command {
        b"PRIVMSG" => rest.strip_prefix(b"#room :").map_or(Heard::Else, Heard::Said),
        b"376" | b"422" => Heard::Answer("JOIN #room\r\n"),
        b"366" => Heard::Joined,
        [b'4' | b'5', _, _] => Heard::Refused,
        _ if line.starts_with(b"ERROR") => Heard::Refused,
        _ => Heard::Else,
    }
}
