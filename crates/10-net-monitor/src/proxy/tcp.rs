//! The loop of the TCP relay: one thread, all listeners, two sockets for each connection.
//!
//! ```text
//!              ┌─ lane ──▶─┐
//!  client ── stream      stream ── target          thread "tcp relay": waits until a socket is ready,
//!              └─◀── lane ─┘                       the next tick, or the token
//! ```
//! What it sees goes to the witness: each beginning and end at once, counts once a second and before the end. Read
//! `lane.rs` before, `connection.rs` for one connection's life. Source: UNP chapter 16 (non-blocking I/O).

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use netcommon::accept::{AfterError, after_error};
use netcommon::error::OpError;
use netcommon::net::{TcpListener, TcpStream};
use netcommon::readiness::{Interest, Key, Readiness, Ready, TcpSocket};
use netcommon::shutdown::Shutdown;

use crate::ledger::TICK;
use crate::observation::{Id, Observation, Proof, Protocol, Side};
use crate::proxy::connection::Connection;
use crate::proxy::lane::Tools;
use crate::witness::Witness;

/// When descriptors are used up and no connection of ours can end, accept is tried again after this.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// So many clients are accepted before others have their turn.
const ACCEPTS_MAX: usize = 64;

/// A listener with its target.
#[derive(Debug)]
pub(super) struct Front {
    key: Option<Key>,
    /// The address that clients connect to.
    pub(super) addr: SocketAddr,
    /// The target's addresses, at least one.
    pub(super) targets: Vec<SocketAddr>,
    /// Which of them has answered last: the next client's is asked first.
    pub(super) preferred: usize,
    /// For the next client's target: nobody is accepted for whom the second descriptor is not there.
    pub(super) spare: Option<TcpStream>,
}

/// What one socket is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Role {
    Listener(usize),
    /// One end of a connection.
    End(u64, Side),
}

/// The relay; [`Relay::run`] is its loop.
#[derive(Debug)]
pub struct Relay {
    pub(super) fronts: Vec<Front>,
    pub(super) sockets: Readiness<TcpSocket, Role>,
    pub(super) connections: HashMap<u64, Connection>,
    pub(super) tools: Tools,
    pub(super) witness: Witness,
    /// Until when an attempt to connect may take; all take as long, so the first one is due first.
    pub(super) connecting: VecDeque<(Instant, u64)>,
    /// Connections whose counts have changed since the last tick.
    pub(super) changed: Vec<u64>,
    pub(super) accepted: u64,
    pub(super) listed: u64,
    connections_max: usize,
    /// Nobody is accepted until then, or until a connection ends.
    accept_again: Option<Instant>,
    paused: bool,
    next_tick: Instant,
    pub(super) draining: bool,
}

impl Relay {
    /// A relay for these listeners, each with the addresses of its target: at least one, tried in turn.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new(
        fronts: Vec<(TcpListener, Vec<SocketAddr>)>,
        connections_max: usize,
        witness: Witness,
    ) -> Result<Self, OpError> {
        let broken = |error| OpError::new("watch", "the listeners", error);
        let mut sockets = Readiness::new().map_err(broken)?;
        let mut watched = Vec::new();
        for (index, (listener, targets)) in fronts.into_iter().enumerate() {
            let addr = listener.local_addr().map_err(broken)?;
            listener.set_nonblocking(true).map_err(broken)?;
            let socket = TcpSocket::Listener(listener);
            let key = sockets.insert(socket, Interest::Readable, Role::Listener(index)).map_err(broken)?;
            watched.push(Front { key: Some(key), addr, targets, preferred: 0, spare: None });
        }
        Ok(Self {
            fronts: watched,
            sockets,
            connections: HashMap::new(),
            tools: Tools::new(),
            witness,
            connecting: VecDeque::new(),
            changed: Vec::new(),
            accepted: 0,
            listed: 0,
            connections_max,
            accept_again: None,
            paused: false,
            next_tick: Instant::now() + TICK,
            draining: false,
        })
    }

    /// Moves bytes until `shutdown` asks for the end; then no client is read from any more, and the servers' last
    /// answers have `grace` to arrive. Returns how many connections were cut.
    ///
    /// `epoll_wait(2)`, `accept(2)`, `recv(2)`, `send(2)`, `splice(2)`, `shutdown(2)`. Blocks until the token moves.
    ///
    /// # Errors
    /// When a listener breaks. A target that is not there ends nothing.
    pub fn run(mut self, grace: Duration, shutdown: &Shutdown) -> Result<u64, OpError> {
        shutdown.wake_on_drain(self.sockets.waker());
        let mut ready = Vec::new();
        let mut end = None;
        loop {
            let now = Instant::now();
            self.look_at_the_clock(now);
            if shutdown.is_draining() {
                if end.is_none() {
                    end = Some(now + grace);
                    shutdown.wake_on_cut(self.sockets.waker());
                    self.drain();
                }
                if self.connections.is_empty() || shutdown.is_cutting() || end <= Some(now) {
                    break;
                }
            }
            let due = self.connecting.front().map(|(due, _)| *due);
            let deadline = [Some(self.next_tick), end, due, self.accept_again].into_iter().flatten().min();
            self.sockets.wait(deadline, &mut ready).map_err(|error| OpError::new("wait for", "sockets", error))?;
            for &event in &ready {
                self.take(event)?;
            }
        }
        Ok(self.finish())
    }

    fn look_at_the_clock(&mut self, now: Instant) {
        if self.accept_again.is_some_and(|again| again <= now) {
            self.watch_listeners();
        }
        self.give_up_connecting(now);
        if self.next_tick <= now {
            self.next_tick = now + TICK;
            for id in std::mem::take(&mut self.changed) {
                self.tell_counts(id);
            }
        }
    }

    /// One report of the system.
    fn take(&mut self, Ready { key, writable, .. }: Ready) -> Result<(), OpError> {
        // It may have been removed since, together with the other end.
        let Some((_, role)) = self.sockets.get(key) else { return Ok(()) };
        match *role {
            Role::Listener(index) => self.accept_clients(index),
            Role::End(id, side) => {
                self.end_is_ready(id, side, writable);
                Ok(())
            }
        }
    }

    fn accept_clients(&mut self, index: usize) -> Result<(), OpError> {
        for _ in 0..ACCEPTS_MAX {
            if self.connections.len() >= self.connections_max {
                self.pause_accepting(None);
                return Ok(());
            }
            if let Err(error) = self.prepare_spare(index)
                && after_error(&error) == AfterError::WaitForRoom
            {
                self.pause_accepting(Some(&error));
                return Ok(());
            }
            let socket = self.fronts[index].key.and_then(|key| self.sockets.get(key));
            let Some((TcpSocket::Listener(listener), _)) = socket else { return Ok(()) };
            match listener.accept() {
                Ok((client, addr)) => self.begin(index, client, addr),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.paused = false;
                    return Ok(());
                }
                Err(error) => match listener.after_error(&error) {
                    AfterError::AcceptNext => log::info!("accept: {error}"),
                    AfterError::WaitForRoom => {
                        self.pause_accepting(Some(&error));
                        return Ok(());
                    }
                    AfterError::Stop => return Err(OpError::new("accept on", self.fronts[index].addr, error)),
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
    pub(super) fn prepare_spare(&mut self, index: usize) -> io::Result<()> {
        let front = &mut self.fronts[index];
        if front.spare.is_none() {
            front.spare = Some(TcpStream::unconnected(front.targets[front.preferred])?);
        }
        Ok(())
    }

    /// Leaves clients in the kernel's backlog for a while; watching them would only spin.
    pub(super) fn pause_accepting(&mut self, short_of: Option<&io::Error>) {
        self.set_listeners(Interest::Nothing);
        self.accept_again = short_of.map(|_| Instant::now() + ACCEPT_PAUSE);
        if !self.paused {
            self.paused = true;
            let of = short_of.map(|error| format!(" ({error})")).unwrap_or_default();
            let count = self.connections.len();
            log::warn!("{count} connections are open{of}; the next ones wait in the backlog");
        }
    }

    pub(super) fn watch_listeners(&mut self) {
        self.accept_again = None;
        if !self.set_listeners(Interest::Readable) {
            self.accept_again = Some(Instant::now() + ACCEPT_PAUSE);
        }
    }

    fn set_listeners(&mut self, interest: Interest) -> bool {
        let keys: Vec<Key> = self.fronts.iter().filter_map(|front| front.key).collect();
        keys.into_iter().all(|key| self.sockets.set_interest(key, interest).is_ok())
    }

    pub(super) fn has_room(&self) -> bool {
        self.connections.len() < self.connections_max
    }

    /// No new clients, and the clients have said their last word.
    fn drain(&mut self) {
        self.draining = true;
        self.accept_again = None;
        for front in &mut self.fronts {
            front.spare = None;
            if let Some(key) = front.key.take() {
                self.sockets.remove(key);
            }
        }
        let ids: Vec<u64> = self.connections.keys().copied().collect();
        for id in ids {
            self.end_reading(id);
        }
    }

    /// Cuts what is left; the ledger writes it as still open.
    fn finish(mut self) -> u64 {
        let open = self.connections.len() as u64;
        let ids: Vec<u64> = self.connections.keys().copied().collect();
        for id in ids {
            self.tell_counts(id);
            self.reset_both(id);
        }
        let (counted_by, opened, listed) = ("proxy (tcp)".to_owned(), self.accepted, self.listed);
        self.witness.tell(Observation::Proof(Proof { counted_by, opened, listed, open }));
        open
    }
}

pub(super) fn name(id: u64) -> Id {
    Id { protocol: Protocol::Tcp, number: id }
}

pub(super) fn stream(socket: &TcpSocket) -> Option<&TcpStream> {
    match socket {
        TcpSocket::Stream(stream) => Some(stream),
        TcpSocket::Listener(_) => None,
    }
}
