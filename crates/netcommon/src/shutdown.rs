//! Graceful shutdown: one cloneable token, moved by Ctrl-C, SIGTERM or a test.
//!
//! ```text
//! Running ──first Ctrl-C──▶ Draining ──second Ctrl-C, or the grace period ends──▶ Cutting
//!   accept, serve             no new client; finish answers                          close everything
//! ```
//!
//! A stage that is reached is a channel whose sender was dropped, so a thread that waits in `select!`
//! wakes; a loop that looks in passing reads a number. A thread that is blocked in the kernel needs a
//! [`Waker`] (`accept`, `recv_from`) or the `Shutdown::Read` of [`crate::connections`] (`recv`).
//! Source: crossbeam-channel, "Disconnection".

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::net::{TcpListener, TcpStream, UdpSocket};

/// Ends when its stage is reached; never delivers anything. For `select!` and `recv_timeout`.
pub type StageReached = Receiver<Infallible>;

/// The token: clones share one state.
///
/// # Examples
/// ```
/// use netcommon::shutdown::Shutdown;
///
/// let shutdown = Shutdown::new();
/// assert!(!shutdown.is_draining());
/// shutdown.advance();
/// assert!(shutdown.is_draining() && !shutdown.is_cutting());
/// ```
#[derive(Debug, Clone)]
pub struct Shutdown {
    draining: StageReached,
    cutting: StageReached,
    /// [`RUNNING`], [`DRAINING`] or [`CUTTING`]: a server looks before each message, and a channel is a lock.
    stage: Arc<AtomicU8>,
    inner: Arc<Mutex<Inner>>,
}

const RUNNING: u8 = 0;
const DRAINING: u8 = 1;
const CUTTING: u8 = 2;

#[derive(Debug)]
struct Inner {
    /// Dropped one by one: first the sender of `draining`, then that of `cutting`.
    stages: Vec<Sender<Infallible>>,
    /// Woken once, when the next stage begins.
    wakers: Vec<Waker>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// A token that only [`Shutdown::advance`] moves: for tests, and for servers inside a program.
    #[must_use]
    pub fn new() -> Self {
        let (drain, draining) = bounded(0);
        let (cut, cutting) = bounded(0);
        let inner = Inner { stages: vec![cut, drain], wakers: Vec::new() };
        Self { draining, cutting, stage: Arc::new(AtomicU8::new(RUNNING)), inner: Arc::new(Mutex::new(inner)) }
    }

    /// A token that each Ctrl-C, SIGTERM or SIGHUP advances by one stage.
    ///
    /// `sigaction(2)` on Unix, `SetConsoleCtrlHandler` on Windows; a thread of the ctrlc crate waits for
    /// the signal. Does not block.
    ///
    /// # Errors
    /// When the process has such a handler already.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::new();
        let token = shutdown.clone();
        ctrlc::set_handler(move || token.advance()).map_err(io::Error::other)?;
        Ok(shutdown)
    }

    /// Goes to the next stage: from running to draining, from draining to cutting. Does not block.
    pub fn advance(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        // The number before the channel: whoever wakes finds the stage reached. Nobody else writes it meanwhile.
        let next = if self.is_draining() { CUTTING } else { DRAINING };
        self.stage.store(next, Ordering::Release);
        drop(inner.stages.pop());
        inner.wakers.drain(..).for_each(Waker::wake);
    }

    /// Waits until an [`Shutdown::advance`] in progress has fired its wakers.
    ///
    /// A server that was woken calls this before it returns: otherwise the process may end under the
    /// thread that woke it, between the call that wakes and the line that narrates it.
    pub fn settle(&self) {
        drop(self.inner.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether the end has been asked for.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.stage.load(Ordering::Acquire) >= DRAINING
    }

    /// Whether it has been asked for twice.
    #[must_use]
    pub fn is_cutting(&self) -> bool {
        self.stage.load(Ordering::Acquire) >= CUTTING
    }

    /// Ends when draining begins, for `select!`.
    #[must_use]
    pub fn draining(&self) -> &StageReached {
        &self.draining
    }

    /// Ends when cutting begins, for `select!`.
    #[must_use]
    pub fn cutting(&self) -> &StageReached {
        &self.cutting
    }

    /// Fires `waker` when draining begins; at once if it has begun.
    pub fn wake_on_drain(&self, waker: Waker) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_draining() {
            waker.wake();
        } else {
            // A client that connects again and again would otherwise pile them up.
            inner.wakers.retain(Waker::is_needed);
            inner.wakers.push(waker);
        }
    }

    /// Fires `waker` when cutting begins; at once if it has begun. Call it when draining has begun.
    pub fn wake_on_cut(&self, waker: Waker) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_cutting() {
            waker.wake();
        } else {
            inner.wakers.push(waker);
        }
    }

    /// How many threads would be woken, so that a test can wait until one waits.
    #[cfg(test)]
    pub(crate) fn waker_count(&self) -> usize {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).wakers.len()
    }
}

/// Ends a blocked `accept` or `recv_from` by giving it something: a connection or a datagram from ourselves.
///
/// That works on every system, where closing or shutting down the listener works on some. Its socket
/// is made in advance, because at the moment of need the process may have no descriptor left. A thread
/// that waits in a [`polling::Poller`] is notified instead, and one that reads from a stream finds its end.
#[derive(Debug)]
pub struct Waker(Way);

#[derive(Debug)]
enum Way {
    Stream {
        spare: TcpStream,
        target: SocketAddr,
    },
    Datagram {
        spare: UdpSocket,
        target: SocketAddr,
    },
    /// Weak: a wait that is over must not keep its poller's descriptors open.
    Poller(Weak<polling::Poller>),
    /// Weak for the same reason.
    Reader(Weak<TcpStream>),
}

impl Waker {
    /// For a thread that waits in `accept` on `listener`.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn for_listener(listener: &TcpListener) -> io::Result<Self> {
        let target = listener.loopback_addr()?;
        Ok(Self(Way::Stream { spare: TcpStream::unconnected(target)?, target }))
    }

    /// For a thread that waits in `recv_from` on `socket`.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn for_udp_socket(socket: &UdpSocket) -> io::Result<Self> {
        let target = socket.loopback_addr()?;
        let spare = UdpSocket::bind(SocketAddr::new(target.ip(), 0))?;
        spare.set_nonblocking(true)?;
        Ok(Self(Way::Datagram { spare, target }))
    }

    /// For a thread that waits in `poller`; holds it only as long as the thread does.
    #[must_use]
    pub fn for_poller(poller: &Arc<polling::Poller>) -> Self {
        Self(Way::Poller(Arc::downgrade(poller)))
    }

    /// For a thread that waits in `recv` or `send` on `stream`; it then finds both directions ended.
    #[must_use]
    pub fn for_stream(stream: &Arc<TcpStream>) -> Self {
        Self(Way::Reader(Arc::downgrade(stream)))
    }

    /// Whether the thread that it is for may still wait.
    fn is_needed(&self) -> bool {
        match &self.0 {
            Way::Stream { .. } | Way::Datagram { .. } => true,
            Way::Poller(poller) => poller.strong_count() > 0,
            Way::Reader(stream) => stream.strong_count() > 0,
        }
    }

    /// Wakes the thread. Does not block, and a failure is none: if the connection or the datagram finds no
    /// room, then others are waiting, and the thread is not.
    fn wake(self) {
        match &self.0 {
            Way::Stream { spare, target } => drop(spare.connect_soon(*target)),
            Way::Datagram { spare, target } => drop(spare.send_to(&[], *target)),
            Way::Poller(poller) => {
                if let Some(poller) = poller.upgrade() {
                    let _ = poller.notify();
                }
            }
            Way::Reader(stream) => {
                if let Some(stream) = stream.upgrade() {
                    let _ = stream.shutdown(std::net::Shutdown::Both);
                }
            }
        }
    }
}
