//! What the client does next: a state machine without a clock, a socket or a terminal.
//!
//! ```text
//!             line            answer
//!   Asking ──────────▶ Waiting ──────▶ Asking        quit or end of input: half-close
//!     │                   │                            ▼
//!     └── server ends ────┴───────▶ Over ◀── server ends, or time is up ── Closing
//! ```
//!
//! Events and the time go in, [`Action`]s come out; `session.rs` performs them.

use std::time::{Duration, Instant};

/// What the client has to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask the user for a message.
    Prompt,
    /// Send this message.
    Send(Vec<u8>),
    /// Show what the server sent.
    Show(Vec<u8>),
    /// Tell the user something that is not an answer.
    Explain(&'static str),
    /// Send our FIN; answers may still come.
    HalfClose,
}

/// How the conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The user was done, and so was the server.
    Done,
    /// The user was done; the server did not close its side in time.
    ServerStays,
    /// The server closed while the user was not done.
    ServerLeft,
    /// An answer did not come in time.
    NoAnswer,
    /// Ctrl-C.
    Interrupted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Asking,
    Waiting { until: Instant },
    Closing { until: Instant },
    Over(Ending),
}

/// What an empty message means where messages have no boundaries.
const EMPTY_IS_NOTHING: &str = "nothing to send: in `raw`, an empty message is zero bytes";

/// The conversation with a server: one message, one answer.
#[derive(Debug)]
pub struct Dialogue {
    state: State,
    timeout: Duration,
    /// A person types: a late answer is no reason to end.
    interactive: bool,
    /// The stream has no boundaries, so an empty message cannot be sent.
    raw: bool,
}

impl Dialogue {
    /// A conversation that begins with the user's turn.
    #[must_use]
    pub fn new(timeout: Duration, interactive: bool, raw: bool) -> Self {
        Self { state: State::Asking, timeout, interactive, raw }
    }

    /// Whether the next line of the user is wanted now.
    #[must_use]
    pub fn wants_line(&self) -> bool {
        self.state == State::Asking
    }

    /// When [`Dialogue::on_deadline`] is due, if nothing else happens.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { until } | State::Closing { until } => Some(until),
            State::Asking | State::Over(_) => None,
        }
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        match self.state {
            State::Over(ending) => Some(ending),
            _ => None,
        }
    }

    /// The user's first turn.
    #[must_use]
    pub fn begin(&self) -> Vec<Action> {
        self.prompt()
    }

    /// The user's next message, without the end of its line.
    #[must_use]
    pub fn on_line(&mut self, line: Vec<u8>, now: Instant) -> Vec<Action> {
        if line.is_empty() && self.raw {
            return [vec![Action::Explain(EMPTY_IS_NOTHING)], self.prompt()].concat();
        }
        self.state = State::Waiting { until: now + self.timeout };
        vec![Action::Send(line)]
    }

    /// The message is out: from now on the time for its answer counts.
    pub fn on_sent(&mut self, now: Instant) {
        if let State::Waiting { until } = &mut self.state {
            *until = now + self.timeout;
        }
    }

    /// The user has nothing more to say.
    #[must_use]
    pub fn on_input_end(&mut self, now: Instant) -> Vec<Action> {
        self.state = State::Closing { until: now + self.timeout };
        vec![Action::HalfClose]
    }

    /// Something came from the server. On a raw stream one answer may come in several pieces; the pieces
    /// after the first look like answers that nobody asked for, and are shown as they come.
    #[must_use]
    pub fn on_answer(&mut self, answer: Vec<u8>, now: Instant) -> Vec<Action> {
        let show = vec![Action::Show(answer)];
        match self.state {
            State::Waiting { .. } | State::Asking => {
                self.state = State::Asking;
                [show, self.prompt()].concat()
            }
            State::Closing { .. } => {
                self.state = State::Closing { until: now + self.timeout };
                show
            }
            State::Over(_) => show,
        }
    }

    /// The server's stream has ended, one way or another.
    pub fn on_server_end(&mut self) {
        self.end(if matches!(self.state, State::Closing { .. }) { Ending::Done } else { Ending::ServerLeft });
    }

    /// The deadline has passed.
    #[must_use]
    pub fn on_deadline(&mut self) -> Vec<Action> {
        match self.state {
            State::Waiting { .. } if self.interactive => {
                self.state = State::Asking;
                [vec![Action::Explain(NO_ANSWER_YET)], self.prompt()].concat()
            }
            State::Waiting { .. } => {
                self.end(Ending::NoAnswer);
                Vec::new()
            }
            _ => {
                self.end(Ending::ServerStays);
                Vec::new()
            }
        }
    }

    /// Ctrl-C.
    pub fn on_interrupt(&mut self) {
        self.end(Ending::Interrupted);
    }

    fn end(&mut self, ending: Ending) {
        if self.ending().is_none() {
            self.state = State::Over(ending);
        }
    }

    fn prompt(&self) -> Vec<Action> {
        if self.interactive { vec![Action::Prompt] } else { Vec::new() }
    }
}

/// Said when a person waits in vain.
pub const NO_ANSWER_YET: &str = "no answer yet; does the server use the same --framing?";

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn piped() -> (Dialogue, Instant) {
        (Dialogue::new(TIMEOUT, false, true), Instant::now())
    }

    #[test]
    fn a_line_is_sent_and_the_next_one_waits_for_the_answer() {
        let (mut dialogue, now) = piped();
        assert_eq!(dialogue.on_line("你好".into(), now), [Action::Send("你好".into())]);
        assert!(!dialogue.wants_line());
        assert_eq!(dialogue.deadline(), Some(now + TIMEOUT));
        assert_eq!(dialogue.on_answer("好".into(), now), [Action::Show("好".into())]);
        assert!(dialogue.wants_line());
    }

    #[test]
    fn the_time_for_an_answer_begins_when_the_message_is_out() {
        let (mut dialogue, now) = piped();
        let _ = dialogue.on_line("慢慢寫".into(), now);
        dialogue.on_sent(now + TIMEOUT);
        assert_eq!(dialogue.deadline(), Some(now + 2 * TIMEOUT));
        // An answer may be quicker than the end of its question; then nothing is waited for.
        let _ = dialogue.on_answer("快".into(), now);
        dialogue.on_sent(now);
        assert_eq!(dialogue.deadline(), None);
    }

    #[test]
    fn the_end_of_input_half_closes_and_waits_for_the_servers_fin() {
        let (mut dialogue, now) = piped();
        assert_eq!(dialogue.on_input_end(now), [Action::HalfClose]);
        assert_eq!(dialogue.ending(), None);
        dialogue.on_server_end();
        assert_eq!(dialogue.ending(), Some(Ending::Done));
    }

    #[test]
    fn answers_after_our_fin_are_shown_and_prolong_the_wait() {
        let (mut dialogue, now) = piped();
        let _ = dialogue.on_input_end(now);
        let later = now + TIMEOUT / 2;
        assert_eq!(dialogue.on_answer("還有".into(), later), [Action::Show("還有".into())]);
        assert_eq!(dialogue.deadline(), Some(later + TIMEOUT));
        assert_eq!(dialogue.on_deadline(), []);
        assert_eq!(dialogue.ending(), Some(Ending::ServerStays));
    }

    #[test]
    fn a_server_that_goes_away_ends_it_at_the_prompt_and_in_the_wait() {
        let (mut dialogue, now) = piped();
        dialogue.on_server_end();
        assert_eq!(dialogue.ending(), Some(Ending::ServerLeft));
        let (mut dialogue, _) = piped();
        let _ = dialogue.on_line(b"hi".to_vec(), now);
        dialogue.on_server_end();
        assert_eq!(dialogue.ending(), Some(Ending::ServerLeft));
    }

    #[test]
    fn a_late_answer_ends_a_script_and_not_a_person() {
        let (mut dialogue, now) = piped();
        let _ = dialogue.on_line(b"hi".to_vec(), now);
        assert_eq!(dialogue.on_deadline(), []);
        assert_eq!(dialogue.ending(), Some(Ending::NoAnswer));

        let mut dialogue = Dialogue::new(TIMEOUT, true, true);
        let _ = dialogue.on_line(b"hi".to_vec(), now);
        assert_eq!(dialogue.on_deadline(), [Action::Explain(NO_ANSWER_YET), Action::Prompt]);
        assert!(dialogue.wants_line());
    }

    #[test]
    fn an_empty_message_exists_only_where_messages_have_boundaries() {
        let (mut dialogue, now) = piped();
        assert_eq!(dialogue.on_line(Vec::new(), now), [Action::Explain(EMPTY_IS_NOTHING)]);
        let mut dialogue = Dialogue::new(TIMEOUT, false, false);
        assert_eq!(dialogue.on_line(Vec::new(), now), [Action::Send(Vec::new())]);
    }

    #[test]
    fn the_first_ending_stays() {
        let (mut dialogue, _) = piped();
        dialogue.on_interrupt();
        dialogue.on_server_end();
        assert_eq!(dialogue.ending(), Some(Ending::Interrupted));
    }
}
