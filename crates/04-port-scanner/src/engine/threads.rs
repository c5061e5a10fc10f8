//! A thread per connection under way: workers take ports from a queue and wait in `connect`.
//!
//! ```text
//! thread "main"       one port into the queue for each finding that comes out
//!    │ questions                           ▲ findings
//!    ▼                                     │
//! thread "scanner 1" … "scanner 100"       take a port, connect, wait for the answer or the timeout
//! ```
//!
//! A worker ends when the queue does; nothing else has to tell it. What this shape costs: as many stacks
//! as connections at once, and one try per port, because a thread that waits cannot do anything else.
//! Read `crate::verdict` before.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, at, bounded, never, select};
use netcommon::net::TcpStream;
use netcommon::shutdown::Shutdown;

use super::{End, Observer, Outcome, connected, failed};
use crate::plan::{Plan, Question, left_over};
use crate::scan::pace::Pace;
use crate::verdict::{Answer, Finding, Verdict};

/// How many threads by default: what the first scanner of most people has.
pub const THREADS: usize = 100;

/// A worker needs little of a stack; the system's default would reserve 8 MiB for each.
const STACK_LEN: usize = 256 * 1024;

/// How many questions lie ready for each worker, so that it need not wait for the main thread.
const READY_PER_WORKER: usize = 2;

/// How long after "no room" a worker asks the system again.
const ROOM_RETRY: Duration = Duration::from_millis(10);

/// How long a port waits for room before it counts as unknown.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(10);

/// How it is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// How many threads at most.
    pub workers: usize,
    /// How long a port may stay silent.
    pub timeout: Duration,
    /// How many connects may start in a second.
    pub rate: Option<u32>,
}

/// Asks all that `plan` has, each port once.
///
/// Blocks until all is settled; after shutdown has begun, for one `timeout` at most.
///
/// # Errors
/// What the observer returns, and when not even one thread can be started.
pub fn run(plan: Plan, config: Config, shutdown: &Shutdown, observer: Observer<'_>) -> anyhow::Result<Outcome> {
    let Config { workers, timeout, rate } = config;
    let (questions, queue) = bounded(workers * READY_PER_WORKER);
    let (findings, answers) = bounded(workers * READY_PER_WORKER);
    // The queue moves in, so that it ends with the scope's body: then the workers return and are joined.
    thread::scope(move |scope| {
        for number in 1..=workers {
            let (queue, findings) = (queue.clone(), findings.clone());
            let work = move || work(&queue, &findings, timeout, shutdown);
            let builder = Builder::new().name(format!("scanner {number}")).stack_size(STACK_LEN);
            match builder.spawn_scoped(scope, work) {
                Ok(_) => {}
                Err(error) if number == 1 => return Err(error.into()),
                Err(error) => {
                    log::warn!("start thread {number}: {error}; going on with fewer");
                    break;
                }
            }
        }
        Feeder { plan, asked: HashSet::new(), pace: Pace::new(rate), questions, queue }
            .run(&answers, shutdown, observer)
    })
}

/// What a worker does until the queue ends.
// ANCHOR: work
fn work(queue: &Receiver<Question>, findings: &Sender<Finding>, timeout: Duration, shutdown: &Shutdown) {
    for Question { addr, host_ports } in queue {
        let began = Instant::now();
        let verdict = ask(addr, timeout, shutdown);
        let rtt = matches!(verdict, Verdict::Open | Verdict::Closed).then(|| began.elapsed());
        if findings.send(Finding { addr, verdict, attempt: 1, rtt, host_ports }).is_err() {
            return;
        }
    }
}

/// Asks one port, and waits while the system has no socket for it.
fn ask(addr: SocketAddr, timeout: Duration, shutdown: &Shutdown) -> Verdict {
    let give_up_at = Instant::now() + ROOM_WAIT_MAX;
    loop {
        let answer = match TcpStream::connect_timeout(addr, timeout) {
            Ok(stream) => connected(&stream, addr),
            Err(error) => failed(&error, addr),
        };
        match answer {
            Answer::Says(verdict) => return verdict,
            Answer::Nothing => return Verdict::Filtered,
            Answer::NoRoom(reason) if shutdown.is_draining() || Instant::now() >= give_up_at => {
                return Verdict::Unknown(reason);
            }
            Answer::NoRoom(_) => {
                // Whichever comes first.
                let _ = shutdown.draining().recv_timeout(ROOM_RETRY);
            }
        }
    }
}
// ANCHOR_END: work

/// Keeps the queue full and hears the findings.
struct Feeder {
    plan: Plan,
    /// Those that no finding has come for.
    asked: HashSet<SocketAddr>,
    pace: Pace,
    questions: Sender<Question>,
    /// The other end, to take back what no worker has taken.
    queue: Receiver<Question>,
}

impl Feeder {
    fn run(
        mut self,
        answers: &Receiver<Finding>,
        shutdown: &Shutdown,
        observer: Observer<'_>,
    ) -> anyhow::Result<Outcome> {
        let mut end = End::Complete;
        while end == End::Complete {
            let wake = self.fill()?;
            if self.asked.is_empty() && wake.is_none() {
                return Ok(Outcome { end, left: self.plan.jobs() });
            }
            select! {
                recv(answers) -> finding => {
                    let finding = finding?;
                    self.asked.remove(&finding.addr);
                    // And of nothing, for the progress bar.
                    for heard in [Some(&finding), None] {
                        if observer(heard)? == ControlFlow::Break(()) {
                            end = End::Enough;
                        }
                    }
                },
                recv(wake.map_or_else(never, at)) -> _ => {},
                recv(shutdown.draining()) -> _ => end = End::Interrupted,
            }
        }
        // What no worker has taken stays unasked; what they wait for is not waited for.
        while self.queue.try_recv().is_ok() {}
        Ok(Outcome { end, left: left_over(self.asked.into_iter().collect(), &self.plan) })
    }

    /// Asks as many as there is room for, never more than the queue holds, so that `send` does not wait. Says
    /// when the next may be asked if only the pace forbids it.
    fn fill(&mut self) -> anyhow::Result<Option<Instant>> {
        while self.plan.left() > 0 && self.asked.len() < self.queue.capacity().unwrap_or(1) {
            let now = Instant::now();
            if let Some(at) = self.pace.not_before(now) {
                return Ok(Some(at));
            }
            let Some(question) = self.plan.next() else { break };
            self.pace.on_try(now);
            self.asked.insert(question.addr);
            self.questions.send(question)?;
        }
        Ok(None)
    }
}
