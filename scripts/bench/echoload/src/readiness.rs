//! Sockets by number, and which of them are ready: a thin owner around the `polling` crate.
//!
//! The one module with `unsafe`, because `polling` asks for it: a source must be taken out of the
//! poller before it is closed. Here the poller and its sockets have one owner, which hands out only
//! shared references (a socket cannot be closed through one) and takes every socket out when it goes.
//! Level-triggered: a socket with bytes left is reported again, so nobody has to read it dry.
#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use polling::{Event, Events, PollMode, Poller};
use socket2::Socket;

/// How many ready sockets one wait reports at most: enough that a wait is shared by many, few enough
/// that the first does not wait long for the last.
const EVENTS_MAX: NonZeroUsize = NonZeroUsize::new(256).expect("256 is not zero");

/// What to wait for on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Bytes, a datagram or the end of the stream.
    Readable,
    /// The end of a `connect(2)` that is under way.
    Writable,
}

/// The sockets of a load generator and their readiness.
#[derive(Debug)]
pub struct Readiness {
    poller: Poller,
    sockets: Vec<Socket>,
    events: Events,
}

impl Readiness {
    /// Without any socket yet (`epoll_create1(2)`).
    ///
    /// # Errors
    ///
    /// When the system has no descriptor left, or no level-triggered readiness.
    pub fn new() -> io::Result<Self> {
        let poller = Poller::new()?;
        if !poller.supports_level() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Self { poller, sockets: Vec::new(), events: Events::with_capacity(EVENTS_MAX) })
    }

    /// Takes a socket in and returns its number: 0 for the first, 1 for the next (`epoll_ctl(2)`).
    ///
    /// # Errors
    ///
    /// When the system refuses to watch it.
    pub fn add(&mut self, socket: Socket, interest: Interest) -> io::Result<usize> {
        let number = self.sockets.len();
        // SAFETY: the socket stays open for as long as it is in the poller: it is moved into
        // `self.sockets` right below, nothing takes it out of there, and `drop` deletes it from the
        // poller first. If adding fails, it was never in.
        unsafe {
            self.poller.add_with_mode(&socket, event(number, interest), PollMode::Level)?;
        }
        self.sockets.push(socket);
        Ok(number)
    }

    /// The socket with this number.
    #[must_use]
    pub fn socket(&self, number: usize) -> &Socket {
        &self.sockets[number]
    }

    /// From now on waits for something else on this socket.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn change(&self, number: usize, interest: Interest) -> io::Result<()> {
        let interest = event(number, interest);
        self.poller.modify_with_mode(&self.sockets[number], interest, PollMode::Level)
    }

    /// From now on waits for nothing on this socket, which stays open.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub fn ignore(&self, number: usize) -> io::Result<()> {
        self.poller.modify_with_mode(&self.sockets[number], Event::none(number), PollMode::Level)
    }

    /// Blocks until a socket is ready or `timeout` is over, and fills `ready` with the numbers of
    /// those that are (`epoll_wait(2)`).
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn wait(&mut self, timeout: Duration, ready: &mut Vec<usize>) -> io::Result<()> {
        ready.clear();
        self.events.clear();
        self.poller.wait(&mut self.events, Some(timeout))?;
        ready.extend(self.events.iter().map(|event| event.key));
        Ok(())
    }
}

impl Drop for Readiness {
    fn drop(&mut self) {
        for socket in &self.sockets {
            // A socket that the system has already dropped from the set needs no second removal.
            let _ = self.poller.delete(socket);
        }
    }
}

fn event(number: usize, interest: Interest) -> Event {
    match interest {
        Interest::Readable => Event::readable(number),
        Interest::Writable => Event::writable(number),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_socket_with_bytes_left_is_reported_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let mut readiness = Readiness::new().unwrap();
        let number = readiness.add(stream.into(), Interest::Readable).unwrap();
        let mut ready = Vec::new();
        readiness.wait(Duration::ZERO, &mut ready).unwrap();
        assert!(ready.is_empty());
        peer.write_all("早安".as_bytes()).unwrap();
        for _ in 0..2 {
            readiness.wait(Duration::from_secs(5), &mut ready).unwrap();
            assert_eq!(ready, [number]);
        }
        readiness.ignore(number).unwrap();
        readiness.wait(Duration::ZERO, &mut ready).unwrap();
        assert!(ready.is_empty());
    }
}
