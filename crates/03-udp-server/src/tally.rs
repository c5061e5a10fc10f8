//! What the server counts, and the line that it prints at its end.
//!
//! Beside `server.rs`, which fills it in. Datagrams that got no answer are counted by reason: in UDP
//! nobody else will ever tell.

use std::fmt;

use netcommon::units::counted;

use crate::answer::Reason;

/// Datagrams and bytes since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Datagrams that came.
    pub received: u64,
    /// Bytes in them.
    pub received_bytes: u64,
    /// Datagrams that we sent.
    pub answered: u64,
    /// Bytes in them.
    pub answered_bytes: u64,
    /// Of the answers: how many only said that the message was too long to send back.
    pub too_long: u64,
    /// Unanswered, because they began as our own answers do.
    pub own_kind: u64,
    /// Unanswered, because a server lives on their source port.
    pub server_port: u64,
    /// Answers that the system did not take.
    pub failed: u64,
}

impl Tally {
    /// Counts a datagram of `len` bytes that came.
    pub fn count_received(&mut self, len: usize) {
        self.received += 1;
        self.received_bytes += len as u64;
    }

    /// Counts an answer of `len` bytes that went out.
    pub fn count_answered(&mut self, len: usize) {
        self.answered += 1;
        self.answered_bytes += len as u64;
    }

    /// Counts a datagram that gets no answer.
    pub fn count_silence(&mut self, reason: Reason) {
        match reason {
            Reason::OwnKind => self.own_kind += 1,
            Reason::ServerPort => self.server_port += 1,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unanswered = self.own_kind + self.server_port + self.failed;
        let details = [
            (self.own_kind, "began as our own answers do"),
            (self.server_port, "came from a port below 1024"),
            (self.failed, "could not be sent"),
        ];
        let bytes = |number| counted(number, "byte");
        write!(f, "Received {} ({})", counted(self.received, "datagram"), bytes(self.received_bytes))?;
        write!(f, ", answered {} ({}", self.answered, bytes(self.answered_bytes))?;
        if self.too_long > 0 {
            write!(f, "; {} too long to send back", self.too_long)?;
        }
        write!(f, "), left {unanswered} unanswered")?;
        let mut before = ": ";
        for (count, what) in details {
            if count > 0 {
                write!(f, "{before}{count} {what}")?;
                before = ", ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_life_needs_no_details() {
        let mut tally = Tally::default();
        tally.count_received(1);
        tally.count_answered(18);
        assert_eq!(tally.to_string(), "Received 1 datagram (1 byte), answered 1 (18 bytes), left 0 unanswered");
    }

    #[test]
    fn each_reason_for_silence_is_said_with_its_count() {
        let mut tally = Tally { too_long: 1, failed: 1, ..Tally::default() };
        tally.count_answered(67);
        tally.count_silence(Reason::OwnKind);
        tally.count_silence(Reason::OwnKind);
        tally.count_silence(Reason::ServerPort);
        assert_eq!(
            tally.to_string(),
            "Received 0 datagrams (0 bytes), answered 1 (67 bytes; 1 too long to send back), left 4 unanswered: \
             2 began as our own answers do, 1 came from a port below 1024, 1 could not be sent",
        );
    }
}
