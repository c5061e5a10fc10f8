//! Linux: one far deadline that is set once and then costs the waits before it nothing.
//!
//! A time limit given to `epoll_wait(2)` is a timer that the kernel makes for this one wait and takes apart
//! after it, and to know how much of it is left the caller looks at the clock. A server asks for "in ten
//! minutes, if nobody speaks" before each of its waits, thousands of times a second. A timer that is a
//! descriptor stays set while others are served. Read `direct.rs` (who sets it) next. Source: `timerfd_create(2)`.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use polling::Poller;
use rustix::event::epoll;
use rustix::io::{Result, read};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

/// The key under which the kernel reports it; `polling` has the one above, sockets have those from 0.
pub(super) const OF_ALARM: u64 = usize::MAX as u64 - 1;

const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// A timer that makes a wait return.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: OwnedFd,
    /// When it rings, unless it has.
    at: Option<Instant>,
}

impl Alarm {
    /// An alarm among what `poller` waits for, not set: `timerfd_create(2)`, `epoll_ctl(2)`.
    pub(super) fn new(poller: &Poller) -> Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        // Level-triggered: a ring that falls into a wait of `polling`, or beside its wake-up, is reported again.
        epoll::add(poller, &timer, epoll::EventData::new_u64(OF_ALARM), epoll::EventFlags::IN)?;
        Ok(Self { timer, at: None })
    }

    /// Whether it rings before or at `deadline` anyway: an early ring costs one more turn, a call for each wait many.
    pub(super) fn rings_by(&self, deadline: Instant) -> bool {
        self.at.is_some_and(|at| at <= deadline)
    }

    /// Sets it to ring at `at`, which is `left` from now: `timerfd_settime(2)`.
    pub(super) fn set(&mut self, at: Instant, left: Duration) -> Result<()> {
        let once = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        let times = Itimerspec { it_interval: NEVER, it_value: once };
        timerfd_settime(self.timer.as_fd(), TimerfdTimerFlags::empty(), &times)?;
        self.at = Some(at);
        Ok(())
    }

    /// It has rung, and is to be silent: `read(2)`.
    pub(super) fn rang(&mut self) -> Result<()> {
        self.at = None;
        read(&self.timer, &mut [0; 8]).map(drop)
    }
}
