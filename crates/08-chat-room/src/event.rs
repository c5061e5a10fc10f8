//! What happens in a room, for the operator's screen, for `--json` and for the log file.
//!
//! The room (`room/`) makes these, and knows neither screens nor files; `server/report.rs` writes them. Each
//! is a thing that has happened, in the order in which it has.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::name::Name;

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A newcomer has a name.
    Joined {
        /// Who.
        name: Name,
        /// How many are in the room now.
        members: usize,
    },
    /// A member is gone.
    Left {
        /// Who.
        name: Name,
        /// Why.
        why: Why,
        /// How many are left in the room.
        members: usize,
    },
    /// A connection without a name has ended.
    Unnamed {
        /// Why.
        why: Why,
    },
    /// A member has said something to everybody; only when somebody keeps the conversation.
    Said {
        /// Who.
        name: Name,
        /// What, made safe.
        text: String,
    },
    /// A member is faster than allowed; told once until it is slow again.
    TooFast {
        /// Who.
        name: Name,
    },
    /// A member was too slow for some lines.
    Missed {
        /// Who.
        name: Name,
        /// How many messages.
        messages: u64,
    },
    /// A client was turned away.
    Refused {
        /// From where.
        address: IpAddr,
        /// Why.
        why: Refusal,
    },
}

/// Why somebody is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It has said `/quit`.
    Quit,
    /// It has ended its stream.
    EndOfStream,
    /// The connection broke: what the system says.
    Broken(String),
    /// It has taken nothing for so long.
    Stalled(Duration),
    /// It has found no name in so long.
    NoName(Duration),
    /// All its names were refused.
    NoGoodName,
    /// The server ends.
    ShuttingDown,
}

/// Why a client is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// All places are taken: so many.
    Full(usize),
    /// So many connections from its address already.
    Address(usize),
}

impl Why {
    /// The word for it in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::EndOfStream => "end of stream",
            Self::Broken(_) => "broken",
            Self::Stalled(_) => "stalled",
            Self::NoName(_) => "no name in time",
            Self::NoGoodName => "no valid name",
            Self::ShuttingDown => "shutting down",
        }
    }

    /// What the room is told behind `* carol has left`; nothing for those who go by themselves.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        match self {
            Self::Quit | Self::EndOfStream => None,
            why => Some(why.to_string()),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quit => f.write_str("said /quit"),
            Self::EndOfStream => f.write_str("ended the stream"),
            Self::Broken(cause) => f.write_str(cause),
            Self::Stalled(time) => write!(f, "has read nothing for {time:?}"),
            Self::NoName(time) => write!(f, "gave no name within {time:?}"),
            Self::NoGoodName => f.write_str("gave no valid name"),
            Self::ShuttingDown => f.write_str("the server is shutting down"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(max) => write!(f, "The room is full: {max} connections at once; try again later"),
            Self::Address(max) => {
                write!(f, "Too many connections from your address: {max} at once; close one, or try again later")
            }
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined { name, members } => write!(f, "{name} has joined; {members} in the room"),
            Self::Left { name, why, members } => write!(f, "{name} has left ({why}); {members} in the room"),
            Self::Unnamed { why } => write!(f, "A newcomer has gone ({why})"),
            Self::Said { name, text } => write!(f, "[{name}] {text}"),
            Self::TooFast { name } => write!(f, "{name} is too fast; lines are dropped"),
            Self::Missed { name, messages } => write!(f, "{name} was too slow and missed {messages} messages"),
            Self::Refused { address, why } => write!(f, "Turned away {address}: {why}"),
        }
    }
}
