//! What the program says while it runs, for people or (`--json`) for programs, and the live line.
//!
//! Events go to stdout through netcommon's console, which never makes traffic wait. The live line goes to
//! stderr, only if that is a terminal. Read `totals.rs` before.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use netcommon::console::Lines;
use netcommon::units::counted;
use serde::Serialize;

use crate::totals::Summary;

/// How often the live line is written at most: as often as one can read it.
const LIVE_EVERY: Duration = Duration::from_millis(250);

/// Clears the terminal's line behind the cursor (ECMA-48, 8.3.41, EL).
const CLEAR: &str = "\x1b[K";

/// Something worth a line. In JSON: an object whose `event` names it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The first event: with these a run can be had again.
    Started {
        /// Where the server is.
        target: SocketAddr,
        /// Where chance begins; absent where it has no part.
        #[serde(skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
    },
    /// A client that was not known: UDP's flows and TCP's connections are numbered from 1.
    Flow {
        /// Its number.
        flow: u64,
        /// Its address.
        client: SocketAddr,
    },
    /// The target does not answer to its port.
    TargetGone {
        /// Its address.
        target: SocketAddr,
        /// What the system said.
        cause: String,
    },
    /// It does again.
    TargetBack {
        /// Its address.
        target: SocketAddr,
    },
    /// A client for whom there is no place.
    NoPlace {
        /// Its address.
        client: SocketAddr,
        /// What is used up.
        cause: String,
    },
    /// No more clients are taken for now.
    Full {
        /// What is used up.
        cause: String,
    },
    /// A TCP connection has ended.
    Ended {
        /// Its number.
        flow: u64,
        /// Bytes that went up.
        bytes_up: u64,
        /// Bytes that went down.
        bytes_down: u64,
        /// How: `closed`, `reset by the client`, `shutdown` (by us, while the client could still send), ...
        how: String,
    },
    /// The end was asked for.
    ShuttingDown,
    /// The last event of a UDP run.
    Datagrams(Summary),
    /// The last event of a TCP run.
    Connections {
        /// How many were accepted.
        accepted: u64,
        /// How many were cut at the end.
        cut: u64,
        /// Bytes from the clients to the target.
        bytes_up: u64,
        /// And back.
        bytes_down: u64,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { target, seed: Some(seed) } => {
                write!(f, "Target {target}; the same again with --seed {seed}")
            }
            Self::Started { target, seed: None } => write!(f, "Target {target}"),
            Self::Flow { flow, client } => write!(f, "Flow {flow} is {client}"),
            Self::TargetGone { target, cause } => {
                write!(f, "Target {target} is not there: {cause}; it may come at any time")
            }
            Self::TargetBack { target } => write!(f, "Target {target} is there again"),
            Self::NoPlace { client, cause } => write!(f, "No place for {client}: {cause}"),
            Self::Full { cause } => write!(f, "Full: {cause}"),
            Self::Ended { flow, bytes_up, bytes_down, how } => {
                write!(f, "Flow {flow} ended: {}, {how}", carried(*bytes_up, *bytes_down))
            }
            Self::ShuttingDown => f.write_str("Server shutting down..."),
            Self::Datagrams(summary) => summary.fmt(f),
            Self::Connections { accepted, cut, bytes_up, bytes_down } => {
                let carried = carried(*bytes_up, *bytes_down);
                write!(f, "Connections: {accepted} accepted, {cut} cut at the end; {carried}")
            }
        }
    }
}

/// What went each way.
fn carried(bytes_up: u64, bytes_down: u64) -> String {
    format!("{} up, {} down", counted(bytes_up, "byte"), counted(bytes_down, "byte"))
}

/// Where events and the live line go.
#[derive(Debug)]
pub struct Voice {
    lines: Lines,
    json: bool,
    /// Lines appear where the live line is, so it has to make way.
    lines_to_terminal: bool,
    /// There is a live line: stderr is a terminal.
    is_live: bool,
    /// When it may be written again.
    live_next: Instant,
    live_shown: String,
}

impl Voice {
    /// Speaks through `lines`; as JSON if asked for. The live line only goes to a terminal.
    #[must_use]
    pub fn new(lines: Lines, json: bool) -> Self {
        let (lines_to_terminal, is_live) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self { lines, json, lines_to_terminal, is_live, live_next: Instant::now(), live_shown: String::new() }
    }

    /// Says an event; never blocks.
    pub fn say(&self, event: &Event) {
        // Clears the live line, over which this one is written; it may be there by the time that this one is.
        let clear = if self.lines_to_terminal && self.is_live { CLEAR } else { "" };
        if self.json {
            let line = serde_json::to_string(event).expect("an event has only plain fields");
            self.lines.line(format_args!("{clear}{line}"));
        } else {
            self.lines.line(format_args!("{clear}{event}"));
        }
    }

    /// When [`Voice::live`] has something to do, if it has.
    #[must_use]
    pub fn live_due(&self, changed: bool) -> Option<Instant> {
        (self.is_live && changed).then_some(self.live_next)
    }

    /// Writes the live line if it is time for it, and says whether. A terminal that was stopped with Ctrl-S
    /// stops us here.
    pub fn live(&mut self, line: impl FnOnce() -> String) -> bool {
        let now = Instant::now();
        if !self.is_live || now < self.live_next {
            return false;
        }
        self.live_next = now + LIVE_EVERY;
        let line = line();
        if line != self.live_shown {
            // The cursor stays at the line's beginning, so that the next line of stdout covers it; in one write, or
            // that line might come in between.
            let _ = io::stderr().write_all(format!("{line}{CLEAR}\r").as_bytes());
            self.live_shown = line;
        }
        true
    }
}

impl Drop for Voice {
    /// Takes the live line away, or the shell's next prompt would stand in it.
    fn drop(&mut self) {
        if !self.live_shown.is_empty() {
            let _ = write!(io::stderr(), "{CLEAR}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use netcommon::console::Console;

    use super::*;

    /// What a voice with a live line, which nobody has seen yet, says on stdout.
    fn said(json: bool, lines_to_terminal: bool) -> String {
        let (mut reader, writer) = io::pipe().unwrap();
        let console = Console::start_on(writer, || {}).unwrap();
        let (is_live, live_next, live_shown) = (true, Instant::now(), String::new());
        let voice = Voice { lines: console.lines(), json, lines_to_terminal, is_live, live_next, live_shown };
        voice.say(&Event::ShuttingDown);
        console.finish();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn the_live_line_makes_way_on_a_terminal_and_leaves_no_trace_in_a_file() {
        let json = r#"{"event":"shutting-down"}"#;
        assert_eq!(said(false, true), "\x1b[KServer shutting down...\n");
        assert_eq!(said(false, false), "Server shutting down...\n");
        assert_eq!(said(true, true), format!("\x1b[K{json}\n"));
        assert_eq!(said(true, false), format!("{json}\n"));
    }

    #[test]
    fn an_event_reads_as_a_sentence_and_as_json() {
        let event = Event::Flow { flow: 1, client: "127.0.0.1:50312".parse().unwrap() };
        assert_eq!(event.to_string(), "Flow 1 is 127.0.0.1:50312");
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(json, r#"{"event":"flow","flow":1,"client":"127.0.0.1:50312"}"#);
        assert_eq!(serde_json::to_string(&Event::ShuttingDown).unwrap(), r#"{"event":"shutting-down"}"#);
    }
}
