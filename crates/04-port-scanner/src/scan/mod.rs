//! The scan as a state machine: which port to ask when, how long to wait, and when to be content.
//!
//! ```text
//! port A  ├─ try 1 ───────┤ silence
//!                         ├─ try 2 ───────┤ silence
//!                                         ├─ try 3 ── SYN-ACK: open (two tries were lost)
//!         0            timeout/3       2·timeout/3            timeout
//! ```
//!
//! The kernel itself sends a lost SYN again after 1 s, which is our whole timeout. Three tries of a third
//! each take no more time and find what one try misses. Once a host has answered, its round trip is known
//! (`rtt.rs`) and a try need not wait longer than that. Knows no socket and no clock: the engine
//! (`crate::engine::events`) does what [`Scan::next`] says and reports through [`Scan::on_answer`].
//! Read `rtt.rs` and `window.rs` before.

mod hosts;
pub mod pace;
pub mod rtt;
#[cfg(test)]
mod tests;
mod tries;
pub mod window;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use self::hosts::Hosts;
use self::pace::Pace;
use self::tries::{Asking, Tries};
pub use self::tries::{PortId, TryId};
use self::window::Window;
use crate::plan::{Job, Question, SharedPlan, left_over};
use crate::verdict::{Answer, Finding, Reason, Verdict};

/// How many tries a port is given at most: at 30 % loss, the sixth one leaves 1 open port in 1,000 unseen.
pub const TRIES_MAX: u8 = 6;

/// How long after "no room" the system is asked again when nothing of ours is going to end.
const ROOM_RETRY: Duration = Duration::from_millis(10);

/// How long we wait for room when we have none at all, before ports count as unknown.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(10);

/// How a scan is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// How long a port may stay silent, over all its tries.
    pub timeout: Duration,
    /// How often a silent port is asked, 1 to [`TRIES_MAX`]; more often when losses have been seen.
    pub tries: u8,
    /// How many tries may start in a second.
    pub rate: Option<u32>,
    /// How many sockets there may be at once.
    pub sockets_max: usize,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Start this try, then come back.
    Ask(TryId, SocketAddr),
    /// This port is settled, by silence.
    Found(Finding),
    /// Wait for an answer, at most until then.
    WaitUntil(Instant),
    /// Everything has been said.
    Done,
}

/// A scan under way.
#[derive(Debug)]
pub struct Scan {
    plan: SharedPlan,
    config: Config,
    tries: Tries,
    hosts: Hosts,
    window: Window,
    /// Ports in the order in which their last try began; those that have been answered since are stale.
    waiting: VecDeque<(PortId, u64)>,
    /// Ports that could not be asked for want of room.
    turned_away: VecDeque<PortId>,
    /// Since when the system has given us no socket at all.
    without_room_since: Option<Instant>,
    /// Tries whose sockets are no longer wanted.
    dropped: Vec<TryId>,
    /// When the next try may start.
    pace: Pace,
}

impl Scan {
    /// A scan of all that `plan` has; nothing happens before [`Scan::next`].
    #[must_use]
    pub fn new(plan: impl Into<SharedPlan>, config: Config) -> Self {
        let config = Config { tries: config.tries.clamp(1, TRIES_MAX), ..config };
        Self {
            plan: plan.into(),
            config,
            tries: Tries::default(),
            hosts: Hosts::default(),
            window: Window::new(config.sockets_max),
            waiting: VecDeque::new(),
            turned_away: VecDeque::new(),
            without_room_since: None,
            dropped: Vec::new(),
            pace: Pace::new(config.rate),
        }
    }

    /// What to do at `now`. Report the answers that have come before you ask.
    // ANCHOR: next
    pub fn next(&mut self, now: Instant) -> Step {
        let due = match self.first_due() {
            Some((port, at)) if at <= now => return self.on_silence(port, now),
            due => due.map(|(_, at)| at),
        };
        if let Some(at) = self.pace.not_before(now) {
            return Step::WaitUntil(due.map_or(at, |due| due.min(at)));
        }
        let mut wake = due;
        if self.tries.in_flight() < self.window.size() {
            if let Some(step) = self.start_one(now) {
                return step;
            }
        } else if let Some(at) = self.window.on_full(now) {
            wake = Some(wake.map_or(at, |wake| wake.min(at)));
        }
        wake.map_or(Step::Done, Step::WaitUntil)
    }
    // ANCHOR_END: next

    /// A try has ended at `now`; its socket is the caller's again. The finding, if it settles its port.
    pub fn on_answer(&mut self, id: TryId, answer: Answer, now: Instant) -> Option<Finding> {
        let ended = self.tries.end(id)?;
        let verdict = match answer {
            Answer::Says(verdict) => verdict,
            // Its time runs on; the next try will come.
            Answer::Nothing => return None,
            Answer::NoRoom(reason) => return self.on_no_room(ended.port, reason, now),
        };
        self.without_room_since = None;
        let asking = self.tries.asking(ended.port);
        let rtt = now.saturating_duration_since(ended.began);
        let (host, lost) = (asking.host, ended.attempt - 1);
        // Anything else may come from our own system, or from a router on the way.
        if matches!(verdict, Verdict::Open | Verdict::Closed) {
            let rto = self.hosts.on_answer(host, rtt, lost, self.interval(host));
            self.window.on_answer(lost, rto, now);
        }
        Some(self.settle(ended.port, verdict, ended.attempt, Some(rtt)))
    }

    /// A try whose socket is no longer wanted: close it.
    pub fn next_dropped(&mut self) -> Option<TryId> {
        self.dropped.pop()
    }

    /// What has been asked and is not settled yet.
    pub fn asked(&self) -> impl Iterator<Item = SocketAddr> {
        self.tries.ports().map(|asking| asking.question.addr)
    }

    /// What is not settled yet, with all that the plan still has.
    #[must_use]
    pub fn unsettled(&self) -> Vec<Job> {
        left_over(self.asked().collect(), &self.plan.lock())
    }

    /// How many tries are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.tries.in_flight()
    }

    /// The window, for whoever wants to watch it.
    #[must_use]
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// The port whose last try has waited longest, and when its patience ends.
    fn first_due(&mut self) -> Option<(PortId, Instant)> {
        while let Some(&(port, serial)) = self.waiting.front() {
            match self.tries.asking_if(port, serial) {
                Some(asking) => return Some((port, asking.tried_at + self.interval(asking.host))),
                None => self.waiting.pop_front(),
            };
        }
        None
    }

    /// How long one try to `host` waits before the next.
    fn interval(&self, host: hosts::HostId) -> Duration {
        let share = self.config.timeout / u32::from(self.config.tries);
        self.hosts.rtt(host).rto().map_or(share, |rto| rto.min(share))
    }

    /// The last try to `port` has brought nothing: one more, or the verdict.
    // ANCHOR: on_silence
    fn on_silence(&mut self, port: PortId, now: Instant) -> Step {
        self.without_room_since = None;
        let asking = self.tries.asking(port);
        let (host, attempt, first) = (asking.host, asking.attempt, asking.asked_at);
        let time_is_up = now >= first + self.config.timeout;
        if attempt >= self.hosts.tries_wanted(host, self.config.tries) || time_is_up {
            self.waiting.pop_front();
            return Step::Found(self.settle(port, Verdict::Filtered, attempt, None));
        }
        if let Some(at) = self.pace.not_before(now) {
            return Step::WaitUntil(at);
        }
        self.waiting.pop_front();
        // An earlier try may still be answered if the host is slow; if it is quick, or sockets are short,
        // the old one has had its time.
        let is_full = self.tries.in_flight() >= self.window.limit();
        if is_full || self.hosts.rtt(host).rto().is_some_and(|rto| rto <= self.interval(host)) {
            self.tries.drop_tries(port, &mut self.dropped);
        }
        self.ask(port, now)
    }
    // ANCHOR_END: on_silence

    /// Starts the first try of a port: one that was turned away, or the next of the plan.
    fn start_one(&mut self, now: Instant) -> Option<Step> {
        if let Some(port) = self.turned_away.pop_front() {
            return Some(self.ask(port, now));
        }
        let question = self.plan.lock().next()?;
        let host = self.hosts.enter(question.addr);
        let port = self.tries.begin(Asking::new(question, host, now));
        Some(self.ask(port, now))
    }

    fn ask(&mut self, port: PortId, now: Instant) -> Step {
        let (id, addr, serial) = self.tries.start(port, now);
        self.waiting.push_back((port, serial));
        self.pace.on_try(now);
        Step::Ask(id, addr)
    }

    /// The port goes back into the queue: it has not been asked. Unknown when that has gone on for long.
    fn on_no_room(&mut self, port: PortId, reason: Reason, now: Instant) -> Option<Finding> {
        let in_flight = self.tries.in_flight();
        self.window.on_no_room(in_flight);
        self.tries.not_asked(port);
        if in_flight == 0 {
            let since = *self.without_room_since.get_or_insert(now);
            if now >= since + ROOM_WAIT_MAX {
                let attempt = self.tries.asking(port).attempt;
                return Some(self.settle(port, Verdict::Unknown(reason), attempt, None));
            }
            self.pace.hold_until(now + ROOM_RETRY);
        }
        self.turned_away.push_back(port);
        None
    }

    fn settle(&mut self, port: PortId, verdict: Verdict, attempt: u8, rtt: Option<Duration>) -> Finding {
        self.tries.drop_tries(port, &mut self.dropped);
        let Asking { question: Question { addr, host_ports }, host, .. } = self.tries.finish(port);
        self.hosts.leave(host);
        Finding { addr, verdict, attempt, rtt, host_ports }
    }
}
