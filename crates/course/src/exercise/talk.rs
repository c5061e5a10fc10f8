//! A conversation as an exercise's file writes it: one line for each thing that a client does or hears.
//!
//! ```text
//! 小明 connects
//! 小明 < * Welcome to the chat room. What is your name?      the next message, whole
//! 小明 > 小明                                                a message, with its framing
//! 小明 >> \xe5\xb0                                           bytes, without
//! 小明 <~ * In the room: …                                   a later message; what comes before it is passed over
//! 小明 ends | 小明 resets | 小明 is closed                   a FIN, an RST, the server's FIN or RST
//! ```
//!
//! Pure: `crate::exercise::trial` plays it. What stands behind the signs is explained in `bytes.rs`.

use std::collections::BTreeSet;

use super::bytes::{Wanted, unescape};

/// One line of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which client.
    pub who: String,
    /// What it does, or what happens to it.
    pub act: Act,
    /// The line as it was written.
    pub text: String,
}

/// What a client does, or what happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It connects; over UDP, it takes a socket of its own.
    Connect,
    /// It sends a message.
    Send(Vec<u8>),
    /// It sends bytes as they are, with one write.
    Write(Vec<u8>),
    /// The next message that it gets.
    Hear(Wanted),
    /// Some later message.
    Await(Wanted),
    /// It sends a FIN and goes on reading: a half-close.
    End,
    /// It ends its connection with an RST.
    Reset,
    /// The server ends the connection, with a FIN or an RST.
    Closed,
}

/// A line that cannot be played.
#[derive(Debug, thiserror::Error)]
#[error("line `{line}`: {problem}")]
pub struct TalkError {
    line: String,
    problem: String,
}

/// Reads a conversation. Empty lines do not count.
///
/// # Errors
/// [`TalkError`] for the first line that cannot be played.
///
/// # Examples
/// ```
/// use course::exercise::talk::{Act, parse};
///
/// let lines = parse("小明 connects\n小明 > 你好").unwrap();
/// assert_eq!(lines[1].act, Act::Send("你好".into()));
/// assert!(parse("bob > hello").unwrap_err().to_string().ends_with("bob is not connected"));
/// ```
pub fn parse(text: &str) -> Result<Vec<Line>, TalkError> {
    let mut connected = BTreeSet::new();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| line_of(line, &mut connected).map_err(|problem| TalkError { line: line.to_owned(), problem }))
        .collect()
}

fn line_of<'a>(line: &'a str, connected: &mut BTreeSet<&'a str>) -> Result<Line, String> {
    let (who, what) = line.split_once(' ').ok_or("a name, a space, and what happens")?;
    let act = match what {
        "connects" => Act::Connect,
        "ends" => Act::End,
        "resets" => Act::Reset,
        "is closed" => Act::Closed,
        _ => message_of(what)?,
    };
    match act {
        Act::Connect if !connected.insert(who) => return Err(format!("{who} is connected already")),
        Act::Connect => {}
        _ if !connected.contains(who) => return Err(format!("{who} is not connected")),
        Act::Reset | Act::Closed => {
            connected.remove(who);
        }
        _ => {}
    }
    Ok(Line { who: who.to_owned(), act, text: line.to_owned() })
}

fn message_of(what: &str) -> Result<Act, String> {
    // An empty message has nothing behind its sign, and editors remove spaces at the end of a line.
    let (sign, text) = what.split_once(' ').unwrap_or((what, ""));
    Ok(match sign {
        ">" => Act::Send(unescape(text)?),
        ">>" => Act::Write(unescape(text)?),
        "<" => Act::Hear(Wanted::parse(text)?),
        "<~" => Act::Await(Wanted::parse(text)?),
        _ => return Err(format!("`{what}` is nothing that a client does")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_is_read() {
        let text = "小明 connects\n\n小明 > 你 好\n小明 >\n小明 >> \\xe5\n小明 < * …\n小明 <~ 好\n小明 ends\n小明 is closed\n小明 connects\n小明 resets\n";
        let acts: Vec<_> = parse(text).unwrap().into_iter().map(|line| line.act).collect();
        let wanted = |text| Wanted::parse(text).unwrap();
        assert_eq!(
            acts,
            [
                Act::Connect,
                Act::Send("你 好".into()),
                Act::Send(Vec::new()),
                Act::Write(b"\xe5".into()),
                Act::Hear(wanted("* …")),
                Act::Await(wanted("好")),
                Act::End,
                Act::Closed,
                Act::Connect,
                Act::Reset,
            ]
        );
    }

    #[test]
    fn a_line_that_cannot_be_played_is_named() {
        for (text, want) in [
            ("小明", "line `小明`: a name, a space, and what happens"),
            ("小明 connects\n小明 connects", "line `小明 connects`: 小明 is connected already"),
            ("小明 connects\n小明 resets\n小明 > x", "line `小明 > x`: 小明 is not connected"),
            ("小明 waves", "line `小明 waves`: `waves` is nothing that a client does"),
            ("小明 connects\n小明 > \\q", "line `小明 > \\q`: `\\q` does not begin with an escape"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), want);
        }
    }
}
