//! The loop: wait until something can be done without waiting, do it for everybody, wait again.
//!
//! ```text
//! thread "main"      waits in Readiness::wait for all sockets at once; woken by the token
//! thread "ctrl-c"    waits for a signal       advances the token (made by the ctrlc crate)
//! thread "console"   waits for lines          ended by Console::finish
//! ```
//!
//! No call on a socket waits here, because each is made only when the system has said that it need not.
//! What to send, and when to give up, is decided in `connection/mod.rs`; who is let in, in `admission.rs`.
//! Source: epoll(7), UNP section 6.3 (select) for the shape of such a loop.

use std::io::{self, ErrorKind, Read, Write};
use std::net;
use std::time::Instant;

use netcommon::console::Lines;
use netcommon::deadlines::Deadlines;
use netcommon::echo::{Config, Report};
use netcommon::net::{TcpListener, TcpStream};
use netcommon::readiness::{Interest, Key, Readiness, Ready, TcpSocket};
use netcommon::shutdown::Shutdown;

use crate::connection::{Connection, Desk, Step};

/// The one buffer that everybody's bytes are read into: as much as one client may say while others wait.
pub(crate) const READ_LEN: usize = 64 * 1024;

/// Serves clients on `listener` until `shutdown` asks for the end, and drains.
///
/// Non-blocking sockets and `epoll_wait(2)` or its like, on the caller's thread alone. Blocks until the
/// last connection has ended.
///
/// # Errors
/// When the listener breaks (a failing `accept` that concerns one client does not), or the system cannot
/// wait any more; open connections are drained in that case, too.
///
/// # Examples
/// ```
/// use netcommon::{console::Console, echo::Config, net::TcpListener, shutdown::Shutdown};
/// use event_server::serve;
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
    let mut server = Server::new(listener, config, lines)?;
    shutdown.wake_on_drain(server.sockets.waker());
    let mut served = Ok(());
    while served.is_ok() && !shutdown.is_draining() {
        served = server.turn(None);
    }
    // From here on the system refuses new clients, and those that it had accepted for us are reset.
    drop(server.sockets.remove(server.listener));
    lines.line(format_args!("Server shutting down..."));
    shutdown.wake_on_cut(server.sockets.waker());
    let drained = server.drain(shutdown);
    shutdown.settle();
    served.and(drained).map(|()| server.report)
}
// ANCHOR_END: serve

/// Everything that the one thread knows.
pub(crate) struct Server<'a> {
    pub(crate) config: &'a Config,
    pub(crate) lines: &'a Lines,
    /// The listener, without a connection, and the streams with theirs.
    pub(crate) sockets: Readiness<TcpSocket, Option<Connection>>,
    pub(crate) listener: Key,
    /// No descriptor is left: until when to accept nobody, unless a connection ends before.
    pub(crate) full_until: Option<Instant>,
    /// The shortage has been told of.
    pub(crate) warned: bool,
    pub(crate) deadlines: Deadlines<Key>,
    pub(crate) desk: Desk<'a>,
    pub(crate) report: Report,
    buffer: Box<[u8]>,
    ready: Vec<Ready>,
}

impl<'a> Server<'a> {
    fn new(listener: TcpListener, config: &'a Config, lines: &'a Lines) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let mut sockets = Readiness::new()?;
        let listener = sockets.insert(TcpSocket::Listener(listener), Interest::Readable, None)?;
        Ok(Self {
            config,
            lines,
            sockets,
            listener,
            full_until: None,
            warned: false,
            deadlines: Deadlines::default(),
            desk: Desk::new(config, |peer, message| config.show(lines, peer, message)),
            report: Report { served: 0, refused: 0, cut: 0 },
            buffer: vec![0; READ_LEN].into_boxed_slice(),
            ready: Vec::new(),
        })
    }

    /// One turn of the loop: waits, at most until `until`, then attends to everybody who is ready.
    // ANCHOR: turn
    fn turn(&mut self, until: Option<Instant>) -> io::Result<()> {
        let deadline = [self.deadlines.next(), until].into_iter().flatten().min();
        let mut ready = std::mem::take(&mut self.ready);
        self.sockets.wait(deadline, &mut ready)?;
        self.sockets.narrate(&ready);
        let now = Instant::now();
        for Ready { key, .. } in ready.drain(..) {
            if key == self.listener { self.accept_those_who_wait(now)? } else { self.attend(key, now) }
        }
        self.ready = ready;
        while let Some(key) = self.next_due(now) {
            self.time_is_up(key, now)?;
        }
        Ok(())
    }
    // ANCHOR_END: turn

    /// A stream is ready for what its connection waited for.
    // ANCHOR: attend
    fn attend(&mut self, key: Key, now: Instant) {
        let Some((mut stream, connection)) = client(&mut self.sockets, key) else { return };
        if connection.step() == Step::Wait(Interest::Writable) {
            connection.writable(now, &mut self.desk);
        } else {
            // One read for each turn: whoever has more to say is heard again when all others were.
            match stream.read(&mut self.buffer) {
                Ok(0) => connection.end_of_stream(&self.desk),
                Ok(len) => connection.received(&self.buffer[..len], now, &mut self.desk),
                Err(error) if is_nothing(&error) => {}
                Err(error) => connection.failed(error),
            }
        }
        self.proceed(key, now);
    }
    // ANCHOR_END: attend

    /// Does what the connection asks for, until it waits.
    // ANCHOR: proceed
    fn proceed(&mut self, key: Key, now: Instant) {
        while let Some((mut stream, connection)) = client(&mut self.sockets, key) {
            match connection.step() {
                Step::Send(bytes) => match stream.write(bytes) {
                    Ok(len) => connection.sent(len, now, &mut self.desk),
                    Err(error) if is_nothing(&error) => connection.sent(0, now, &mut self.desk),
                    Err(error) => connection.failed(error),
                },
                Step::Release => match stream.shutdown(net::Shutdown::Write) {
                    Ok(()) => {
                        connection.released(now);
                        let at = connection.deadline();
                        self.deadlines.set(key, at);
                    }
                    Err(error) => connection.failed(error),
                },
                Step::Wait(interest) => match self.sockets.set_interest(key, interest) {
                    Ok(()) => return,
                    Err(error) => self.fail(key, error),
                },
                Step::Close => return self.close(key, now),
            }
        }
    }
    // ANCHOR_END: proceed

    fn fail(&mut self, key: Key, error: io::Error) {
        if let Some((_, connection)) = client(&mut self.sockets, key) {
            connection.failed(error);
        }
    }

    /// The end of a connection; its place and its descriptor are free.
    fn close(&mut self, key: Key, now: Instant) {
        let Some((stream, Some(connection))) = self.sockets.remove(key) else { return };
        // Close first: whoever reads the line may count on the client having its FIN.
        drop(stream);
        self.lines.line(format_args!("{}", connection.summary(now)));
        let sockets = &self.sockets;
        self.deadlines.tidy(sockets.len(), |key| sockets.get(key).is_some());
        if self.full_until.is_some() {
            self.full_until = Some(now);
            self.deadlines.set(self.listener, now);
        }
    }

    /// The next key whose time is up: a connection's, or the listener's when it is to try again.
    fn next_due(&mut self, now: Instant) -> Option<Key> {
        let (sockets, full_until) = (&self.sockets, self.full_until);
        self.deadlines.due(now, |key| match sockets.get(key)?.1 {
            Some(connection) => Some(connection.deadline()),
            None => full_until,
        })
    }

    fn time_is_up(&mut self, key: Key, now: Instant) -> io::Result<()> {
        if key == self.listener {
            return self.accept_again();
        }
        if let Some((_, connection)) = client(&mut self.sockets, key) {
            connection.time_is_up();
        }
        self.proceed(key, now);
        Ok(())
    }

    /// Lets every connection finish, at most for the grace period, and cuts what is left.
    // ANCHOR: drain
    fn drain(&mut self, shutdown: &Shutdown) -> io::Result<()> {
        let began = Instant::now();
        let until = began + self.config.grace;
        for key in self.sockets.keys().collect::<Vec<_>>() {
            if let Some((_, connection)) = client(&mut self.sockets, key) {
                connection.drain();
            }
            self.proceed(key, began);
        }
        let mut result = Ok(());
        while result.is_ok() && !self.sockets.is_empty() && !shutdown.is_cutting() && Instant::now() < until {
            result = self.turn(Some(until));
        }
        self.report.cut = self.sockets.len();
        for key in self.sockets.keys().collect::<Vec<_>>() {
            self.time_is_up(key, Instant::now())?;
        }
        result
    }
    // ANCHOR_END: drain
}

/// A client's stream and its connection.
fn client(sockets: &mut Readiness<TcpSocket, Option<Connection>>, key: Key) -> Option<(&TcpStream, &mut Connection)> {
    match sockets.get_mut(key)? {
        (TcpSocket::Stream(stream), Some(connection)) => Some((stream, connection)),
        _ => None,
    }
}

/// Nothing has happened: the socket was not ready after all, or a signal came between.
fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
