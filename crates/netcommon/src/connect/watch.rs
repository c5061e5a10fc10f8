//! Streams that are still connecting, watched together: the only module of `connect` with `unsafe`.
//!
//! `polling` can wait for many sockets on three systems, but its `add` is `unsafe`: a socket must be
//! deleted from the poller before it is closed, or the poller might speak of a number that now belongs
//! to another socket. [`Watch`] owns its streams, so it can keep that promise; the proof stands beside
//! the call. Source: epoll(7), "Will closing a file descriptor cause it to be removed".
#![allow(unsafe_code)] // `Poller::add`; no safe crate waits for sockets on Linux, macOS and Windows.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use polling::{Event, Events, Poller};

use crate::net::TcpStream;

/// Streams that are still connecting, each under a number of the caller's.
pub(super) struct Watch {
    poller: Arc<Poller>,
    events: Events,
    streams: Vec<(usize, TcpStream)>,
}

impl Watch {
    /// Watches nothing yet; `streams_max` is how many ends one wait reports at most.
    pub(super) fn new(streams_max: NonZeroUsize) -> io::Result<Self> {
        let poller = Arc::new(Poller::new()?);
        Ok(Self { poller, events: Events::with_capacity(streams_max), streams: Vec::new() })
    }

    /// What ends a [`Watch::wait`] from another thread.
    pub(super) fn poller(&self) -> &Arc<Poller> {
        &self.poller
    }

    /// Takes a stream that is connecting; it is given back when the attempt has ended.
    pub(super) fn add(&mut self, number: usize, stream: TcpStream) -> io::Result<()> {
        // SAFETY: the stream must leave the poller before it is closed. It can be closed in two places
        // only, because nothing outside gets at it while it is in `streams` and its inner socket cannot
        // be taken out through `&`: behind `take`, which deletes it first, and in `drop`, which deletes
        // all. If `add` fails, the poller does not know the stream.
        unsafe { self.poller.add(stream.as_std(), Event::writable(number))? };
        self.streams.push((number, stream));
        Ok(())
    }

    /// Waits until attempts have ended, `deadline` is there, or somebody notifies the poller; returns the
    /// streams whose attempts have ended. Blocks.
    pub(super) fn wait(&mut self, deadline: Instant) -> io::Result<Vec<(usize, TcpStream)>> {
        self.events.clear();
        self.poller.wait_deadline(&mut self.events, deadline)?;
        let mut ended: Vec<usize> = self.events.iter().map(|event| event.key).collect();
        // Of two that have ended while we slept, the one that the system prefers comes first.
        ended.sort_unstable();
        ended.into_iter().map(|number| self.take(number)).filter_map(Result::transpose).collect()
    }

    /// Takes a stream out of the poller and out of our hands.
    fn take(&mut self, number: usize) -> io::Result<Option<(usize, TcpStream)>> {
        let Some(index) = self.streams.iter().position(|(known, _)| *known == number) else { return Ok(None) };
        self.poller.delete(self.streams[index].1.as_std())?;
        Ok(Some(self.streams.swap_remove(index)))
    }
}

impl Drop for Watch {
    /// Closes the attempts that have not won, in the order of their addresses.
    fn drop(&mut self) {
        self.streams.sort_unstable_by_key(|(number, _)| *number);
        for (_, stream) in &self.streams {
            // It fails only for a stream that is not in the poller; those are harmless.
            let _ = self.poller.delete(stream.as_std());
        }
    }
}
