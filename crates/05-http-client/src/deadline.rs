//! One deadline for a whole exchange, kept on every single read and write.
//!
//! A timeout per read is no deadline: a server that drips one byte a second keeps such a client for ever. So
//! every wait gets what is left. Setting `SO_RCVTIMEO` is a system call of its own, so [`Timed`] sets it only
//! when the old value would wait too long. Read `connection.rs` after. Source: socket(7).

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use netcommon::error::is_timeout;
use netcommon::net::TcpStream;
use netcommon::pipe::Pipe;
use netcommon::shutdown::{Shutdown, Waker};

/// How much later than the deadline a wait may end; nobody notices, and it saves a system call per read.
const SLACK: Duration = Duration::from_millis(20);

/// How long a read looks for an answer before it sleeps.
///
/// A server on this machine answers after some tens of microseconds; to fall asleep and be woken takes the
/// kernel as long again. For a server far away it is nothing beside the wait.
#[cfg(unix)]
const AWAKE: Duration = Duration::from_micros(50);

/// So many bytes of an answer are looked for. Of a large one more comes together while we sleep, and fewer
/// reads and writes are made of it: awake, a gigabyte into a file took us twice as long.
const SMALL_ANSWER_BYTES: usize = 16 * 1024;

/// No wait is longer, whatever the option says: it must fit into the system's clock.
const ALLOWED_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The moment at which an exchange must be over, and perhaps one for the step that it is in.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Instant,
    allowed: Duration,
    step: Option<Duration>,
    step_at: Option<Instant>,
}

impl Deadline {
    /// So long from `now` on; with `step`, so long for each step.
    #[must_use]
    pub fn new(now: Instant, allowed: Duration, step: Option<Duration>) -> Self {
        Self { at: now + allowed.min(ALLOWED_MAX), allowed, step, step_at: None }
    }

    /// The same deadline, and a step that begins now.
    #[must_use]
    pub fn begin_step(self) -> Self {
        Self { step_at: self.step.map(|step| Instant::now() + step.min(ALLOWED_MAX)), ..self }
    }

    /// What is left; `None` when the time is up.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let at = self.step_at.map_or(self.at, |step_at| step_at.min(self.at));
        Some(at.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// The time that is up, and the option that gives another, for an error's reader.
    #[must_use]
    pub fn missed(&self) -> (Duration, &'static str) {
        match self.step {
            Some(step) if Instant::now() < self.at => (step, "--step-timeout"),
            _ => (self.allowed, "--timeout"),
        }
    }
}

/// A stream whose reads and writes end at the deadline, or when the user interrupts.
#[derive(Debug)]
pub struct Timed {
    stream: Arc<TcpStream>,
    deadline: Deadline,
    shutdown: Shutdown,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
    /// Bytes of the answer that came since the request.
    came: usize,
}

impl Timed {
    /// Takes a connected stream.
    #[must_use]
    pub fn new(stream: TcpStream, deadline: Deadline, shutdown: &Shutdown) -> Self {
        let stream = Arc::new(stream);
        shutdown.wake_on_drain(Waker::for_stream(&stream));
        Self { stream, deadline, shutdown: shutdown.clone(), read_timeout: None, write_timeout: None, came: 0 }
    }

    /// For the next exchange on the same connection.
    pub fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// An answer begins with the next byte.
    pub fn expect_answer(&mut self) {
        self.came = 0;
    }

    /// Whether bytes or the end of stream have come that nobody waits for.
    #[must_use]
    pub fn has_news(&self) -> bool {
        has_news(&self.stream)
    }

    /// Waits until more can be written or something comes; whether something came.
    ///
    /// `poll(2)` for both; the deadline and shutdown end it.
    ///
    /// # Errors
    /// The time is up, or the user interrupts.
    #[cfg(unix)]
    pub fn wait_for_room(&self) -> io::Result<bool> {
        use rustix::event::{PollFd, PollFlags, poll};

        loop {
            let left = self.check()?;
            let mut sockets = [PollFd::new(self.stream.as_std(), PollFlags::IN | PollFlags::OUT)];
            // Longer than a timespec can say is longer than anybody waits.
            let left = left.try_into().ok();
            match poll(&mut sockets, left.as_ref()) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(sockets[0].revents().contains(PollFlags::IN)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Elsewhere the write waits, and sees what came when it is done.
    ///
    /// # Errors
    /// None.
    #[cfg(not(unix))]
    pub fn wait_for_room(&self) -> io::Result<bool> {
        Ok(false)
    }

    /// What is left, with a timeout of the system's that does not wait much longer.
    fn check(&self) -> io::Result<Duration> {
        if self.shutdown.is_draining() {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        self.deadline.left().ok_or_else(|| ErrorKind::TimedOut.into())
    }
}

/// Whether a wait of `set` would end too late.
fn is_too_long(set: Option<Duration>, left: Duration) -> bool {
    set.is_none_or(|set| set > left + SLACK)
}

/// Looks for bytes, for a moment: `poll(2)` without a wait, again and again.
#[cfg(unix)]
fn stay_awake(stream: &TcpStream) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let until = Instant::now() + AWAKE;
    let mut sockets = [PollFd::new(stream.as_std(), PollFlags::IN)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    while poll(&mut sockets, Some(&at_once)) == Ok(0) && Instant::now() < until {
        // On a machine with one core the server could not answer otherwise.
        std::thread::yield_now();
    }
}

/// `poll(2)` without a wait.
#[cfg(unix)]
fn has_news(stream: &TcpStream) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let mut sockets = [PollFd::new(stream.as_std(), PollFlags::IN)];
    poll(&mut sockets, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) != Ok(0)
}

/// Elsewhere a look into the stream that does not wait.
#[cfg(not(unix))]
fn has_news(stream: &TcpStream) -> bool {
    let stream = stream.as_std();
    let look = || {
        stream.set_nonblocking(true)?;
        let seen = stream.peek(&mut [0]);
        stream.set_nonblocking(false)?;
        seen
    };
    !look().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Elsewhere the read sleeps at once.
#[cfg(not(unix))]
fn stay_awake(_: &TcpStream) {}

impl Read for Timed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.receive(|mut stream| stream.read(buf))
    }
}

impl Timed {
    /// As [`Read::read`], into a pipe.
    ///
    /// # Errors
    /// Those of a read.
    pub fn read_into(&mut self, pipe: &Pipe, len: usize) -> io::Result<usize> {
        self.receive(|stream| pipe.fill(stream, len))
    }

    // ANCHOR: read
    /// Takes what has come, and waits for it until the deadline.
    fn receive(&mut self, mut take: impl FnMut(&TcpStream) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            let left = self.check()?;
            if is_too_long(self.read_timeout, left) {
                self.stream.set_read_timeout(Some(left))?;
                self.read_timeout = Some(left);
            }
            if self.came < SMALL_ANSWER_BYTES {
                stay_awake(&self.stream);
            }
            match take(&self.stream) {
                // The timeout of an earlier read was shorter than what is left now: wait for the rest.
                Err(error) if is_timeout(&error) => self.read_timeout = None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Shutdown ends the stream under a waiting read, which then looks like its end.
                Ok(0) => return self.check().map(|_| 0),
                Ok(len) => {
                    self.came += len;
                    return Ok(len);
                }
                result => return result,
            }
        }
    }
    // ANCHOR_END: read
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let left = self.check()?;
            if is_too_long(self.write_timeout, left) {
                self.stream.set_write_timeout(Some(left))?;
                self.write_timeout = Some(left);
            }
            match (&*self.stream).write(bytes) {
                Err(error) if is_timeout(&error) => self.write_timeout = None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Shutdown as Half;

    use super::*;

    #[test]
    fn what_comes_unasked_is_news() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let deadline = Deadline::new(Instant::now(), Duration::from_secs(60), None);
        let mut timed = Timed::new(stream, deadline, &Shutdown::new());
        assert!(!timed.has_news());
        peer.write_all(b"!").unwrap();
        // Looked at and left there, so that it has come for certain.
        assert_eq!(timed.stream.as_std().peek(&mut [0]).unwrap(), 1);
        assert!(timed.has_news());
        assert_eq!(timed.read(&mut [0; 8]).unwrap(), 1);
        assert!(!timed.has_news());
        peer.shutdown(Half::Write).unwrap();
        assert_eq!(timed.stream.as_std().peek(&mut [0]).unwrap(), 0);
        assert!(timed.has_news());
    }
}
