//! The loop that moves bytes: one thread, one listener, two sockets and two pipes for each connection.
//!
//! ```text
//!               ┌─ up ──▶ pipe ──▶─┐
//!  client ── stream                stream ── target
//!               └─◀── pipe ◀─ down ┘
//!
//! thread "main"      waits until a socket is ready or a piece is due; woken by the token
//! thread "ctrl-c"    waits for a signal       advances the token (made by the ctrlc crate)
//! thread "console"   waits for lines          ended by Console::finish
//! ```
//! What happens to bytes is decided in `pipe.rs`: read that before. Then `tcp/connection.rs`, one
//! connection's life. Source: UNP chapter 16 (non-blocking I/O).

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use netcommon::accept::{AfterError, after_error};
use netcommon::error::OpError;
use netcommon::net::{TcpListener, TcpStream};
use netcommon::pipe::Pipe;
use netcommon::readiness::{Interest, Key, Readiness, Ready, TcpSocket};
use netcommon::shutdown::Shutdown;

use crate::chance::Direction;
use crate::event::{Event, Voice};
use crate::log::Log;
use crate::stream_way::StreamWay;
use crate::tcp::connection::{Connection, DUCT_LEN};

mod connection;

/// Connections at once, two descriptors each; the next ones wait in the kernel's backlog. With the default
/// window they keep at most half a gigabyte.
pub const CONNECTIONS_MAX: usize = 1_024;

/// How long the target may take to answer; the system would wait for minutes.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// When descriptors are used up and no connection of ours can end, accept is tried again after this.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// At the end: when a client that could still send is looked at again, if nothing else happens before.
const DRAIN_PAUSE: Duration = Duration::from_millis(10);

/// So many clients are accepted before others have their turn.
const ACCEPTS_MAX: usize = 64;

/// What is read at once: enough that the calls cost little, and it stays in the processor's cache.
const READ_LEN: usize = 64 * 1024;

/// So often one sender is read from before others have their turn.
const READS_MAX: usize = 8;

/// What is done to connections.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The way up and the way down.
    pub ways: [StreamWay; 2],
    /// Accept, read as much as the window holds, and never answer; the target is not asked at all.
    pub ignore: bool,
    /// Where the target may be as well, if it does not take a connection at its first address.
    pub others: Vec<SocketAddr>,
    /// Connections at once; 0 means [`CONNECTIONS_MAX`].
    pub connections_max: usize,
}

/// What a whole run counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections that were cut at the end.
    pub cut: u64,
    /// Bytes that left, up and down.
    pub bytes: [u64; 2],
}

/// What one socket is for.
#[derive(Debug, Clone, Copy)]
enum Role {
    Listener,
    /// One side of a connection: the sender of `Direction::Up` is the client.
    Sender(u64, Direction),
}

/// The relay; [`Relay::run`] is its loop.
#[derive(Debug)]
pub struct Relay {
    target: SocketAddr,
    config: Config,
    sockets: Readiness<TcpSocket, Role>,
    /// `None` once the end has been asked for.
    listener: Option<Key>,
    connections: HashMap<u64, Connection>,
    /// For the next client's target: nobody is accepted for whom the second descriptor is not there.
    spare: Option<TcpStream>,
    /// Which connection wants to be looked at when.
    alarms: BTreeSet<(Duration, u64)>,
    /// The listener is not watched until then, or until a connection ends.
    accept_again: Option<Duration>,
    start: Instant,
    report: Report,
    shown: Report,
    target_gone: bool,
    no_place: bool,
    /// The end has been asked for.
    draining: bool,
    log: Log,
    voice: Voice,
    buffer: Vec<u8>,
    /// Empty between two turns.
    duct: Option<Pipe>,
}

impl Relay {
    /// A relay from `listener` to `target`.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new(
        listener: TcpListener,
        target: SocketAddr,
        config: Config,
        log: Log,
        voice: Voice,
    ) -> Result<Self, OpError> {
        let broken = |error| OpError::new("watch", target, error);
        listener.set_nonblocking(true).map_err(broken)?;
        let mut sockets = Readiness::new().map_err(broken)?;
        let listener =
            sockets.insert(TcpSocket::Listener(listener), Interest::Readable, Role::Listener).map_err(broken)?;
        let connections_max = if config.connections_max == 0 { CONNECTIONS_MAX } else { config.connections_max };
        let mut ways = config.ways.clone();
        if config.ignore {
            // What a client sends is kept up to its window, and never leaves.
            ways = ways.map(|way| StreamWay { stall_after: Some(0), stall_at: None, stall_for: None, ..way });
        }
        Ok(Self {
            target,
            config: Config { ways, connections_max, ..config },
            sockets,
            listener: Some(listener),
            connections: HashMap::new(),
            spare: None,
            alarms: BTreeSet::new(),
            accept_again: None,
            start: Instant::now(),
            report: Report::default(),
            shown: Report::default(),
            target_gone: false,
            no_place: false,
            draining: false,
            log,
            voice,
            buffer: vec![0; READ_LEN],
            duct: Pipe::new(DUCT_LEN),
        })
    }

    /// Moves bytes until `shutdown` asks for the end; then nobody is accepted any more, and what clients have sent
    /// until then, and the target's last answers, have `grace` to arrive. Returns what was counted.
    ///
    /// `epoll_wait(2)`, `accept(2)`, `recv(2)`, `send(2)`, `shutdown(2)`. Blocks until the token moves.
    ///
    /// # Errors
    /// When the listener or the log breaks. A target that is not there ends nothing.
    pub fn run(mut self, grace: Duration, shutdown: &Shutdown) -> Result<Report, OpError> {
        shutdown.wake_on_drain(self.sockets.waker());
        let mut ready = Vec::new();
        let mut end = None;
        loop {
            self.ring_alarms()?;
            if shutdown.is_draining() {
                if end.is_none() {
                    end = Some(self.now() + grace);
                    shutdown.wake_on_cut(self.sockets.waker());
                    self.drain()?;
                }
                let nobody = self.connections.is_empty() || self.config.ignore;
                if nobody || shutdown.is_cutting() || end <= Some(self.now()) {
                    break;
                }
            }
            self.log.flush()?;
            let deadline = self.next_moment(end);
            self.sockets.wait(deadline, &mut ready).map_err(|error| OpError::new("wait for", self.target, error))?;
            for &event in &ready {
                self.take(event)?;
            }
            self.show();
        }
        shutdown.settle();
        self.finish()
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Until when nothing has to be done unless a socket is ready.
    fn next_moment(&self, end: Option<Duration>) -> Option<Instant> {
        let alarm = self.alarms.first().map(|(due, _)| *due);
        let due = [alarm, end, self.accept_again].into_iter().flatten().min().map(|due| self.start + due);
        let live = self.voice.live_due(self.report != self.shown);
        [due, live].into_iter().flatten().min()
    }

    /// Looks after those whose time has come.
    fn ring_alarms(&mut self) -> Result<(), OpError> {
        if self.accept_again.is_some_and(|again| again <= self.now()) {
            self.watch_listener();
        }
        while let Some((due, id)) = self.alarms.first().copied().filter(|(due, _)| *due <= self.now()) {
            self.set_alarm(id, None);
            self.alarms.remove(&(due, id));
            self.drive(id)?;
        }
        Ok(())
    }

    /// One report of the system.
    fn take(&mut self, Ready { key, readable, writable }: Ready) -> Result<(), OpError> {
        // It may have been removed since, together with the other side.
        let Some((_, role)) = self.sockets.get(key) else { return Ok(()) };
        match *role {
            Role::Listener => self.accept_clients(),
            Role::Sender(id, direction) => {
                if writable {
                    self.can_be_written(id, direction)?;
                }
                if readable {
                    // A full buffer says that there is more: saves the wait in between.
                    let mut reads = 1;
                    let mut more = self.read(id, direction)?;
                    while more && reads < READS_MAX {
                        more = self.pass_through(id, direction)?;
                        reads += 1;
                    }
                }
                self.drive(id)
            }
        }
    }

    fn accept_clients(&mut self) -> Result<(), OpError> {
        for _ in 0..ACCEPTS_MAX {
            if self.connections.len() >= self.config.connections_max {
                self.pause_accepting(None);
                return Ok(());
            }
            if let Err(error) = self.prepare_spare()
                && after_error(&error) == AfterError::WaitForRoom
            {
                self.pause_accepting(Some(&error));
                return Ok(());
            }
            let socket = self.listener.and_then(|key| self.sockets.get(key));
            let Some((TcpSocket::Listener(listener), _)) = socket else { return Ok(()) };
            match listener.accept() {
                Ok((client, addr)) => self.begin(client, addr)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.no_place = false;
                    return Ok(());
                }
                Err(error) => match listener.after_error(&error) {
                    AfterError::AcceptNext => log::info!("accept: {error}"),
                    AfterError::WaitForRoom => {
                        self.pause_accepting(Some(&error));
                        return Ok(());
                    }
                    AfterError::Stop => return Err(OpError::new("accept for", self.target, error)),
                },
            }
            if self.accept_again.is_some() {
                // There was no room in the kernel for the last one's target.
                return Ok(());
            }
        }
        Ok(())
    }

    /// The socket for the next client's target. A client who was accepted without it could only be reset;
    /// in the backlog it loses nothing but time.
    fn prepare_spare(&mut self) -> io::Result<()> {
        if self.spare.is_none() && !self.config.ignore {
            self.spare = Some(TcpStream::unconnected(self.target)?);
        }
        Ok(())
    }

    /// Leaves clients in the kernel's backlog for a while; watching them would only spin.
    fn pause_accepting(&mut self, short_of: Option<&io::Error>) {
        if let Some(key) = self.listener {
            // Fails only for a listener that is not watched, which is what we want.
            let _ = self.sockets.set_interest(key, Interest::Nothing);
        }
        self.accept_again = short_of.map(|_| self.now() + ACCEPT_PAUSE);
        if !self.no_place {
            self.no_place = true;
            let (count, of) = (self.connections.len(), short_of.map(|error| format!(" ({error})")).unwrap_or_default());
            let cause = format!("{count} connections are open{of}; the next ones wait in the backlog");
            self.voice.say(&Event::Full { cause });
        }
    }

    fn watch_listener(&mut self) {
        self.accept_again = None;
        if let Some(key) = self.listener
            && self.sockets.set_interest(key, Interest::Readable).is_err()
        {
            self.accept_again = Some(self.now() + ACCEPT_PAUSE);
        }
    }

    /// No new clients, and the clients have said their last word: what of it the kernel still holds is read.
    fn drain(&mut self) -> Result<(), OpError> {
        self.draining = true;
        self.voice.say(&Event::ShuttingDown);
        if let Some(key) = self.listener.take() {
            self.sockets.remove(key);
        }
        self.spare = None;
        self.accept_again = None;
        let ids: Vec<u64> = self.connections.keys().copied().collect();
        ids.into_iter().try_for_each(|id| self.drive(id))
    }

    /// Cuts what is left, and says what was counted.
    fn finish(mut self) -> Result<Report, OpError> {
        let ids: Vec<u64> = self.connections.keys().copied().collect();
        self.report.cut = ids.len() as u64;
        for id in ids {
            self.abort(id, "cut at the end")?;
        }
        self.log.flush()?;
        let Report { accepted, cut, bytes: [bytes_up, bytes_down] } = self.report;
        self.voice.say(&Event::Connections { accepted, cut, bytes_up, bytes_down });
        Ok(self.report)
    }

    fn show(&mut self) {
        let (connections, [up, down]) = (&self.connections, self.report.bytes);
        let shown = self.voice.live(|| {
            let waiting: usize = connections.values().map(Connection::waiting).sum();
            format!("open {}  up {up} bytes  down {down} bytes  on their way {waiting}", connections.len())
        });
        if shown {
            self.shown = self.report;
        }
    }
}

fn stream(socket: &TcpSocket) -> Option<&TcpStream> {
    match socket {
        TcpSocket::Stream(stream) => Some(stream),
        TcpSocket::Listener(_) => None,
    }
}
