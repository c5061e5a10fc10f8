//! What the server and its clients agree on: the limits, and how the three kinds of lines begin.
//!
//! The server (`room`, `server`) writes these lines, the client (`join`) reads them, and neither may know
//! better than this file. Lines are UTF-8, end with LF, and a CR before it does not count.
//! Source: the course's contract for chat; RFC 3629 for UTF-8.

use std::time::Duration;

/// Where a room listens, and where a client looks for it, unless the command says otherwise.
pub const DEFAULT_ADDR: &str = "127.0.0.1:7777";

/// The longest line that a client may send, in bytes with its LF: some 340 Chinese characters, a paragraph.
pub const LINE_LEN_MAX: usize = 1024;

/// The longest name, in characters: it stands before every line that its owner says.
pub const NAME_CHARS_MAX: usize = 20;

/// How many names a newcomer may try: two mistakes are human.
pub const NAME_TRIES_MAX: u32 = 3;

/// How long a newcomer may think about a name.
pub const NAMING_TIME: Duration = Duration::from_secs(60);

/// What the server says first, before its LF.
pub const WELCOME: &str = "* Welcome to the chat room. What is your name?";

/// What stands before the names of those who are in the room; the names are joined with `, `.
///
/// A long list comes as several such lines. With nobody else there, [`NOBODY`] stands for the names.
pub const IN_THE_ROOM: &str = "* In the room: ";

/// Stands for the names when there are none; no name has brackets or a space.
pub const NOBODY: &str = "(nobody else)";

/// Stands before a public line that was said before a newcomer came.
pub const EARLIER: &str = "* Earlier: ";

/// The server's last line to somebody who has said `/quit`.
pub const GOODBYE: &str = "* Goodbye";

/// What everybody is told when the server ends.
pub const SHUTTING_DOWN: &str = "* The server is shutting down";

/// The commands that a member may type, for help and for completion.
pub const COMMANDS: [&str; 4] = ["/help", "/msg", "/quit", "/who"];

/// The three kinds of lines that a server sends; whatever a client types, it comes as a message.
///
/// # Examples
/// ```
/// use chat_room::protocol::Line;
///
/// assert_eq!(Line::of("[bob] * bob has left"), Line::Message("[bob] * bob has left"));
/// assert_eq!(Line::of("* bob has left"), Line::Notice("bob has left"));
/// assert_eq!(Line::of("! No one here is called 小美"), Line::Error("No one here is called 小美"));
/// assert_eq!(Line::of("220 mail.example"), Line::Strange("220 mail.example"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// `* text`: what happens in the room, said by the server.
    Notice(&'a str),
    /// `! text`: why the server did not do what it was asked for.
    Error(&'a str),
    /// `[carol] text`, `[carol -> you] text`, `[you -> carol] text`: the whole line.
    Message(&'a str),
    /// None of these: the peer is no chat room.
    Strange(&'a str),
}

impl<'a> Line<'a> {
    /// Sorts a line, without its LF.
    #[must_use]
    pub fn of(line: &'a str) -> Self {
        if let Some(text) = line.strip_prefix("* ") {
            Self::Notice(text)
        } else if let Some(text) = line.strip_prefix("! ") {
            Self::Error(text)
        } else if line.starts_with('[') {
            Self::Message(line)
        } else {
            Self::Strange(line)
        }
    }
}

/// A message, taken apart.
///
/// # Examples
/// ```
/// use chat_room::protocol::{Message, Whose};
///
/// let message = Message::parse("[小明 -> you] 只給你看").unwrap();
/// assert_eq!((message.whose, message.text), (Whose::ToYou("小明"), "只給你看"));
/// assert_eq!(Message::parse("[you -> 小明] 好").unwrap().whose, Whose::FromYou("小明"));
/// assert_eq!(Message::parse("[小明] 大家好").unwrap().whose, Whose::Public("小明"));
/// assert_eq!(Message::parse("* 小明 has joined"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Who says it to whom.
    pub whose: Whose<'a>,
    /// What is said.
    pub text: &'a str,
}

/// Who says a message to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'a> {
    /// This member, to everybody.
    Public(&'a str),
    /// This member, to the reader alone.
    ToYou(&'a str),
    /// The reader, to this member alone.
    FromYou(&'a str),
}

impl<'a> Message<'a> {
    /// Reads `[…] text`; `None` when the line is no message.
    #[must_use]
    pub fn parse(line: &'a str) -> Option<Self> {
        // No name holds a bracket, so the first one ends the head, whatever the text holds.
        let (head, text) = line.strip_prefix('[')?.split_once("] ")?;
        let whose = match head.split_once(" -> ") {
            None => Whose::Public(head),
            Some((from, "you")) => Whose::ToYou(from),
            Some(("you", to)) => Whose::FromYou(to),
            Some(_) => return None,
        };
        Some(Self { whose, text })
    }
}

/// The names in a line of those who are in the room; nothing for another line.
///
/// # Examples
/// ```
/// use chat_room::protocol::names_in;
///
/// assert_eq!(names_in("* In the room: 小明, bob").collect::<Vec<_>>(), ["小明", "bob"]);
/// assert_eq!(names_in("* In the room: (nobody else)").count(), 0);
/// assert_eq!(names_in("* bob has joined").count(), 0);
/// ```
pub fn names_in(line: &str) -> impl Iterator<Item = &str> {
    let names = line.strip_prefix(IN_THE_ROOM).filter(|names| *names != NOBODY).unwrap_or_default();
    names.split(", ").filter(|name| !name.is_empty())
}
