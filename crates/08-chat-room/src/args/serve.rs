//! The options of `chat-room serve`: each limit of the room is one, with its constant in the library (`limits.rs`).
//!
//! Read `../args.rs` before. What each number is good for stands beside its constant.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use chat_room::limits::{CONNECTIONS_MAX, HISTORY, Limits, PER_ADDRESS_MAX, RATE};
use chat_room::protocol::DEFAULT_ADDR;
use clap::Args;
use netcommon::addr::HostPort;
use netcommon::cli::Common;
use netcommon::net::BACKLOG;
use netcommon::units::{parse_count, parse_duration, parse_duration_or_zero, parse_size};

/// `serve`
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free port
    #[arg(value_name = "HOST:PORT", default_value = DEFAULT_ADDR)]
    pub(crate) listen: HostPort,

    /// Lines a second that one member may say, five seconds' worth of them at once; 0 lifts the limit
    #[arg(long, value_name = "N", default_value_t = RATE)]
    rate: u32,

    /// Connections at once; the next client is told so and closed
    #[arg(long, value_name = "N", value_parser = parse_count::<NonZeroUsize>,
          default_value_t = NonZeroUsize::new(CONNECTIONS_MAX).expect("it is not 0"))]
    max_connections: NonZeroUsize,

    /// Connections at once from one address; 0 lifts the limit
    #[arg(long, value_name = "N", default_value_t = PER_ADDRESS_MAX)]
    max_per_address: usize,

    /// Public lines that a newcomer is shown
    #[arg(long, value_name = "N", default_value_t = HISTORY)]
    history: usize,

    /// How much of the conversation is kept, for newcomers and slow readers
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "256KiB")]
    keep: usize,

    /// How much may wait for one member alone, answers and private messages; when it is full, the member is not heard
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "32KiB")]
    queue: usize,

    /// How much the kernel may keep for one member; what a member costs that never reads
    #[arg(long, value_name = "SIZE", value_parser = parse_size, default_value = "64KiB")]
    send_buffer: usize,

    /// How long a newcomer may take to find a name
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "60s")]
    naming_timeout: Duration,

    /// Close a member that has taken nothing of what waits for it for this long
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "30s")]
    stall_timeout: Duration,

    /// How long a connection may be silent before the kernel asks whether its other end is still there
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "60s")]
    keepalive: Duration,

    /// How long members may take to read their last lines after Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = parse_duration_or_zero, default_value = "5s")]
    pub(crate) grace: Duration,

    /// A line that each newcomer is shown
    #[arg(long, value_name = "TEXT")]
    pub(crate) motd: Option<String>,

    /// Add what is said in public to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,

    /// Print what happens as JSON lines
    #[arg(long)]
    pub(crate) json: bool,

    /// Finished handshakes that the kernel keeps until we accept them
    #[arg(long, value_name = "N", default_value_t = BACKLOG)]
    pub(crate) backlog: i32,

    #[command(flatten)]
    pub(crate) common: Common,
}

impl ServeArgs {
    /// What the room allows.
    pub(crate) fn limits(&self) -> Limits {
        let limits = Limits {
            connections_max: self.max_connections.get(),
            per_address_max: Some(self.max_per_address).filter(|max| *max > 0),
            history: self.history,
            log_bytes_max: self.keep,
            naming_time: self.naming_timeout,
            stall_timeout: self.stall_timeout,
            // With none at all nobody would be heard.
            waiting_max: self.queue.max(1),
            send_buffer_len: self.send_buffer,
            keepalive: self.keepalive,
            ..Limits::default()
        };
        limits.with_rate(self.rate)
    }
}
