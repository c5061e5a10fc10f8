//! Linux: the wait itself, one system call instead of five.
//!
//! `polling` surrounds each `epoll_wait(2)` with four calls for its timer and its wake-up, a quarter of
//! what a round trip costs a server with one busy client. Here its descriptor is waited on as it is. Two
//! things stay with `polling`: the last part of a millisecond before a deadline, because `epoll_wait`
//! counts in whole ones, and a wake-up, which has to be armed again. Read `mod.rs` before, `alarm.rs` next.

use std::time::{Duration, Instant};

use polling::{PollMode, Poller};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::{Errno, Result};

use super::alarm::{Alarm, OF_ALARM};

/// The key under which `polling` reports what is its own.
const OF_POLLING: u64 = usize::MAX as u64;

/// From here on a deadline is far: the alarm meets it, because many waits may end before.
pub(super) const FAR: Duration = Duration::from_millis(100);

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

/// The list that the kernel fills, and the alarm for far deadlines.
pub(super) struct Direct {
    events: Vec<epoll::Event>,
    alarm: Alarm,
}

// SAFETY: an event of the system may hold a pointer, which is why rustix does not let it leave its thread.
// These hold the numbers that `polling` gave the kernel, and nobody reads them as pointers.
unsafe impl Send for Direct {}

impl Direct {
    /// What `poller` is waited on with; takes a descriptor.
    pub(super) fn new(poller: &Poller, events_max: usize) -> Result<Self> {
        Ok(Self { events: Vec::with_capacity(events_max), alarm: Alarm::new(poller)? })
    }

    /// Waits as `epoll_wait(2)` does; only in level mode, where what is reported twice is no matter.
    pub(super) fn wait(&mut self, poller: &Poller, mode: PollMode, deadline: Option<Instant>) -> Result<End> {
        if mode != PollMode::Level {
            return Ok(End::Nearly);
        }
        loop {
            let timeout = match deadline {
                Some(deadline) if !self.alarm.rings_by(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left < Duration::from_millis(1) {
                        return Ok(End::Nearly);
                    }
                    self.limit(deadline, left)?
                }
                _ => None,
            };
            self.events.clear();
            match epoll::wait(poller, spare_capacity(&mut self.events), timeout.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
            let mut end = None;
            for event in &self.events {
                match { event.data }.u64() {
                    OF_POLLING => return Ok(End::Woken),
                    OF_ALARM => self.alarm.rang()?,
                    _ => end = Some(End::Ready),
                }
            }
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    /// The limit of one wait: none when the deadline is far, because then the alarm is set.
    fn limit(&mut self, deadline: Instant, left: Duration) -> Result<Option<Timespec>> {
        if left >= FAR {
            self.alarm.set(deadline, left)?;
            return Ok(None);
        }
        let millis = i64::try_from(left.as_millis()).expect("it is less than FAR");
        Ok(Some(Timespec { tv_sec: 0, tv_nsec: millis * 1_000_000 }))
    }

    /// What was ready: index, readable, writable, as `polling` sorts the system's flags.
    pub(super) fn ready(&self) -> impl Iterator<Item = (usize, bool, bool)> {
        use epoll::EventFlags as Flags;
        let over = Flags::HUP | Flags::ERR;
        self.events.iter().filter_map(move |event| {
            // Copied: the kernel packs these structures without padding.
            let (flags, data) = (event.flags, event.data.u64());
            if data >= OF_ALARM {
                return None;
            }
            let readable = flags.intersects(Flags::IN | Flags::PRI | over);
            Some((usize::try_from(data).ok()?, readable, flags.intersects(Flags::OUT | over)))
        })
    }
}
