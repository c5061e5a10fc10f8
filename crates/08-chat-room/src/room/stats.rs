//! The numbers of a room, for its operator: `/stats` typed at the server's terminal.
//!
//! Counted by `mod.rs` and `talk.rs` where the things happen. One line, because a terminal is one.

use std::fmt;

/// What a room has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// In the room now.
    pub members: usize,
    /// Connected now, with those who have no name yet and those who are leaving.
    pub connections: usize,
    /// The most that were in the room at once.
    pub members_peak: usize,
    /// Have left.
    pub left: u64,
    /// Said to everybody.
    pub messages: u64,
    /// Said to one.
    pub private: u64,
    /// Public lines so far, with the notices.
    pub lines: u64,
    /// Bytes of them that are kept.
    pub log_bytes: usize,
    /// The most bytes of the log that a member was behind.
    pub behind_peak: u64,
    /// The most bytes that waited in one member's own queue.
    pub waiting_peak: usize,
    /// Lines dropped because they came too fast.
    pub too_fast: u64,
    /// Lines dropped because they were too long.
    pub too_long: u64,
    /// Lines dropped because they were not UTF-8.
    pub not_utf8: u64,
    /// Private messages that found no room.
    pub undelivered: u64,
    /// Messages that slow members missed, in all.
    pub missed: u64,
    /// Closed because they took nothing.
    pub stalled: u64,
    /// Clients turned away.
    pub refused: u64,
}

impl Stats {
    /// The last line of a server that ends.
    #[must_use]
    pub fn farewell(&self) -> String {
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let Self { messages, private, left, .. } = self;
        format!("Served {left} member{}, {} message{}", plural(*left), messages + private, plural(messages + private))
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { members, connections, members_peak, messages, private, log_bytes, behind_peak, .. } = self;
        let Self { waiting_peak, too_fast, too_long, not_utf8, undelivered, missed, stalled, refused, .. } = self;
        write!(f, "members {members} (most {members_peak}), connections {connections}, messages {messages}, ")?;
        write!(f, "private {private}; log {log_bytes} bytes, furthest behind {behind_peak}, ")?;
        write!(f, "longest own queue {waiting_peak}; dropped: too fast {too_fast}, too long {too_long}, ")?;
        write!(f, "not UTF-8 {not_utf8}, private undelivered {undelivered}, missed by slow readers {missed}; ")?;
        write!(f, "closed as stalled {stalled}, turned away {refused}")
    }
}
