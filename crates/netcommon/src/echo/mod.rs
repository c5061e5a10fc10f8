//! The service that chapter 2 gives with threads and chapter 6 without: each message comes back, prefixed.
//!
//! What both servers promise is here, how they keep it is in the chapters: the options and limits, the
//! answer to a message, the words for a client that is refused, and the lines on stdout. Read
//! `answer.rs` (the protocol), this file, then `summary.rs` (the line at a connection's end).

mod answer;
mod summary;

use std::fmt;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

pub use self::answer::{ANSWER_PREFIX, Answerer};
pub use self::summary::{End, Summary};
use crate::addr::HostPort;
use crate::cli::Common;
use crate::console::Lines;
use crate::escape::escape;
use crate::framing::{FrameError, Framing, Limits, MESSAGE_LEN_MAX, encode_within};
use crate::net::{BACKLOG, ListenOptions, TcpStream};
use crate::units::{counted, parse_duration, parse_duration_or_zero, parse_size};

/// How many bytes of a message the server's terminal shows: two lines of it.
const SHOWN_MAX: usize = 160;

/// How long a server goes on reading what a client still sends after it has been told why we close.
///
/// Closing a socket with bytes unread sends an RST, and an RST makes the client's system throw away
/// what it has not read yet: our last words among it.
pub const LINGER: Duration = Duration::from_secs(1);

/// The options of both servers; how many connections they serve at once is each one's own.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Where to listen; port 0 takes a free port
    #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:8888")]
    pub listen: HostPort,

    /// How messages are found in the stream: `raw`, `lines` or `length`
    #[arg(long, value_name = "raw|lines|length", default_value = "raw")]
    pub framing: Framing,

    /// The longest message, for `lines` and `length`
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "64KiB")]
    pub max_message: usize,

    /// Close a client that sends no whole message for this long
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "10m")]
    pub idle_timeout: Duration,

    /// How long answers in progress may take after Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = parse_duration_or_zero, default_value = "5s")]
    pub grace: Duration,

    /// Finished handshakes that the kernel keeps until we accept them
    #[arg(long, value_name = "N", default_value_t = BACKLOG)]
    pub backlog: i32,

    /// Leave out the line for each message
    #[arg(short, long)]
    pub quiet: bool,

    /// What every program has.
    #[command(flatten)]
    pub common: Common,
}

impl Options {
    /// What the server allows, with so many connections at once.
    #[must_use]
    pub fn config(&self, max_connections: usize) -> Config {
        Config {
            framing: self.framing,
            max_connections,
            message_len_max: self.max_message,
            idle_timeout: self.idle_timeout,
            grace: self.grace,
            quiet: self.quiet,
        }
    }

    /// How to listen.
    #[must_use]
    pub fn listen_options(&self) -> ListenOptions {
        ListenOptions { backlog: self.backlog }
    }
}

/// What the server allows.
#[derive(Debug, Clone)]
pub struct Config {
    /// How messages are found in the stream.
    pub framing: Framing,
    /// Connections at once; the next client is told so and closed.
    pub max_connections: usize,
    /// The longest message from a client, in bytes.
    pub message_len_max: usize,
    /// How long a client may go without a whole message, or without taking an answer.
    pub idle_timeout: Duration,
    /// How long answers in progress may take after Ctrl-C.
    pub grace: Duration,
    /// Whether to leave out the line for each message.
    pub quiet: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            framing: Framing::Raw,
            // Fits into the 1,024 descriptors that many systems allow a process.
            max_connections: 1000,
            message_len_max: MESSAGE_LEN_MAX,
            // Longer than a pupil thinks, shorter than a lesson.
            idle_timeout: Duration::from_secs(600),
            grace: Duration::from_secs(5),
            quiet: false,
        }
    }
}

impl Config {
    /// What the framing refuses.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { message_len_max: self.message_len_max }
    }

    /// Prints the line for a message, unless the server is quiet. Does not block.
    pub fn show(&self, lines: &Lines, peer: SocketAddr, message: &[u8]) {
        if !self.quiet {
            let message = escape(message).at_most(SHOWN_MAX);
            lines.line(format_args!("Received from {peer}: {message}"));
        }
    }

    /// The last words to a client that broke a rule, as they go on the wire.
    #[must_use]
    pub fn refusal(&self, error: &FrameError) -> Vec<u8> {
        self.framed(&format!("Server error: {error}"))
    }

    /// Tells a client that all places are taken. Does not block: the send buffer of a new connection is empty.
    pub fn turn_away(&self, stream: &TcpStream, peer: SocketAddr, lines: &Lines) {
        let max = self.max_connections;
        let (connections, are) = (counted(max, "connection"), if max == 1 { "is" } else { "are" });
        lines.line(format_args!("Turned away {peer}: {connections} {are} open"));
        self.say_full(stream, &format!("{connections} at once"));
    }

    /// The same for a client for whom the system lacks something; only our terminal is told what.
    pub fn turn_away_without(&self, stream: &TcpStream, peer: SocketAddr, lines: &Lines, what: &str) {
        lines.line(format_args!("Turned away {peer}: {what}"));
        self.say_full(stream, "no room for another connection");
    }

    fn say_full(&self, mut stream: &TcpStream, why: &str) {
        let wire = self.framed(&format!("Server is full: {why}; try again later"));
        // Reading what the client has sent already keeps our close from becoming an RST that would
        // destroy the reason on its way. Whatever fails here, the stream is closed next.
        let _ = stream.set_nonblocking(true);
        let _ = stream.write_all(&wire);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read(&mut [0; 1024]);
    }

    /// A sentence of ours as a message; ours are never longer than they may be.
    fn framed(&self, sentence: &str) -> Vec<u8> {
        let mut wire = Vec::new();
        let limits = Limits { message_len_max: sentence.len() };
        encode_within(self.framing, sentence.as_bytes(), limits, &mut wire).expect("a short sentence in one line");
        wire
    }
}

/// What a server did from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Connections served.
    pub served: u64,
    /// Clients turned away because all places were taken, or the system had none.
    pub refused: u64,
    /// Connections that were cut because their answers were not out in time.
    pub cut: usize,
}

impl fmt::Display for Report {
    /// `Served 3 connections`, and what was out of the ordinary.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { served, refused, cut } = self;
        write!(f, "Served {}", counted(*served, "connection"))?;
        if *refused > 0 {
            write!(f, ", turned away {refused}")?;
        }
        if *cut > 0 {
            write!(f, ", cut {cut} whose answers were not taken in time")?;
        }
        Ok(())
    }
}
