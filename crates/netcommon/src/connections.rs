//! The open connections of a server with one thread each: how many there may be, and how they end.
//!
//! ```text
//! accept ──admit()──▶ Connection (the thread's)  ──drop──▶ a place is free
//!                       │ the same stream, shared
//!                     Connections (the server's) ──drain()──▶ Shutdown::Read, wait, Shutdown::Both
//! ```
//!
//! The stream is shared, not duplicated: one descriptor per client. Only a connection whose thread waits
//! in a read is shut down for reading; a thread in the middle of an answer finishes it first, and its
//! next read says "end of stream" without asking the kernel. (Linux answers data that arrives after
//! `SHUT_RD` and our FIN with an RST, which would destroy the answer on its way.)
//! Sources: UNP section 6.6 (shutdown), RFC 9293 section 3.6 (closing).

use std::collections::HashMap;
use std::io::{self, Read};
use std::net;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, after, bounded, select};

use crate::net::TcpStream;
use crate::shutdown::Shutdown;

/// The open connections and the limit on their number.
#[derive(Debug)]
pub struct Connections {
    limit: usize,
    /// Set once, before any stream is shut down; every read looks at it.
    draining: AtomicBool,
    open: Mutex<Open>,
    freed: (Sender<()>, Receiver<()>),
}

#[derive(Debug, Default)]
struct Open {
    next_id: u64,
    streams: HashMap<u64, Arc<Shared>>,
}

/// What the connection's thread and the server both hold.
#[derive(Debug)]
struct Shared {
    stream: TcpStream,
    /// The thread is in a read, or about to be.
    waits_for_client: AtomicBool,
}

/// One admitted connection: derefs to its stream; dropped, it closes the stream and frees the place.
#[derive(Debug)]
pub struct Connection<'a> {
    // Order matters: fields are dropped from top to bottom, so the stream closes before the place is free.
    shared: Arc<Shared>,
    place: Place<'a>,
}

#[derive(Debug)]
struct Place<'a> {
    connections: &'a Connections,
    id: u64,
}

impl Connections {
    /// Room for `limit` connections at once.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, draining: AtomicBool::new(false), open: Mutex::default(), freed: bounded(1) }
    }

    /// Takes a connection in, or gives the stream back when all places are taken. Does not block.
    ///
    /// # Errors
    /// The stream itself, so that the caller can tell its client before closing it.
    ///
    /// # Examples
    /// ```
    /// use netcommon::connections::Connections;
    /// use netcommon::net::{TcpListener, TcpStream};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap())?;
    /// let connections = Connections::new(1);
    /// let first = connections.admit(TcpStream::connect(listener.local_addr()?)?).expect("a free place");
    /// assert!(connections.admit(TcpStream::connect(listener.local_addr()?)?).is_err());
    /// drop(first);
    /// assert!(connections.admit(TcpStream::connect(listener.local_addr()?)?).is_ok());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn admit(&self, stream: TcpStream) -> Result<Connection<'_>, TcpStream> {
        let mut open = self.lock();
        if open.streams.len() >= self.limit {
            return Err(stream);
        }
        let id = open.next_id;
        open.next_id += 1;
        let shared = Arc::new(Shared { stream, waits_for_client: AtomicBool::new(false) });
        open.streams.insert(id, Arc::clone(&shared));
        Ok(Connection { shared, place: Place { connections: self, id } })
    }

    /// How many are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().streams.len()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Delivers one `()` after a connection has ended, for a server that waits for a descriptor.
    #[must_use]
    pub fn freed(&self) -> &Receiver<()> {
        &self.freed.1
    }

    /// Ends all connections in order and returns how many had to be cut.
    ///
    /// Ends reading where a thread waits for its client, so that it sees an ordinary end of stream; lets
    /// the others finish the answer that they are in; waits until all have gone, at most `grace`, and not
    /// beyond a second Ctrl-C; then shuts the rest down both ways, which also frees a thread that is
    /// blocked in a write. `shutdown(2)`. Blocks for as long as that takes; the caller then joins its threads.
    pub fn drain(&self, grace: Duration, shutdown: &Shutdown) -> usize {
        self.draining.store(true, Ordering::SeqCst);
        self.shut_down(net::Shutdown::Read, |shared| shared.waits_for_client.load(Ordering::SeqCst));
        let deadline = after(grace);
        while !self.is_empty() {
            select! {
                recv(self.freed()) -> _ => {}
                recv(shutdown.cutting()) -> _ => break,
                recv(deadline) -> _ => break,
            }
        }
        self.shut_down(net::Shutdown::Both, |_| true)
    }

    /// Shuts down the open streams that `which` chooses and returns how many those were.
    fn shut_down(&self, how: net::Shutdown, which: impl Fn(&Shared) -> bool) -> usize {
        let open = self.lock();
        let chosen = open.streams.values().filter(|shared| which(shared));
        // A stream whose connection has ended already refuses, which is what we want.
        chosen.map(|shared| drop(shared.stream.shutdown(how))).count()
    }

    /// Nothing blocks while the lock is held, and no code under it panics half-way.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Connection<'_> {
    type Target = TcpStream;

    fn deref(&self) -> &TcpStream {
        &self.shared.stream
    }
}

impl Read for &Connection<'_> {
    /// As the stream's; says "end of stream" once the server drains.
    ///
    /// Either this thread sees that the server drains, or `drain` sees that this thread waits: both
    /// announce themselves before they look (sequentially consistent), so none can miss the other.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.shared.waits_for_client.store(true, Ordering::SeqCst);
        let result = match self.place.connections.draining.load(Ordering::SeqCst) {
            true => Ok(0),
            false => (&self.shared.stream).read(buf),
        };
        self.shared.waits_for_client.store(false, Ordering::SeqCst);
        result
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.place.connections.lock().streams.remove(&self.place.id);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // A full channel says the same already.
        let _ = self.connections.freed.0.try_send(());
    }
}
