//! One connection to the room: made, read line by line, and ended, on a thread of its own.
//!
//! ```text
//! thread "room"   connects, then waits in recv   ends with the stream; `Attempt::end` ends it for sure
//! ```
//! Connecting may take seconds and reading for ever, so neither happens where the person's keys are
//! waited for. Writing does: a line is short. Read `session.rs` next, which owns the attempts.

use std::io::{self, Write};
use std::net;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use netcommon::addr::HostPort;
use netcommon::connect::{ConnectError, connect_until};
use netcommon::framing::{FrameError, Framing, Limits, MessageReader, ReadError};
use netcommon::net::TcpStream;
use netcommon::shutdown::{Shutdown, Waker};
use socket2::{SockRef, TcpKeepalive};

/// The longest line that we take from a server: a list of a thousand names has some 80 KB at most.
pub const SERVER_LINE_LEN_MAX: usize = 128 * 1024;

/// Lines that may wait for the main thread; more wait in the kernel, and then at the server.
const WAITING_MAX: usize = 64;

/// A server that vanished without a word, its power cut, is noticed after 15 s of silence and three more
/// questions of 5 s each. Nobody types for half an hour? Then this is the only way to notice.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(5));

/// How long a write may find no room: the server has stopped reading.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// What comes from the room's thread.
#[derive(Debug)]
pub enum FromRoom {
    /// The handshake is done; this end is for writing.
    Connected(Arc<TcpStream>),
    /// No connection.
    NotConnected(ConnectError),
    /// A line, without its end.
    Line(Vec<u8>),
    /// A line of more than [`SERVER_LINE_LEN_MAX`] bytes, which was thrown away.
    TooLong,
    /// The stream has ended: in order, or by this error.
    Ended(Option<ReadError>),
}

/// A connection that is being made or used.
#[derive(Debug)]
pub struct Attempt {
    /// What comes from the room; ends with [`FromRoom::NotConnected`] or [`FromRoom::Ended`].
    pub events: Receiver<FromRoom>,
    stop: Shutdown,
    thread: JoinHandle<()>,
}

impl Attempt {
    /// Starts the thread `room`, which connects to `server` within `timeout` and then reads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(server: &HostPort, timeout: Duration) -> io::Result<Self> {
        let (sender, events) = bounded(WAITING_MAX);
        let stop = Shutdown::new();
        let (server, token) = (server.clone(), stop.clone());
        let thread = Builder::new().name("room".to_owned()).spawn(move || {
            match connect_until(&server, timeout, &token) {
                Ok(stream) => read(&sender, &Arc::new(stream), &token),
                // Nobody listens any more when the attempt was ended.
                Err(error) => drop(sender.send(FromRoom::NotConnected(error))),
            }
        })?;
        Ok(Self { events, stop, thread })
    }

    /// Ends the connection, whatever it is doing; [`FromRoom::Ended`] comes soon.
    pub fn stop_reading(&self) {
        self.stop.advance();
    }

    /// Ends the connection, whatever it is doing, and the thread with it.
    pub fn end(self) {
        self.stop.advance();
        // The thread may be about to put something into a full queue.
        drop(self.events);
        self.thread.join().expect("the room's thread does not panic");
    }
}

/// Reads to the end of the stream, one event a line.
fn read(sender: &Sender<FromRoom>, stream: &Arc<TcpStream>, stop: &Shutdown) {
    stop.wake_on_drain(Waker::for_stream(stream));
    if let Err(error) = prepare(stream) {
        log::debug!("no keepalive: {error}");
    }
    if sender.send(FromRoom::Connected(Arc::clone(stream))).is_err() {
        return;
    }
    let limits = Limits { message_len_max: SERVER_LINE_LEN_MAX };
    let mut reader = MessageReader::new(&**stream, Framing::Lines, limits);
    loop {
        let event = match reader.read_message() {
            Ok(Some(line)) => FromRoom::Line(line.to_vec()),
            Ok(None) => FromRoom::Ended(None),
            Err(ReadError::Frame(FrameError::TooLong { .. })) => FromRoom::TooLong,
            Err(error) => FromRoom::Ended(Some(error)),
        };
        if matches!(event, FromRoom::TooLong) {
            // The rest of a line can always be skipped.
            reader.skip_to_next();
        }
        let ended = matches!(event, FromRoom::Ended(_));
        if sender.send(event).is_err() || ended {
            return;
        }
    }
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE.0).with_interval(KEEPALIVE.1);
    SockRef::from(stream.as_std()).set_tcp_keepalive(&keepalive)
}

/// Sends one line with its LF, in one write.
///
/// `send(2)`; blocks while the send buffer is full, for 10 s at most.
///
/// # Errors
/// What the system says; the thread `room` finds the end of the stream as well.
pub fn send_line(mut stream: &TcpStream, line: &[u8]) -> io::Result<()> {
    stream.write_all(&[line, b"\n"].concat())
}

/// Sends our FIN: what we said stays said, and answers still arrive.
pub fn half_close(stream: &TcpStream) {
    // A connection that is over already refuses; the thread `room` says why.
    let _ = stream.shutdown(net::Shutdown::Write);
}
