//! Linux: the wait itself, one system call instead of five.
//!
//! `polling` surrounds each `epoll_wait(2)` with four calls for its timer and its wake-up, a quarter of
//! what a round trip costs a server with one busy client. Here its descriptor is waited on as it is. Two
//! things stay with `polling`: the last part of a millisecond before a deadline, because `epoll_wait`
//! counts in whole ones, and a wake-up, which has to be armed again. Read `mod.rs` before.

use std::time::{Duration, Instant};

use polling::{PollMode, Poller};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::{Errno, Result};

/// The key under which `polling` reports what is its own.
const OF_POLLING: u64 = usize::MAX as u64;

/// How a wait has ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Sockets are ready.
    Ready,
    /// The time is up within a millisecond, or this is not our business.
    Nearly,
    /// Somebody has fired the waker, or an old timer of `polling` has.
    Woken,
}

/// The list that the kernel fills.
pub(super) struct Direct {
    events: Vec<epoll::Event>,
}

// SAFETY: an event of the system may hold a pointer, which is why rustix does not let it leave its thread.
// These hold the numbers that `polling` gave the kernel, and nobody reads them as pointers.
unsafe impl Send for Direct {}

impl Direct {
    pub(super) fn new(events_max: usize) -> Self {
        Self { events: Vec::with_capacity(events_max) }
    }

    /// Waits as `epoll_wait(2)` does; only in level mode, where what is reported twice is no matter.
    pub(super) fn wait(&mut self, poller: &Poller, mode: PollMode, deadline: Option<Instant>) -> Result<End> {
        if mode != PollMode::Level {
            return Ok(End::Nearly);
        }
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left < Duration::from_millis(1)) {
                return Ok(End::Nearly);
            }
            let timeout = left.map(|left| {
                let millis = Duration::from_millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
                Timespec { tv_sec: millis.as_secs().cast_signed(), tv_nsec: millis.subsec_nanos().into() }
            });
            self.events.clear();
            match epoll::wait(poller, spare_capacity(&mut self.events), timeout.as_ref()) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) if self.events.iter().any(|event| { event.data }.u64() == OF_POLLING) => return Ok(End::Woken),
                Ok(_) => return Ok(End::Ready),
                Err(error) => return Err(error),
            }
        }
    }

    /// What was ready: index, readable, writable, as `polling` sorts the system's flags.
    pub(super) fn ready(&self) -> impl Iterator<Item = (usize, bool, bool)> {
        use epoll::EventFlags as Flags;
        let over = Flags::HUP | Flags::ERR;
        self.events.iter().filter_map(move |event| {
            // Copied: the kernel packs these structures without padding.
            let (flags, data) = (event.flags, event.data);
            let readable = flags.intersects(Flags::IN | Flags::PRI | over);
            Some((usize::try_from(data.u64()).ok()?, readable, flags.intersects(Flags::OUT | over)))
        })
    }
}
