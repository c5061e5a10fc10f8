//! What a room allows, each with the reason for its number.
//!
//! Everything that a peer could use up has a limit here and an option in `args.rs`; a hostile test stands for each
//! in `tests/`. What both ends must know of (the length of a line, the tries for a name) is in `protocol.rs`.

use std::time::Duration;

use crate::bucket::Rate;
use crate::protocol::NAMING_TIME;

/// Connections at once: what a room of one thread serves well, at some kilobytes each.
pub const CONNECTIONS_MAX: usize = 10_000;

/// Connections from one address: a school behind one router, and a fortieth of all.
pub const PER_ADDRESS_MAX: usize = 256;

/// Lines a second that one member may say for long: nobody types ten, and few read ten.
pub const RATE: u32 = 10;

/// Seconds of its rate that a member may say at once: fifty lines, a poem pasted.
pub const BURST_SECONDS: u32 = 5;

/// Public lines that a newcomer is shown: a screen without scrolling.
pub const HISTORY: usize = 20;

/// How much of the conversation the room keeps, for newcomers and for slow readers: some three
/// thousand usual lines, and little beside what the program itself takes.
pub const LOG_BYTES_MAX: usize = 256 * 1024;

/// How long a member may take nothing of what waits for it: a closed laptop lid is longer, a lost radio
/// link mostly shorter.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// What may wait for one member in its own queue, in bytes: answers, and what others say to it alone.
///
/// Public lines are not in it; they are in the log, once for all. When it is full, the member is not
/// listened to until it has read, and others are told that a private message finds no room.
pub const WAITING_MAX: usize = 32 * 1024;

/// What the kernel may keep for one member, in bytes. Linux doubles it for its own bookkeeping.
///
/// Left alone, Linux lets it grow to 4 MiB for each member that does not read; then a thousand of those
/// would take the machine's memory without any program having asked for it.
pub const SEND_BUFFER_LEN: usize = 64 * 1024;

/// How long a connection may be silent before the kernel asks whether the peer is still there: a minute's ghost
/// bothers nobody, and one small segment a minute costs nothing.
pub const KEEPALIVE: Duration = Duration::from_secs(60);

/// What a room allows.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at once; the next one is told so and closed.
    pub connections_max: usize,
    /// Connections from one address at once; `None` lifts the limit.
    pub per_address_max: Option<usize>,
    /// Lines of one member.
    pub rate: Rate,
    /// The rate in lines a second, for the sentence that tells of it.
    pub lines_per_second: u32,
    /// Public lines that a newcomer is shown.
    pub history: usize,
    /// Bytes of the conversation that are kept.
    pub log_bytes_max: usize,
    /// How long a newcomer may take to find a name.
    pub naming_time: Duration,
    /// How long a member may take nothing of what waits for it.
    pub stall_timeout: Duration,
    /// What may wait for one member in its own queue.
    pub waiting_max: usize,
    /// What the kernel may keep for one member.
    pub send_buffer_len: usize,
    /// How long a connection may be silent before the kernel asks for its peer.
    pub keepalive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: CONNECTIONS_MAX,
            per_address_max: Some(PER_ADDRESS_MAX),
            rate: Rate::per_second(RATE, RATE * BURST_SECONDS),
            lines_per_second: RATE,
            history: HISTORY,
            log_bytes_max: LOG_BYTES_MAX,
            naming_time: NAMING_TIME,
            stall_timeout: STALL_TIMEOUT,
            waiting_max: WAITING_MAX,
            send_buffer_len: SEND_BUFFER_LEN,
            keepalive: KEEPALIVE,
        }
    }
}

impl Limits {
    /// The same with so many lines a second; 0 lifts the limit.
    #[must_use]
    pub fn with_rate(self, lines_per_second: u32) -> Self {
        let rate = Rate::per_second(lines_per_second, lines_per_second.saturating_mul(BURST_SECONDS));
        Self { rate, lines_per_second, ..self }
    }
}
