//! The loop: one thread, which waits for no member and sends each of them once in a turn.
//!
//! ```text
//! thread "main"      Readiness::wait for all sockets at once; woken by the token
//! thread "ctrl-c"    waits for a signal       advances the token (made by the ctrlc crate)
//! thread "console"   waits for lines          ended by Console::finish
//! thread "operator"  waits for stdin          ends with the process: nothing interrupts a read of stdin
//! ```
//!
//! A turn hears everybody who has said something, then sends everybody what is new: a hundred messages
//! that came together go out as one call for each member, not as a hundred. What is said to whom is
//! decided in `../room/`; who is let in, in `admission.rs`. Source: epoll(7).

mod admission;
pub mod operator;
pub mod report;
mod socket;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{self, IpAddr};
use std::time::{Duration, Instant};

use netcommon::deadlines::Deadlines;
use netcommon::net::{TcpListener, TcpStream};
use netcommon::readiness::{Interest, Key, Readiness, Ready, TcpSocket};
use netcommon::shutdown::Shutdown;

use self::admission::Admission;
use self::operator::Board;
use self::report::Report;
use crate::room::mail::Scratch;
use crate::room::{Id, Room, Step};

/// The one buffer that everybody's bytes are read into: as much as one client may say while others wait.
const READ_LEN: usize = 16 * 1024;

/// Serves `room` to clients on `listener` until `shutdown` asks for the end, and lets them go within `grace`.
///
/// Blocks until the last connection has ended. Returns how many were cut because they took nothing in that time.
///
/// # Errors
/// When the listener breaks (a failing `accept` that concerns one client does not), or the system cannot
/// wait any more; open connections are let go in that case, too.
///
/// # Examples
/// ```
/// use chat_room::limits::Limits;
/// use chat_room::room::Room;
/// use chat_room::server::{operator::Board, report::Report, serve};
/// use netcommon::{console::Console, net::TcpListener, shutdown::Shutdown};
/// use std::time::Duration;
///
/// let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
/// let (console, shutdown) = (Console::start(|| {})?, Shutdown::new());
/// shutdown.advance(); // Asked to end before it began: serves nobody.
/// let report = Report::new(console.lines(), false);
/// let cut = serve(listener, Room::new(Limits::default()), Duration::ZERO, &shutdown, &report, &Board::default())?;
/// assert_eq!(cut, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn serve(
    listener: TcpListener,
    room: Room,
    grace: Duration,
    shutdown: &Shutdown,
    report: &Report,
    board: &Board,
) -> io::Result<usize> {
    let mut server = Server::new(listener, room, report, board)?;
    shutdown.wake_on_drain(server.sockets.waker());
    let mut served = Ok(());
    while served.is_ok() && !shutdown.is_draining() {
        served = server.turn(None);
    }
    // From here on the system refuses new clients, and those that it had accepted for us are reset.
    drop(server.sockets.remove(server.listener));
    report.line(format_args!("Server shutting down..."));
    shutdown.wake_on_cut(server.sockets.waker());
    let cut = server.drain(grace, shutdown);
    shutdown.settle();
    served.and(cut)
}

/// Everything that the one thread knows.
struct Server<'a> {
    room: Room,
    /// The listener, without a member, and the streams with theirs.
    sockets: Readiness<TcpSocket, Option<Id>>,
    listener: Key,
    /// For each of the room's connections, by its index.
    seats: Vec<Seat>,
    admission: Admission,
    deadlines: Deadlines<Key>,
    report: &'a Report,
    board: &'a Board,
    scratch: Scratch,
    buffer: Box<[u8]>,
    ready: Vec<Ready>,
    ids: Vec<Id>,
}

/// What the loop knows of a connection that the room does not.
#[derive(Debug, Clone, Copy)]
struct Seat {
    key: Key,
    address: IpAddr,
    /// The earliest time for which the connection is in the deadlines' queue.
    timer: Option<Instant>,
}

impl<'a> Server<'a> {
    fn new(listener: TcpListener, room: Room, report: &'a Report, board: &'a Board) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let mut sockets = Readiness::new()?;
        let listener = sockets.insert(TcpSocket::Listener(listener), Interest::Readable, None)?;
        Ok(Self {
            room,
            sockets,
            listener,
            seats: Vec::new(),
            admission: Admission::default(),
            deadlines: Deadlines::default(),
            report,
            board,
            scratch: Scratch::default(),
            buffer: vec![0; READ_LEN].into_boxed_slice(),
            ready: Vec::new(),
            ids: Vec::new(),
        })
    }

    /// One turn: waits, at most until `until`; hears everybody who has said something; then sends what is new.
    // ANCHOR: turn
    fn turn(&mut self, until: Option<Instant>) -> io::Result<()> {
        let deadline = [self.deadlines.next(), until].into_iter().flatten().min();
        let mut ready = std::mem::take(&mut self.ready);
        self.sockets.wait(deadline, &mut ready)?;
        self.sockets.narrate(&ready);
        let now = Instant::now();
        for event in ready.drain(..) {
            if event.key == self.listener { self.accept_those_who_wait(now)? } else { self.attend(event, now) }
        }
        self.ready = ready;
        while let Some(key) = self.next_due(now) {
            self.time_is_up(key, now)?;
        }
        // Before the answers: whoever has one may count on the numbers. And after, for what the sending showed.
        self.board.show(self.room.stats());
        self.send_what_is_new(now);
        self.room.take_events().for_each(|event| self.report.event(&event));
        self.board.show(self.room.stats());
        Ok(())
    }
    // ANCHOR_END: turn

    /// A stream is ready: hears its client, or goes on sending to it.
    fn attend(&mut self, event: Ready, now: Instant) {
        let Some((mut stream, id)) = client(&self.sockets, event.key) else { return };
        if event.readable && matches!(self.room.step(id), Step::Wait { hear: true, .. }) {
            // One read for each turn: whoever has more to say is heard again when all others were.
            match stream.read(&mut self.buffer) {
                Ok(0) => self.room.end_of_stream(id),
                Ok(len) => self.room.hear(id, &self.buffer[..len], now),
                Err(error) if is_nothing(&error) => {}
                Err(error) => self.room.lost(id, &error.kind().to_string()),
            }
        }
        if event.writable && self.room.is_stuck(id) {
            self.send(id, now);
        }
        self.settle(id, now);
    }

    /// Sends everybody what is new for them: one call for each, however many lines there are.
    // ANCHOR: send_what_is_new
    fn send_what_is_new(&mut self, now: Instant) {
        let mut ids = std::mem::take(&mut self.ids);
        loop {
            // Whoever is found broken leaves, and that is news for the others.
            self.room.take_addressed(&mut ids);
            if ids.is_empty() {
                break;
            }
            for id in &ids {
                if !self.room.is_stuck(*id) {
                    self.send(*id, now);
                }
                self.settle(*id, now);
            }
        }
        self.ids = ids;
    }
    // ANCHOR_END: send_what_is_new

    /// Sends to one connection until nothing is left or the system has no room.
    fn send(&mut self, id: Id, now: Instant) {
        let Some((mut stream, _)) = self.seats.get(id.index()).and_then(|seat| client(&self.sockets, seat.key)) else {
            return;
        };
        while self.room.has_mail(id) {
            let pieces = self.room.to_send(id, &mut self.scratch);
            let of = pieces.len();
            let sent = match pieces.as_slices() {
                // Only the member's own lines, which it is not sent: nothing for the system to do.
                _ if of == 0 => Ok(0),
                [one] => stream.write(one),
                several => stream.write_vectored(several),
            };
            match sent {
                Ok(len) => self.room.sent(id, (len, of), &mut self.scratch, now),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if is_nothing(&error) => self.room.sent(id, (0, of), &mut self.scratch, now),
                Err(error) => self.room.lost(id, &error.kind().to_string()),
            }
            if self.room.is_stuck(id) {
                break;
            }
        }
    }

    /// Does with the socket what the room asks for, until it waits.
    fn settle(&mut self, id: Id, now: Instant) {
        let Some(seat) = self.seats.get(id.index()).copied() else { return };
        loop {
            let Some((stream, own)) = client(&self.sockets, seat.key) else { return };
            if own != id {
                return;
            }
            match self.room.step(id) {
                Step::Release => match stream.shutdown(net::Shutdown::Write) {
                    Ok(()) => self.room.released(id, now),
                    Err(error) => self.room.lost(id, &error.kind().to_string()),
                },
                Step::Close => return self.close(id, now),
                Step::Wait { hear, send } => match self.sockets.set_interest(seat.key, interest(hear, send)) {
                    Ok(()) => return self.set_timer(id, now),
                    Err(error) => self.room.lost(id, &error.kind().to_string()),
                },
            }
        }
    }

    /// Has the connection looked at when its time is up, unless that is in the queue already.
    fn set_timer(&mut self, id: Id, now: Instant) {
        let seat = &mut self.seats[id.index()];
        if let Some(at) = self.room.deadline(id)
            && seat.timer.is_none_or(|timer| timer <= now || at < timer)
        {
            seat.timer = Some(at);
            self.deadlines.set(seat.key, at);
        }
    }

    /// The end of a connection; its place and its descriptor are free.
    fn close(&mut self, id: Id, now: Instant) {
        let seat = self.seats[id.index()];
        drop(self.sockets.remove(seat.key));
        self.admission.gone(seat.address);
        self.room.remove(id);
        let sockets = &self.sockets;
        self.deadlines.tidy(sockets.len(), |key| sockets.get(key).is_some());
        self.accept_soon(now);
    }

    /// The next key whose time is up: a connection's, or the listener's when it is to try again.
    fn next_due(&mut self, now: Instant) -> Option<Key> {
        let (sockets, room, full_until) = (&self.sockets, &self.room, self.admission.full_until);
        self.deadlines.due(now, |key| match sockets.get(key)?.1 {
            Some(id) => room.deadline(*id),
            None => full_until,
        })
    }

    fn time_is_up(&mut self, key: Key, now: Instant) -> io::Result<()> {
        if key == self.listener {
            return self.accept_again();
        }
        if let Some((_, id)) = client(&self.sockets, key) {
            if self.room.time_is_up(id, now) {
                self.send_last_words(id, now);
            }
            self.settle(id, now);
        }
        Ok(())
    }

    /// Tells a member that reads nothing why it is closed, for the day on which it reads again.
    ///
    /// Its send buffer is full, so that is made larger first; what finds no room even then is lost.
    fn send_last_words(&mut self, id: Id, now: Instant) {
        if let Some((stream, _)) = self.seats.get(id.index()).and_then(|seat| client(&self.sockets, seat.key)) {
            socket::make_room(stream, self.room.limits());
        }
        self.send(id, now);
        if self.room.is_stuck(id) {
            self.room.lost(id, "stalled");
        }
    }

    /// Tells everybody that the server ends, lets them go within the grace period, and cuts who is left.
    fn drain(&mut self, grace: Duration, shutdown: &Shutdown) -> io::Result<usize> {
        let until = Instant::now() + grace;
        self.room.shut_down();
        self.send_what_is_new(Instant::now());
        let mut result = Ok(());
        while result.is_ok() && !self.sockets.is_empty() && !shutdown.is_cutting() && Instant::now() < until {
            result = self.turn(Some(until));
        }
        self.room.take_events().for_each(|event| self.report.event(&event));
        result.map(|()| self.sockets.len())
    }
}

/// A client's stream and its place in the room.
fn client(sockets: &Readiness<TcpSocket, Option<Id>>, key: Key) -> Option<(&TcpStream, Id)> {
    match sockets.get(key)? {
        (TcpSocket::Stream(stream), Some(id)) => Some((stream, *id)),
        _ => None,
    }
}

fn interest(hear: bool, send: bool) -> Interest {
    match (hear, send) {
        (true, true) => Interest::Both,
        (true, false) => Interest::Readable,
        (false, true) => Interest::Writable,
        (false, false) => Interest::Nothing,
    }
}

/// Nothing has happened: the socket was not ready after all, or a signal came between.
fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
