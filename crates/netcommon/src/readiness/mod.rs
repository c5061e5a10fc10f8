//! Many sockets on one thread: which of them can be read or written without waiting.
//!
//! ```text
//! insert ──▶ Key ──▶ wait ──▶ Ready { key, readable, writable } ──▶ get ──▶ remove ──▶ the socket again
//! ```
//!
//! `polling` asks the system on Linux (epoll), macOS (kqueue) and Windows (IOCP). Its `add` is `unsafe`: a
//! socket must leave the poller before it is closed, or the poller might speak of a number that by then
//! belongs to another socket. [`Readiness`] owns its sockets, so it keeps that promise for everybody; this
//! is the only module of the workspace with `unsafe`, and the proof stands beside it. Read `source.rs`
//! (what can be watched) next. Source: epoll(7), kqueue(2).
#![allow(unsafe_code)] // `Poller::add`; no safe crate waits for sockets on Linux, macOS and Windows.

#[cfg(target_os = "linux")]
mod alarm;
#[cfg(target_os = "linux")]
mod direct;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use polling::{Event, Events, PollMode, Poller};

pub use self::source::{Source, TcpSocket};
use crate::narrate::{self, Call, Outcome};
use crate::net::fd_of;
use crate::shutdown::Waker;

/// How many sockets one wait reports at most; the others are reported by the next one.
const EVENTS_MAX: NonZeroUsize = NonZeroUsize::new(1024).expect("1024 is not 0");

/// The name of a watched socket: never given to another one, also when its place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    index: u32,
    /// How often the place had been emptied when this socket came.
    generation: u32,
}

/// What to wait for on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Nothing, not even an error: the socket is kept, and the system is not asked about it.
    Nothing,
    /// Bytes, a datagram, a client to accept, or the end of the stream.
    Readable,
    /// Room to send, or the end of an attempt to connect.
    Writable,
    /// Either.
    Both,
}

/// A socket that need not wait.
///
/// After an error, and when the peer has closed both ways, both are set whatever the interest was: the
/// next call on the socket says which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// Which socket; it may have been removed since the wait.
    pub key: Key,
    /// `recv` or `accept` would return at once.
    pub readable: bool,
    /// `send` would return at once, or a connect has ended.
    pub writable: bool,
}

/// Sockets that are watched together, each with what its owner wants to remember of it.
///
/// # Examples
/// ```
/// use netcommon::net::UdpSocket;
/// use netcommon::readiness::{Interest, Readiness};
/// use std::time::{Duration, Instant};
///
/// let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap())?;
/// let addr = socket.local_addr()?;
/// let (mut sockets, mut ready) = (Readiness::new()?, Vec::new());
/// let key = sockets.insert(socket, Interest::Readable, "小明")?;
///
/// UdpSocket::bind("127.0.0.1:0".parse().unwrap())?.send_to(b"hello", addr)?;
/// sockets.wait(Some(Instant::now() + Duration::from_secs(5)), &mut ready)?;
/// assert_eq!(ready[0].key, key);
/// assert_eq!(sockets.get(key).map(|(_, name)| *name), Some("小明"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Readiness<S: Source, T = ()> {
    poller: Arc<Poller>,
    mode: PollMode,
    #[cfg(target_os = "linux")]
    direct: direct::Direct,
    events: Events,
    places: Vec<Place<S, T>>,
    /// Indices of empty places, the last one emptied on top: its memory is still warm.
    empty: Vec<u32>,
    /// In oneshot mode: reported, so the poller has forgotten them until they are armed again.
    disarmed: Vec<Key>,
}

struct Place<S, T> {
    generation: u32,
    watched: Option<Watched<S, T>>,
}

struct Watched<S, T> {
    socket: S,
    /// As the poller knows it; not in the poller at all while it is [`Interest::Nothing`].
    interest: Interest,
    state: T,
}

impl<S: Source, T> Readiness<S, T> {
    /// Watches nothing yet: `epoll_create1(2)`, `kqueue(2)`.
    ///
    /// # Errors
    /// When no descriptor is left; on Linux it takes four.
    pub fn new() -> io::Result<Self> {
        let poller = Poller::new()?;
        // Level mode asks for no call while nothing changes; all three systems of the course have it.
        let mode = if poller.supports_level() { PollMode::Level } else { PollMode::Oneshot };
        Self::with(poller, mode)
    }

    fn with(poller: Poller, mode: PollMode) -> io::Result<Self> {
        Ok(Self {
            mode,
            #[cfg(target_os = "linux")]
            direct: direct::Direct::new(&poller, EVENTS_MAX.get())?,
            poller: Arc::new(poller),
            events: Events::with_capacity(EVENTS_MAX),
            places: Vec::new(),
            empty: Vec::new(),
            disarmed: Vec::new(),
        })
    }

    /// What ends a [`Readiness::wait`] from another thread, for [`crate::shutdown::Shutdown::wake_on_drain`].
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker::for_poller(&self.poller)
    }

    /// Takes a socket, to be watched for `interest`: `epoll_ctl(2)`. Does not block.
    ///
    /// Make the socket non-blocking first: between the report and the call somebody else may have taken
    /// what was there.
    ///
    /// # Errors
    /// When the system has no room left for it; the socket is closed then.
    pub fn insert(&mut self, socket: S, interest: Interest, state: T) -> io::Result<Key> {
        let index = self.empty.last().copied().unwrap_or_else(|| next_index(&self.places));
        self.watch(&socket, index, Interest::Nothing, interest)?;
        let watched = Some(Watched { socket, interest, state });
        match self.empty.pop() {
            Some(_) => self.places[index as usize].watched = watched,
            None => self.places.push(Place { generation: 0, watched }),
        }
        Ok(Key { index, generation: self.places[index as usize].generation })
    }

    /// The socket and its state, unless it has been removed.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<(&S, &T)> {
        self.watched(key).map(|watched| (&watched.socket, &watched.state))
    }

    /// The socket and its state to change, unless it has been removed.
    ///
    /// The socket itself is shared only, so that it cannot be swapped for another behind the poller's back.
    #[must_use]
    pub fn get_mut(&mut self, key: Key) -> Option<(&S, &mut T)> {
        let place = self.places.get_mut(key.index as usize).filter(|place| place.generation == key.generation)?;
        place.watched.as_mut().map(|watched| (&watched.socket, &mut watched.state))
    }

    /// Waits for something else on this socket from now on: `epoll_ctl(2)`, or nothing when nothing changes.
    ///
    /// A key whose socket has been removed is ignored.
    ///
    /// # Errors
    /// When the system has no room left for it; it is watched as before then.
    pub fn set_interest(&mut self, key: Key, interest: Interest) -> io::Result<()> {
        if let Some(watched) = self.watched(key)
            && watched.interest != interest
        {
            self.watch(&watched.socket, key.index, watched.interest, interest)?;
            self.places[key.index as usize].watched.as_mut().expect("it was there above").interest = interest;
        }
        Ok(())
    }

    /// Gives the socket and its state back, out of the poller: `epoll_ctl(2)`. The key is never valid again.
    pub fn remove(&mut self, key: Key) -> Option<(S, T)> {
        let place = self.places.get_mut(key.index as usize).filter(|place| place.generation == key.generation)?;
        let Watched { socket, interest, state } = place.watched.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.empty.push(key.index);
        unwatch(&self.poller, &socket, interest);
        Some((socket, state))
    }

    /// How many sockets there are, also those of [`Interest::Nothing`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len() - self.empty.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The keys of all sockets, for a server that ends.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        let used = (0..).zip(&self.places).filter(|(_, place)| place.watched.is_some());
        used.map(|(index, place)| Key { index, generation: place.generation })
    }

    /// Waits until a socket is ready, `deadline` is there or the waker has been fired: `epoll_wait(2)`.
    ///
    /// Fills `ready`, whose old contents go, in the order in which the system tells; empty when the time is
    /// up or after a wake. A socket that stays ready is reported by every wait. Blocks.
    ///
    /// # Errors
    /// What the system says; a signal is no error.
    pub fn wait(&mut self, deadline: Option<Instant>, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        self.arm_again()?;
        // Only what is in the poller is reported, so the place still belongs to the socket that is meant.
        let report = |(index, readable, writable): (usize, bool, bool)| {
            let key = Key { index: u32::try_from(index).ok()?, generation: self.places.get(index)?.generation };
            Some(Ready { key, readable, writable })
        };
        #[cfg(target_os = "linux")]
        let deadline = match self.direct.wait(&self.poller, self.mode, deadline)? {
            direct::End::Ready => {
                ready.extend(self.direct.ready().filter_map(report));
                return Ok(());
            }
            direct::End::Nearly => deadline,
            // What is ready is still ready; this wait ends at once and arms the waker again.
            direct::End::Woken => Some(Instant::now()),
        };
        self.events.clear();
        match deadline {
            Some(deadline) => self.poller.wait_deadline(&mut self.events, deadline)?,
            None => self.poller.wait(&mut self.events, None)?,
        };
        ready.extend(self.events.iter().filter_map(|event| report((event.key, event.readable, event.writable))));
        if self.mode == PollMode::Oneshot {
            self.disarmed.extend(ready.iter().map(|ready| ready.key));
        }
        Ok(())
    }

    /// Tells the narration what a wait has brought, for a program whose lesson that is.
    pub fn narrate(&self, ready: &[Ready]) {
        if narrate::is_on() {
            let sockets = ready.iter().filter_map(|ready| self.get(ready.key));
            let fds: Vec<_> = sockets.map(|(socket, _)| fd_of(&socket.as_system())).collect();
            narrate::tell(&Call::Wait { sockets: self.len() }, &Outcome::Ready(&fds));
        }
    }

    /// Oneshot mode only: reported sockets are in the poller without interest; asks for the same again.
    fn arm_again(&mut self) -> io::Result<()> {
        for key in self.disarmed.split_off(0) {
            if let Some(Watched { socket, interest, .. }) = self.watched(key)
                && let Some(event) = event(key.index, *interest)
            {
                let system = socket.as_system();
                // Changed interests are armed already; the same call once more does no harm.
                self.poller.modify_with_mode(system, event, self.mode)?;
            }
        }
        Ok(())
    }

    /// Tells the poller of a change; a socket without interest is not in the poller, because the system
    /// reports errors even to those who asked for nothing, and in level mode again and again.
    fn watch(&self, socket: &S, index: u32, old: Interest, new: Interest) -> io::Result<()> {
        let system = socket.as_system();
        match (event(index, old), event(index, new)) {
            // SAFETY: the socket must leave the poller before it is closed. `insert` moves it into `places`
            // when this has succeeded; if it fails, the poller does not know the socket. From then on it can
            // be closed in two places only: behind `remove` and in `drop`, which both delete it first. Nobody
            // else can: it is handed out by shared reference, and through that no `Source` can be closed or
            // replaced (the trait is sealed, `source.rs` lists its types).
            (None, Some(event)) => unsafe { self.poller.add_with_mode(&system, event, self.mode) },
            (Some(_), Some(event)) => self.poller.modify_with_mode(system, event, self.mode),
            (Some(_), None) => self.poller.delete(system),
            (None, None) => Ok(()),
        }
    }

    fn watched(&self, key: Key) -> Option<&Watched<S, T>> {
        let place = self.places.get(key.index as usize).filter(|place| place.generation == key.generation)?;
        place.watched.as_ref()
    }
}

impl<S: Source, T> Drop for Readiness<S, T> {
    /// Takes all sockets out of the poller; then they are closed, in the order of their places.
    fn drop(&mut self) {
        for watched in self.places.iter().filter_map(|place| place.watched.as_ref()) {
            unwatch(&self.poller, &watched.socket, watched.interest);
        }
    }
}

impl<S: Source, T> fmt::Debug for Readiness<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Takes a socket out of the poller.
fn unwatch<S: Source>(poller: &Poller, socket: &S, interest: Interest) {
    if interest != Interest::Nothing {
        // It fails only for a socket that is not in the poller; those are harmless.
        let _ = poller.delete(socket.as_system());
    }
}

/// The interest as the poller takes it; `None` for nothing.
fn event(index: u32, interest: Interest) -> Option<Event> {
    let key = index as usize;
    match interest {
        Interest::Nothing => None,
        Interest::Readable => Some(Event::readable(key)),
        Interest::Writable => Some(Event::writable(key)),
        Interest::Both => Some(Event::all(key)),
    }
}

/// The index of one more place.
fn next_index<P>(places: &[P]) -> u32 {
    u32::try_from(places.len()).expect("no system gives a process four thousand million sockets")
}
