//! The server: accept, admit, start a thread; and in the end drain.
//!
//! ```text
//! thread "main"      waits in accept          woken by the token's waker
//!   └ thread "client :50312" …       waits in read and write; ended by Connections::drain
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

use crossbeam_channel::{bounded, select};
use netcommon::accept::AfterError;
use netcommon::connections::{Connection, Connections};
use netcommon::console::Lines;
use netcommon::echo::{Config, Report};
use netcommon::net::TcpListener;
use netcommon::shutdown::{Shutdown, Waker};

use crate::client::Client;

/// The stack of a client's thread: our handlers need a tenth of it, and the 2 MiB that Rust reserves by
/// default would be 2 GiB of address space for a thousand clients.
const STACK_BYTES: usize = 128 * 1024;

/// How long to wait for a free descriptor when no connection of ours ends: another part of the system
/// may have given one back.
const ROOM_RETRY: Duration = Duration::from_secs(1);

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
/// use netcommon::{console::Console, echo::Config, net::TcpListener, shutdown::Shutdown};
/// use tcp_server::serve;
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
                    Ok(connection) => match self.start(connection, peer, scope) {
                        true => served += 1,
                        false => refused += 1,
                    },
                    Err(stream) => {
                        self.config.turn_away(&stream, peer, self.lines);
                        refused += 1;
                    }
                },
                Err(error) => self.survive(listener, error, &mut warned)?,
            }
        }
    }
    // ANCHOR_END: accept-all

    /// Starts the thread of one client; if the system gives none, tells the client so and returns `false`.
    fn start(self, connection: Connection<'env>, peer: SocketAddr, scope: &'scope Scope<'scope, 'env>) -> bool {
        let Self { config, shutdown, lines, .. } = self;
        // Linux keeps 15 bytes of a thread's name: an address would lose its port.
        let thread = Builder::new().name(format!("client :{}", peer.port())).stack_size(STACK_BYTES);
        // Handed over when the thread is there: a closure that does not start takes the connection with it.
        let (hand_over, taken) = bounded(1);
        let started = thread.spawn_scoped(scope, move || {
            let Ok(connection) = taken.recv() else { return };
            let summary = Client { stream: &connection, peer, config, shutdown, lines }.serve();
            // Close first: whoever reads the line may count on the client having its FIN.
            drop(connection);
            lines.line(format_args!("{summary}"));
        });
        if let Err(error) = started {
            config.turn_away_without(&connection, peer, lines, &format!("no thread is left: {error}"));
            return false;
        }
        lines.line(format_args!("Accepted connection from {peer}"));
        // The channel has room for it, and the thread waits.
        let _ = hand_over.send(connection);
        true
    }

    /// Decides what a failed `accept` means; waits where going on at once would spin.
    // ANCHOR: survive
    fn survive(self, listener: &TcpListener, error: io::Error, warned: &mut bool) -> io::Result<()> {
        match listener.after_error(&error) {
            AfterError::AcceptNext => log::debug!("accept: {error}"),
            AfterError::WaitForRoom => {
                let level = if std::mem::replace(warned, true) { log::Level::Debug } else { log::Level::Warn };
                log::log!(level, "accept: {error}; clients wait in the backlog until a connection ends, or a second");
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
