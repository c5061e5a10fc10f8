//! The loop of the UDP relay: one thread, one socket in front of each target, one behind for each client.
//!
//! ```text
//!  client A ─┐                     ┌─ socket of flow 1, connected ─┐
//!  client B ─┼─▶ the front socket ─┼─ socket of flow 2, connected ─┼─▶ target      thread "udp relay"
//!  client C ─┘                     └─ socket of flow 3, connected ─┘
//! ```
//! A datagram comes whole or not at all, so nothing waits here: what the kernel does not take is counted as not sent.
//! A client never says goodbye; who has been silent for long is forgotten, and that is a connection's end. Read
//! `tcp.rs` before. Source: RFC 4787 section 4.3 (how long a mapping lives).

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use netcommon::error::OpError;
use netcommon::net::{DATAGRAM_LEN_MAX_V6, UdpSocket};
use netcommon::readiness::{Interest, Key, Readiness, Ready};
use netcommon::shutdown::Shutdown;

use crate::connection::How;
use crate::ledger::TICK;
use crate::missed::NO_PLACE;
use crate::observation::{Counts, Flow, Id, Observation, Proof, Protocol, Side};
use crate::witness::Witness;

/// Clients at once, a descriptor each. Who comes then is refused, and that is counted.
pub const FLOWS_MAX: usize = 1_024;

/// Datagrams that one socket gives before the others have their turn.
const RECEIVES_MAX: usize = 64;

/// Datagrams that the kernel keeps for us while we are busy.
const KERNEL_BUFFER: usize = 1024 * 1024;

/// What one socket is for.
#[derive(Debug)]
enum Role {
    /// Clients send to it: the index of its front.
    Front(usize),
    /// It stands for one client before the target.
    Client(Client),
}

#[derive(Debug)]
struct Client {
    number: u64,
    front: usize,
    addr: SocketAddr,
    last_used: Instant,
    counts: Counts,
    changed: bool,
    /// The last thing that was heard of the target: nobody listens there.
    refused: bool,
}

/// A bound socket with its target.
#[derive(Debug)]
struct Front {
    key: Key,
    addr: SocketAddr,
    target: SocketAddr,
}

/// The relay; [`Relay::run`] is its loop.
#[derive(Debug)]
pub struct Relay {
    fronts: Vec<Front>,
    sockets: Readiness<UdpSocket, Role>,
    clients: HashMap<(usize, SocketAddr), Key>,
    witness: Witness,
    flows: u64,
    refused: u64,
    idle_max: Duration,
    next_tick: Instant,
    buffer: Vec<u8>,
}

impl Relay {
    /// A relay for these bound sockets, each with its target; a client that is silent for `idle_max` is forgotten.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new(fronts: Vec<(UdpSocket, SocketAddr)>, idle_max: Duration, witness: Witness) -> Result<Self, OpError> {
        let broken = |error| OpError::new("watch", "the sockets", error);
        let mut sockets = Readiness::new().map_err(broken)?;
        let mut watched = Vec::new();
        for (index, (front, target)) in fronts.into_iter().enumerate() {
            let addr = front.local_addr().map_err(broken)?;
            front.set_nonblocking(true).map_err(broken)?;
            // A system that gives less loses datagrams in a flood; ours to try, not to insist.
            let _ = front.set_recv_buffer_size(KERNEL_BUFFER);
            let key = sockets.insert(front, Interest::Readable, Role::Front(index)).map_err(broken)?;
            watched.push(Front { key, addr, target });
        }
        Ok(Self {
            fronts: watched,
            sockets,
            clients: HashMap::new(),
            witness,
            flows: 0,
            refused: 0,
            idle_max,
            next_tick: Instant::now() + TICK,
            buffer: vec![0; DATAGRAM_LEN_MAX_V6],
        })
    }

    /// Moves datagrams until `shutdown` asks for the end. `epoll_wait(2)`, `recvfrom(2)`, `sendto(2)`. Blocks until the
    /// token moves.
    ///
    /// # Errors
    /// When the sockets cannot be waited for. A target that is not there ends nothing.
    pub fn run(mut self, shutdown: &Shutdown) -> Result<(), OpError> {
        shutdown.wake_on_drain(self.sockets.waker());
        let mut ready = Vec::new();
        while !shutdown.is_draining() {
            let deadline = Some(self.next_tick);
            self.sockets.wait(deadline, &mut ready).map_err(|error| OpError::new("wait for", "sockets", error))?;
            for &Ready { key, .. } in &ready {
                match self.sockets.get(key) {
                    Some((_, Role::Front(index))) => self.receive_from_clients(*index),
                    Some((_, Role::Client(_))) => self.receive_from_target(key),
                    None => {}
                }
            }
            if self.next_tick <= Instant::now() {
                self.next_tick = Instant::now() + TICK;
                self.look_at_clients();
            }
        }
        self.finish();
        Ok(())
    }

    fn receive_from_clients(&mut self, front: usize) {
        for _ in 0..RECEIVES_MAX {
            let Some((socket, _)) = self.sockets.get(self.fronts[front].key) else { return };
            match socket.recv_from(&mut self.buffer) {
                Ok((len, client)) => {
                    if let Some(key) = self.client(front, client) {
                        self.send_to_target(key, len);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // On Windows the next receive hears that an earlier answer met a closed port.
                Err(error) => log::info!("receive: {error}"),
            }
        }
    }

    fn send_to_target(&mut self, key: Key, len: usize) {
        let Some((socket, Role::Client(client))) = self.sockets.get_mut(key) else { return };
        let bytes = &self.buffer[..len];
        client.came(Side::Client, len);
        let sent = match socket.send(bytes) {
            // The news is of an earlier datagram, and this one has not left: once more.
            Err(error) if is_refused(&error) => {
                client.refused = true;
                socket.send(bytes)
            }
            sent => sent,
        };
        if let Err(error) = sent {
            log::info!("send {len} bytes for {}: {error}", client.addr);
        }
    }

    fn receive_from_target(&mut self, key: Key) {
        for _ in 0..RECEIVES_MAX {
            let Some((socket, Role::Client(client))) = self.sockets.get_mut(key) else { return };
            let len = match socket.recv(&mut self.buffer) {
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => {
                    client.refused |= is_refused(&error);
                    continue;
                }
            };
            client.refused = false;
            let (front, addr) = (client.front, client.addr);
            let Some((socket, _)) = self.sockets.get(self.fronts[front].key) else { return };
            let sent = socket.send_to(&self.buffer[..len], addr);
            let Some((_, Role::Client(client))) = self.sockets.get_mut(key) else { return };
            match sent {
                Ok(len) => client.came(Side::Server, len),
                Err(error) => log::info!("send {len} bytes to {addr}: {error}"),
            }
        }
    }

    /// The socket that stands for a client, made when the client is new; `None` when there is no place for it.
    fn client(&mut self, front: usize, addr: SocketAddr) -> Option<Key> {
        if let Some(key) = self.clients.get(&(front, addr)) {
            return Some(*key);
        }
        if self.clients.len() >= FLOWS_MAX {
            self.has_no_place(addr, &format!("{FLOWS_MAX} clients are here already"));
            return None;
        }
        let number = self.flows + 1;
        let client = Client {
            number,
            front,
            addr,
            last_used: Instant::now(),
            counts: Counts { packets: Some([0; 2]), ..Counts::default() },
            changed: false,
            refused: false,
        };
        let socket = socket_to(self.fronts[front].target);
        match socket.and_then(|socket| self.sockets.insert(socket, Interest::Readable, Role::Client(client))) {
            Ok(key) => {
                self.flows = number;
                self.clients.insert((front, addr), key);
                let Front { addr: server, target, .. } = self.fronts[front];
                let flow = Flow { client: addr, server, target: Some(target) };
                self.witness.tell(Observation::Opened { id: name(number), flow, not_before: None });
                Some(key)
            }
            Err(error) => {
                self.has_no_place(addr, &error.to_string());
                None
            }
        }
    }

    /// Says it once; a flood from many addresses would otherwise flood the log as well.
    fn has_no_place(&mut self, client: SocketAddr, cause: &str) {
        self.refused += 1;
        if self.refused == 1 {
            let what = NO_PLACE.say(&[&client, &cause]);
            self.witness.tell(Observation::Missed { what, at_least: 1 });
        }
    }

    /// Tells the counts that have changed, and forgets who has been silent.
    fn look_at_clients(&mut self) {
        let now = Instant::now();
        let keys: Vec<Key> = self.clients.values().copied().collect();
        for key in keys {
            let Some((_, Role::Client(client))) = self.sockets.get_mut(key) else { continue };
            if std::mem::take(&mut client.changed) {
                let (id, counts) = (name(client.number), client.counts);
                self.witness.tell(Observation::Counted { id, counts });
            } else if now.duration_since(client.last_used) >= self.idle_max {
                let how = if client.refused { How::Refused } else { How::Silent };
                let (id, place) = (name(client.number), (client.front, client.addr));
                self.witness.tell(Observation::Closed { id, how });
                self.clients.remove(&place);
                self.sockets.remove(key);
            }
        }
    }

    fn finish(mut self) {
        self.look_at_clients();
        let (opened, open) = (self.flows, self.clients.len() as u64);
        let (counted_by, listed) = ("proxy (udp)".to_owned(), opened - open);
        self.witness.tell(Observation::Proof(Proof { counted_by, opened, listed, open }));
    }
}

impl Client {
    fn came(&mut self, from: Side, len: usize) {
        self.counts.bytes[from.index()] += len as u64;
        if let Some(packets) = &mut self.counts.packets {
            packets[from.index()] += 1;
        }
        self.changed = true;
        self.last_used = Instant::now();
    }
}

fn name(number: u64) -> Id {
    Id { protocol: Protocol::Udp, number }
}

/// A socket that talks to the target only.
fn socket_to(target: SocketAddr) -> io::Result<UdpSocket> {
    let any_port = match target {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any_port)?;
    socket.connect(target)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Unix says that a connection was refused, Windows that it was reset.
fn is_refused(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset)
}
