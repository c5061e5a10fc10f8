//! A socket that takes and gives many datagrams with one system call, and a clock that starts with it.
//!
//! ```text
//!  send      ┌───────┬───────┬───────┬───┐  one buffer, cut into datagrams by the system (GSO),
//!            └───────┴───────┴───────┴───┘  all as long as the first but for the last
//!  receive   the same the other way (GRO), and up to 32 such buffers at once (recvmmsg)
//! ```
//! One system call for each datagram of 1,400 bytes is what limits a fast link, not the bytes. Where a system
//! has none of this, quinn-udp sends and receives them one by one. It also forbids fragments. While the narration or a
//! capture is told of each call, each datagram has a call of its own. Sources: udp(7) `UDP_SEGMENT` and `UDP_GRO`;
//! RFC 8085 section 3.2 (why not to fragment).

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use netcommon::narrate;
use netcommon::net::UdpSocket;
use netcommon::readiness::{Interest, Key, Readiness, Ready};
use netcommon::shutdown::Waker;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};

/// The longest that one buffer may be: what a system call takes and gives.
pub const BUFFER_LEN: usize = 65_535;

/// Room for a burst in the kernel while this process is busy; the system may give less.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;

/// So many buffers are received at once: 1 MiB, and quick to walk through.
const BUFFERS: usize = if BATCH_SIZE < 16 { BATCH_SIZE } else { 16 };

/// A UDP socket with its buffers.
#[derive(Debug)]
pub struct Endpoint {
    sockets: Readiness<UdpSocket>,
    key: Key,
    /// What takes and gives many at once; `None` while each call is told.
    state: Option<UdpSocketState>,
    received: Vec<u8>,
    ready: Vec<Ready>,
    start: Instant,
}

impl Endpoint {
    /// Takes a bound socket, and starts the clock.
    ///
    /// # Errors
    /// When the system has no descriptors left, or no such options.
    pub fn new(socket: UdpSocket) -> io::Result<Self> {
        let state = if narrate::is_on() {
            socket.set_nonblocking(true)?;
            let _ = socket.set_recv_buffer_size(KERNEL_BUFFER);
            None
        } else {
            let state = UdpSocketState::new(socket.as_std().into())?;
            // Less room is slower, and no error.
            let _ = state.set_recv_buffer_size(socket.as_std().into(), KERNEL_BUFFER);
            let _ = state.set_send_buffer_size(socket.as_std().into(), KERNEL_BUFFER);
            Some(state)
        };
        let mut sockets = Readiness::new()?;
        let key = sockets.insert(socket, Interest::Readable, ())?;
        let received = vec![0; BUFFERS * BUFFER_LEN];
        Ok(Self { sockets, key, state, received, ready: Vec::new(), start: Instant::now() })
    }

    /// How long it is there: the time of both state machines.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// What ends a wait.
    #[must_use]
    pub fn waker(&self) -> Waker {
        self.sockets.waker()
    }

    /// How many datagrams of equal length one call may send.
    #[must_use]
    pub fn batch_max(&self) -> usize {
        self.state.as_ref().map_or(1, UdpSocketState::max_gso_segments)
    }

    /// Waits until a datagram is there, `deadline` is, or the waker was fired: `epoll_wait(2)`.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(&mut self, deadline: Option<Duration>) -> io::Result<()> {
        let deadline = deadline.map(|deadline| self.start + deadline);
        self.sockets.wait(deadline, &mut self.ready)
    }

    /// Hands every datagram that is there to `take`: `recvmmsg(2)`, once. Does not block.
    ///
    /// Returns whether there were any.
    ///
    /// # Errors
    /// The socket is broken; news of somebody's closed port is none.
    pub fn receive(&mut self, mut take: impl FnMut(Duration, SocketAddr, &[u8])) -> io::Result<bool> {
        let (socket, ()) = self.sockets.get(self.key).expect("it is never removed");
        let Some(state) = &self.state else {
            return match socket.recv_from(&mut self.received[..BUFFER_LEN]) {
                Ok((len, peer)) => {
                    take(self.start.elapsed(), peer, &self.received[..len]);
                    Ok(true)
                }
                Err(error) if is_no_failure(&error) => Ok(false),
                Err(error) => Err(error),
            };
        };
        let mut metas = [RecvMeta::default(); BUFFERS];
        let mut buffers = self.received.chunks_exact_mut(BUFFER_LEN).map(IoSliceMut::new);
        let mut buffers: [IoSliceMut<'_>; BUFFERS] = std::array::from_fn(|_| buffers.next().expect("as many as made"));
        let count = match state.recv(socket.as_std().into(), &mut buffers, &mut metas) {
            Ok(count) => count,
            Err(error) if is_no_failure(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        let now = self.start.elapsed();
        for (buffer, meta) in buffers.iter().zip(&metas[..count]) {
            // An empty datagram has a stride of 0.
            for datagram in buffer[..meta.len].chunks(meta.stride.max(1)) {
                take(now, meta.addr, datagram);
            }
        }
        Ok(count > 0)
    }

    /// Sends `bytes`, cut into datagrams of `len` bytes, the last of which may be shorter: `sendmsg(2)`.
    ///
    /// Waits while the kernel has no room. A datagram that cannot be sent is one that is lost: that is what
    /// the protocol is for.
    ///
    /// # Errors
    /// The wait for room failed.
    pub fn send(&mut self, to: SocketAddr, bytes: &[u8], len: usize) -> io::Result<()> {
        loop {
            let (socket, ()) = self.sockets.get(self.key).expect("it is never removed");
            let sent = match &self.state {
                Some(state) => {
                    let segment_size = (bytes.len() > len).then_some(len);
                    let transmit = Transmit { destination: to, ecn: None, contents: bytes, segment_size, src_ip: None };
                    state.try_send(socket.as_std().into(), &transmit)
                }
                // `batch_max` is 1: there is nothing to cut.
                None => socket.send_to(bytes, to).map(drop),
            };
            match sent {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait_for_room()?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    // Among them: too long for this link, which is how a probe ends that was too long.
                    log::debug!("send {} bytes to {to}: {error}", bytes.len());
                    return Ok(());
                }
            }
        }
    }

    fn wait_for_room(&mut self) -> io::Result<()> {
        self.sockets.set_interest(self.key, Interest::Writable)?;
        // No datagram waits so long for its turn; a link that hangs must not hang the program.
        let result = self.sockets.wait(Some(Instant::now() + Duration::from_millis(100)), &mut self.ready);
        self.sockets.set_interest(self.key, Interest::Readable)?;
        result
    }
}

/// Nothing there; a signal; or a port that was closed when something of ours came to it (Windows says so here).
fn is_no_failure(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionRefused, ConnectionReset, Interrupted, WouldBlock};
    matches!(error.kind(), WouldBlock | Interrupted | ConnectionReset | ConnectionRefused)
}
