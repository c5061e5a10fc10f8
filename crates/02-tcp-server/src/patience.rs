//! How long a silent client may stay, and what it has sent and taken until then.
//!
//! A timeout for each call is not enough: a client that sends one byte just before each timeout stays for
//! ever. So the wait for a whole message has a deadline, and so has an answer on its way out. The socket's
//! own timeouts (`SO_RCVTIMEO`, `SO_SNDTIMEO`, socket(7)) are cut to what is left, but only when that is
//! another time than before: whoever sends whole messages and takes the answers costs no system call.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use netcommon::connections::Connection;
use netcommon::net::TcpStream;

/// A timeout of the socket stays as it is while it is off by no more than this part of the whole.
const EXACT_ENOUGH: u32 = 100;

/// A stream that is read from until a deadline, which every whole message moves on.
#[derive(Debug)]
pub struct Patient<'a> {
    stream: &'a Connection<'a>,
    idle_timeout: Duration,
    deadline: Cell<Instant>,
    /// What the socket has for reading and for writing; zero: it has none.
    timeouts: [Cell<Duration>; 2],
    /// Bytes that came, and bytes that the kernel took.
    carried: [Cell<u64>; 2],
}

impl<'a> Patient<'a> {
    /// Sets both timeouts of the socket and starts to count.
    #[must_use]
    pub fn new(stream: &'a Connection<'a>, idle_timeout: Duration) -> Self {
        let deadline = Instant::now() + idle_timeout;
        let patient = Self {
            stream,
            idle_timeout,
            deadline: Cell::new(deadline),
            timeouts: Default::default(),
            carried: Default::default(),
        };
        // What fails here is tried again by the first read, which tells.
        let _ = patient.set_reading(deadline);
        let _ = patient.set_writing(deadline);
        patient
    }

    /// A whole message has come, or an answer is out: the client has its full time again.
    pub fn renew(&self) {
        self.deadline.set(Instant::now() + self.idle_timeout);
    }

    /// Sends all of `wire`: `send(2)`, as often as it takes.
    ///
    /// # Errors
    /// A timeout when the client has not taken it within the idle timeout; what `send` says.
    pub fn send(&self, mut wire: &[u8]) -> io::Result<()> {
        let mut stream: &TcpStream = self.stream;
        let deadline = Instant::now() + self.idle_timeout;
        while !wire.is_empty() {
            // A send that blocks takes a part only when its time is over, or a signal has come.
            self.set_writing(deadline)?;
            match stream.write(wire) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(len) => {
                    self.carried[1].set(self.carried[1].get() + len as u64);
                    wire = &wire[len..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.renew();
        Ok(())
    }

    /// So many bytes were read past this type, to be thrown away.
    pub fn count_in(&self, len: usize) {
        self.carried[0].set(self.carried[0].get() + len as u64);
    }

    /// Bytes that came, and bytes that the kernel took from us, until now.
    #[must_use]
    pub fn carried(&self) -> [u64; 2] {
        self.carried.each_ref().map(Cell::get)
    }

    fn set_reading(&self, deadline: Instant) -> io::Result<()> {
        self.set(&self.timeouts[0], deadline, TcpStream::set_read_timeout)
    }

    fn set_writing(&self, deadline: Instant) -> io::Result<()> {
        self.set(&self.timeouts[1], deadline, TcpStream::set_write_timeout)
    }

    /// Lets the next call wait until `deadline`, which must not have passed.
    fn set(
        &self,
        timeout: &Cell<Duration>,
        deadline: Instant,
        option: impl Fn(&TcpStream, Option<Duration>) -> io::Result<()>,
    ) -> io::Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        let near = |other: Duration| left.abs_diff(other) <= self.idle_timeout / EXACT_ENOUGH;
        if !near(timeout.get()) {
            let whole_ms = Duration::new(left.as_secs(), left.subsec_millis() * 1_000_000) + Duration::from_millis(1);
            let new = if near(self.idle_timeout) { self.idle_timeout } else { whole_ms };
            option(self.stream, Some(new))?;
            timeout.set(new);
        }
        Ok(())
    }
}

impl Read for &Patient<'_> {
    /// As the connection's, at most until the deadline.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.set_reading(self.deadline.get())?;
        let mut stream = self.stream;
        let len = stream.read(buf)?;
        self.count_in(len);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use netcommon::connections::Connections;
    use netcommon::error::is_timeout;
    use netcommon::net::TcpListener;

    use super::*;

    /// A stream of ours, and its peer, which does nothing by itself.
    fn pair() -> (TcpStream, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (listener.accept().unwrap().0, peer)
    }

    #[test]
    fn half_a_message_buys_no_time() {
        let ((stream, mut peer), connections) = (pair(), Connections::new(1));
        let connection = connections.admit(stream).unwrap();
        // Long, so that the test has time; what counts is how much of it the socket is given.
        let idle_timeout = Duration::from_secs(60);
        let patient = Patient::new(&connection, idle_timeout);
        let began = Instant::now();
        let timeout = || connection.as_std().read_timeout().unwrap().unwrap();
        assert!(timeout() >= idle_timeout - idle_timeout / EXACT_ENOUGH);

        // Nothing comes: the read is our stopwatch.
        peer.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        assert!(is_timeout(&peer.read(&mut [0; 1]).unwrap_err()));
        peer.write_all(b"x").unwrap();
        let gone = began.elapsed();
        assert_eq!((&patient).read(&mut [0; 8]).unwrap(), 1);
        // The kernel keeps whole ticks of its clock.
        assert!(timeout() <= idle_timeout - gone + Duration::from_millis(20), "{:?} after {gone:?}", timeout());

        patient.renew();
        peer.write_all(b"x").unwrap();
        assert_eq!((&patient).read(&mut [0; 8]).unwrap(), 1);
        assert!(timeout() > idle_timeout - gone, "{:?}", timeout());
        assert_eq!(patient.carried(), [2, 0]);
    }

    #[test]
    fn who_takes_half_an_answer_has_no_second_timeout() {
        let idle_timeout = Duration::from_millis(500);
        // Once would do; a machine that stops for as long as the timeout gets more chances.
        let in_time = (0..5).any(|_| {
            let ((stream, _peer), connections) = (pair(), Connections::new(1));
            let connection = connections.admit(stream).unwrap();
            let patient = Patient::new(&connection, idle_timeout);
            let began = Instant::now();
            // More than both kernels keep: the first send takes a part of it, when its time is over.
            let error = patient.send(&vec![b'x'; 64 << 20]).unwrap_err();
            assert!(is_timeout(&error) && patient.carried()[1] > 0, "{error}");
            began.elapsed() < 2 * idle_timeout
        });
        assert!(in_time);
    }
}
