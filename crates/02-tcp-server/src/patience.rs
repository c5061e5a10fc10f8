//! How long a silent client may stay.
//!
//! A read timeout alone is not enough: a client that sends one byte just before each timeout stays for
//! ever. So the wait for a whole message has a deadline, and every read looks at it. The socket's own
//! timeouts (`SO_RCVTIMEO`, `SO_SNDTIMEO`, socket(7)) bound each single wait; both are set once, so the
//! deadline costs no system call.

use std::cell::Cell;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use netcommon::connections::Connection;

/// A stream that is read from until a deadline, which every whole message moves on.
#[derive(Debug)]
pub struct Patient<'a> {
    stream: &'a Connection<'a>,
    idle_timeout: Duration,
    deadline: Cell<Instant>,
}

impl<'a> Patient<'a> {
    /// Sets both timeouts of the socket and starts to count.
    ///
    /// # Errors
    /// When `idle_timeout` is zero, or the connection is over already on some systems.
    pub fn new(stream: &'a Connection<'a>, idle_timeout: Duration) -> io::Result<Self> {
        stream.set_read_timeout(Some(idle_timeout))?;
        stream.set_write_timeout(Some(idle_timeout))?;
        Ok(Self { stream, idle_timeout, deadline: Cell::new(Instant::now() + idle_timeout) })
    }

    /// A whole message has come: the client has its full time again.
    pub fn renew(&self) {
        self.deadline.set(Instant::now() + self.idle_timeout);
    }
}

impl Read for &Patient<'_> {
    /// As the connection's; a byte that comes after the deadline is `TimedOut` all the same.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut stream = self.stream;
        let len = stream.read(buf)?;
        if len > 0 && Instant::now() > self.deadline.get() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(len) }
    }
}
