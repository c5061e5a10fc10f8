//! The server: accept, admit, start a thread; and in the end drain.
//!
//! ```text
//! thread "main"      waits in accept          woken by the token's waker
//!   └ thread "client 127.0.0.1:50312" …       waits in read and write; ended by Connections::drain
//! thread "ctrl-c"    waits for a signal       advances the token (made by the ctrlc crate)
//! thread "console"   waits for lines          ended by Console::finish
//! ```
//!
//! All client threads live in one scope, so `serve` cannot return before the last of them has ended.
//! Read `client.rs` for what such a thread does. Source: UNP section 26.4, accept(2).

use std::io;
use std::net::SocketAddr;
use std::thread::{self, Builder, Scope};
use std::time::Duration;

use crossbeam_channel::select;
use netcommon::accept::{AfterError, after_error};
use netcommon::connections::{Connection, Connections};
use netcommon::console::Lines;
use netcommon::framing::{Framing, Limits, MESSAGE_LEN_MAX, encode_within};
use netcommon::net::{TcpListener, TcpStream};
use netcommon::shutdown::{Shutdown, Waker};

use crate::client::Client;

/// The stack of a client's thread: our handlers need a tenth of it, and the 2 MiB that Rust reserves by
/// default would be 2 GiB of address space for a thousand clients.
const STACK_BYTES: usize = 128 * 1024;

/// How long to wait for a free descriptor when no connection of ours ends: another part of the system
/// may have given one back.
const ROOM_RETRY: Duration = Duration::from_secs(1);

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

/// What a server did from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Connections served.
    pub served: u64,
    /// Clients turned away because all places were taken.
    pub refused: u64,
    /// Connections that were cut because their answers were not out in time.
    pub cut: usize,
}

/// Serves clients on `listener` until `shutdown` asks for the end, and drains.
///
/// `accept(2)`, a thread per connection. Blocks until the last connection has ended.
///
/// # Errors
/// When a listener breaks (a failing `accept` that concerns one client does not); open connections are
/// drained in that case, too.
///
/// # Examples
/// ```
/// use netcommon::{console::Console, net::TcpListener, shutdown::Shutdown};
/// use tcp_server::{Config, serve};
///
/// let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
/// let (console, shutdown) = (Console::start(|| {})?, Shutdown::new());
/// shutdown.advance(); // Asked to end before it began: serves nobody.
/// let report = serve(listener, &Config::default(), &shutdown, &console.lines())?;
/// assert_eq!(report.served, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
// ANCHOR: serve
pub fn serve(listener: TcpListener, config: &Config, shutdown: &Shutdown, lines: &Lines) -> io::Result<Report> {
    shutdown.wake_on_drain(Waker::for_listener(&listener)?);
    let connections = Connections::new(config.max_connections);
    thread::scope(|scope| {
        let server = Server { config, shutdown, lines, connections: &connections };
        let accepted = server.accept_all(&listener, scope);
        // From here on the system refuses new clients, and those that it had accepted for us are reset.
        drop(listener);
        lines.line(format_args!("Server shutting down..."));
        let cut = connections.drain(config.grace, shutdown);
        shutdown.settle();
        accepted.map(|(served, refused)| Report { served, refused, cut })
    })
}
// ANCHOR_END: serve

#[derive(Clone, Copy)]
struct Server<'a> {
    config: &'a Config,
    shutdown: &'a Shutdown,
    lines: &'a Lines,
    connections: &'a Connections,
}

impl<'scope, 'env: 'scope> Server<'env> {
    /// Accepts until the end is asked for; how many were served, and how many turned away.
    // ANCHOR: accept-all
    fn accept_all(self, listener: &TcpListener, scope: &'scope Scope<'scope, 'env>) -> io::Result<(u64, u64)> {
        let (mut served, mut refused) = (0, 0);
        let mut warned = false;
        loop {
            let accepted = listener.accept();
            if self.shutdown.is_draining() {
                return Ok((served, refused));
            }
            match accepted {
                Ok((stream, peer)) => match self.connections.admit(stream) {
                    Ok(connection) => {
                        self.start(connection, peer, scope);
                        served += 1;
                    }
                    Err(stream) => {
                        self.turn_away(&stream, peer);
                        refused += 1;
                    }
                },
                Err(error) => self.survive(error, &mut warned)?,
            }
        }
    }
    // ANCHOR_END: accept-all

    /// Starts the thread of one client.
    fn start(self, connection: Connection<'env>, peer: SocketAddr, scope: &'scope Scope<'scope, 'env>) {
        let Self { config, shutdown, lines, .. } = self;
        lines.line(format_args!("Accepted connection from {peer}"));
        let thread = Builder::new().name(format!("client {peer}")).stack_size(STACK_BYTES);
        let started = thread.spawn_scoped(scope, move || {
            let summary = Client { stream: &connection, peer, config, shutdown, lines }.serve();
            // Close first: whoever reads the line may count on the client having its FIN.
            drop(connection);
            lines.line(format_args!("{summary}"));
        });
        if let Err(error) = started {
            // The closure is gone, and the connection in it closed.
            log::warn!("no thread for {peer}: {error}; its connection is closed");
        }
    }

    /// Tells a client that all places are taken. Does not block: the send buffer of a new connection is empty.
    fn turn_away(self, mut stream: &TcpStream, peer: SocketAddr) {
        use std::io::{Read, Write};

        let max = self.config.max_connections;
        let reason = format!("Server is full: {max} connections at once; try again later");
        self.lines.line(format_args!("Turned away {peer}: {max} connections are open"));
        let mut wire = Vec::new();
        let limits = Limits { message_len_max: reason.len() };
        if encode_within(self.config.framing, reason.as_bytes(), limits, &mut wire).is_err() {
            return;
        }
        // Reading what the client has sent already keeps our close from becoming an RST that would
        // destroy the reason on its way. Whatever fails here, the stream is closed next.
        let _ = stream.set_nonblocking(true);
        let _ = stream.write_all(&wire);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read(&mut [0; 1024]);
    }

    /// Decides what a failed `accept` means; waits where going on at once would spin.
    // ANCHOR: survive
    fn survive(self, error: io::Error, warned: &mut bool) -> io::Result<()> {
        match after_error(&error) {
            AfterError::AcceptNext => log::debug!("accept: {error}"),
            AfterError::WaitForRoom => {
                let level = if std::mem::replace(warned, true) { log::Level::Debug } else { log::Level::Warn };
                log::log!(level, "accept: {error}; clients wait in the backlog until a connection ends");
                select! {
                    recv(self.connections.freed()) -> _ => {}
                    recv(self.shutdown.draining()) -> _ => {}
                    default(ROOM_RETRY) => {}
                }
            }
            AfterError::Stop => return Err(error),
        }
        Ok(())
    }
    // ANCHOR_END: survive
}

impl std::fmt::Display for Report {
    /// `Served 3 connections`, and what was out of the ordinary.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { served, refused, cut } = self;
        write!(f, "Served {served} connection{}", if *served == 1 { "" } else { "s" })?;
        if *refused > 0 {
            write!(f, ", turned away {refused}")?;
        }
        if *cut > 0 {
            write!(f, ", cut {cut} whose answers were not taken in time")?;
        }
        Ok(())
    }
}
