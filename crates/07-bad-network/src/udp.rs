//! The loop that moves datagrams: one thread, one socket in front, one behind for each client.
//!
//! ```text
//!  client A ─┐                     ┌─ socket of flow 1, connected ─┐
//!  client B ─┼─▶ the front socket ─┼─ socket of flow 2, connected ─┼─▶ target
//!  client C ─┘   HOST:PORT         └─ socket of flow 3, connected ─┘
//!
//! thread "main"      waits until a socket is readable or a datagram is due; woken by the token
//! thread "ctrl-c"    waits for a signal       advances the token (made by the ctrlc crate)
//! thread "console"   waits for lines          ended by Console::finish
//! ```
//! To the target each client looks like a client of its own, so its answers find their way back. What
//! happens to a datagram is decided in `network.rs`: read that before. A connected socket also hears of
//! ICMP's "port unreachable": RFC 1122 section 4.1.3.3.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use netcommon::error::OpError;
use netcommon::net::{DATAGRAM_LEN_MAX_V6, UdpSocket};
use netcommon::readiness::{Interest, Key, Readiness, Ready};
use netcommon::shutdown::Shutdown;

use crate::chance::Direction;
use crate::event::{Event, Voice};
use crate::log::Log;
use crate::network::{Delivery, Network};
use crate::totals::{Summary, Totals};

mod clients;

/// Clients at once, a descriptor each: as many as a program may open on most systems without asking.
pub const FLOWS_MAX: usize = 900;

/// A client that is silent for so long, and not answered, is forgotten: twice what NAT devices keep at
/// least (RFC 4787 REQ-5 wants two minutes; programs that care send more often).
pub const IDLE_MAX: Duration = Duration::from_secs(240);

/// So many datagrams are taken from one socket before others have their turn.
const RECEIVES_MAX: usize = 64;

/// Room for bursts in the kernel; the system may give less.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;

/// A delivery counts as late behind this.
const LATE: Duration = Duration::from_millis(1);

/// After so many failed waits or receives without a success between them the front socket is broken.
const FAILURES_MAX: u32 = 100;

/// What clients may take of this program.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Clients at once.
    pub flows_max: usize,
    /// How long a silent one is remembered.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { flows_max: FLOWS_MAX, idle: IDLE_MAX }
    }
}

/// What one socket is for.
#[derive(Debug)]
enum Role {
    /// Clients send to it.
    Front,
    /// It stands for one client before the target.
    Client { flow: u64, addr: SocketAddr, last_used: Duration },
}

/// The relay; [`Relay::run`] is its loop.
#[derive(Debug)]
pub struct Relay {
    network: Network,
    sockets: Readiness<UdpSocket, Role>,
    front: Key,
    target: SocketAddr,
    by_addr: HashMap<SocketAddr, Key>,
    by_flow: HashMap<u64, Key>,
    flows: u64,
    start: Instant,
    totals: [Totals; 2],
    log: Log,
    voice: Voice,
    /// Said, and not to be said again until it has changed.
    target_gone: bool,
    no_place: bool,
    /// Datagrams of clients for whom there was no place.
    refused: u64,
    limits: Limits,
    /// The totals that the live line shows.
    shown: [Totals; 2],
    /// Nobody is forgotten before this.
    next_look_for_idle: Duration,
    buffer: Vec<u8>,
}

impl Relay {
    /// A relay from `front`, a bound socket, to `target`.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new(
        front: UdpSocket,
        target: SocketAddr,
        network: Network,
        log: Log,
        voice: Voice,
        limits: Limits,
    ) -> Result<Self, OpError> {
        let broken = |error| OpError::new("watch", target, error);
        front.set_nonblocking(true).map_err(broken)?;
        // A system that gives less says so by losing datagrams that it counts; ours to try, not to insist.
        let _ = front.set_recv_buffer_size(KERNEL_BUFFER);
        let mut sockets = Readiness::new().map_err(broken)?;
        let front = sockets.insert(front, Interest::Readable, Role::Front).map_err(broken)?;
        Ok(Self {
            network,
            sockets,
            front,
            target,
            by_addr: HashMap::new(),
            by_flow: HashMap::new(),
            flows: 0,
            start: Instant::now(),
            totals: [Totals::default(); 2],
            log,
            voice,
            target_gone: false,
            no_place: false,
            refused: 0,
            limits,
            shown: [Totals::default(); 2],
            next_look_for_idle: limits.idle,
            buffer: vec![0; DATAGRAM_LEN_MAX_V6],
        })
    }

    /// Moves datagrams until `shutdown` asks for the end, then delivers for at most `grace` what is on its
    /// way; returns what was counted, up and down.
    ///
    /// `epoll_wait(2)`, `recvfrom(2)`, `recv(2)`, `send(2)`, `sendto(2)`. Blocks until the token moves.
    ///
    /// # Errors
    /// When the front socket or the log breaks. A target that is not there ends nothing.
    // ANCHOR: run
    pub fn run(mut self, grace: Duration, shutdown: &Shutdown) -> Result<Summary, OpError> {
        shutdown.wake_on_drain(self.sockets.waker());
        let mut ready = Vec::new();
        let mut end = None;
        loop {
            self.deliver_due()?;
            if shutdown.is_draining() {
                let end = *end.get_or_insert_with(|| self.stop_receiving(grace, shutdown));
                if self.network.waiting().0 == 0 || shutdown.is_cutting() || self.now() >= end {
                    break;
                }
            }
            self.log.flush()?;
            let deadline = self.next_moment(end);
            self.sockets.wait(deadline, &mut ready).map_err(|error| OpError::new("wait for", self.target, error))?;
            for &Ready { key, .. } in &ready {
                if key == self.front { self.receive_from_clients()? } else { self.receive_from_target(key)? }
            }
            self.forget_idle();
            self.show();
        }
        shutdown.settle();
        self.finish()
    }
    // ANCHOR_END: run

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Until when nothing has to be done unless a datagram comes.
    fn next_moment(&self, end: Option<Duration>) -> Option<Instant> {
        let idle = (!self.by_addr.is_empty()).then_some(self.next_look_for_idle);
        let due = [self.network.next_due(), idle, end].into_iter().flatten().min().map(|due| self.start + due);
        let live = self.voice.live_due(self.totals != self.shown);
        [due, live].into_iter().flatten().min()
    }

    /// Takes what clients have sent, for a while.
    fn receive_from_clients(&mut self) -> Result<(), OpError> {
        let mut failures = 0;
        for _ in 0..RECEIVES_MAX {
            let Some((front, _)) = self.sockets.get(self.front) else { return Ok(()) };
            match front.recv_from(&mut self.buffer) {
                Ok((len, client)) => {
                    failures = 0;
                    if let Some(flow) = self.flow_of(client) {
                        self.pass_on(flow, Direction::Up, len)?;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // On Windows the next receive hears that an earlier answer met a closed port.
                Err(error) => {
                    failures += 1;
                    if failures >= FAILURES_MAX {
                        return Err(OpError::new("receive for", self.target, error));
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes what the target has sent to one client, for a while.
    fn receive_from_target(&mut self, key: Key) -> Result<(), OpError> {
        for _ in 0..RECEIVES_MAX {
            let now = self.now();
            let Some((socket, Role::Client { flow, last_used, .. })) = self.sockets.get_mut(key) else {
                return Ok(());
            };
            match socket.recv(&mut self.buffer) {
                Ok(len) => {
                    let flow = *flow;
                    *last_used = now;
                    self.target_is_back();
                    self.pass_on(flow, Direction::Down, len)?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => self.target_is_gone(&error),
            }
        }
        Ok(())
    }

    /// Hands the first `len` bytes of the buffer to the network, and sends what leaves at once.
    // ANCHOR: pass_on
    fn pass_on(&mut self, flow: u64, direction: Direction, len: usize) -> Result<(), OpError> {
        self.deliver_due()?;
        let now = self.now();
        let arrival = self.network.arrive(now, flow, direction, &mut self.buffer[..len]);
        self.totals[direction.index()].count_in(&arrival.record);
        self.log.write(&arrival.record)?;
        if arrival.leaves_now {
            let sent = self.send(flow, direction, &self.buffer[..len]);
            self.count_sent(direction, len, sent);
        }
        self.deliver_due()
    }
    // ANCHOR_END: pass_on

    fn deliver_due(&mut self) -> Result<(), OpError> {
        while self.network.next_due().is_some() {
            let now = self.now();
            let Some(Delivery { due, flow, direction, bytes }) = self.network.take_due(now) else { break };
            let sent = self.send(flow, direction, &bytes);
            self.totals[direction.index()].late += u64::from(now > due + LATE);
            self.count_sent(direction, bytes.len(), sent);
        }
        Ok(())
    }

    /// Sends one datagram to the target in the client's name, or back to the client.
    fn send(&self, flow: u64, direction: Direction, bytes: &[u8]) -> io::Result<usize> {
        let socket = self.by_flow.get(&flow).and_then(|key| self.sockets.get(*key));
        let Some((socket, Role::Client { addr, .. })) = socket else { return Err(ErrorKind::NotConnected.into()) };
        if direction == Direction::Down {
            let (front, _) = self.sockets.get(self.front).ok_or(ErrorKind::NotConnected)?;
            return front.send_to(bytes, *addr);
        }
        match socket.send(bytes) {
            // The news is of an earlier datagram, and this one has not left: once more.
            Err(error) if is_refused(&error) => socket.send(bytes),
            sent => sent,
        }
    }

    fn count_sent(&mut self, direction: Direction, len: usize, sent: io::Result<usize>) {
        match sent {
            Ok(_) => self.totals[direction.index()].count_out(len),
            Err(error) => {
                self.totals[direction.index()].not_sent += 1;
                log::info!("send {len} bytes {}: {error}", direction.name());
                if direction == Direction::Up {
                    self.target_is_gone(&error);
                }
            }
        }
    }
}

/// Unix says that a connection was refused, Windows that it was reset.
fn is_refused(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset)
}
