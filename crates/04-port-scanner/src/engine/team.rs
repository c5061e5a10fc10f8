//! Several loops over one plan, a thread for each: where asking takes longer than waiting.
//!
//! ```text
//! thread "main"       ── events::run ──▶ Scan 1 ──┐ takes questions
//! thread "scanner 2"  ── events::run ──▶ Scan 2 ──┴──▶ SharedPlan
//!       └───────────────────┴──▶ observer, one finding at a time
//! ```
//!
//! One thread waits for as many answers as there are. But a SYN to our own machine is answered inside `connect`,
//! by the processor that sent it: nothing is left to wait for, and one thread keeps one processor busy. Two share
//! as little as they can: the next question, and whom to tell. Read `events.rs` before.

use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Builder};

use netcommon::shutdown::Shutdown;

use super::{End, Observer, Outcome, events};
use crate::plan::{Plan, SharedPlan, left_over};
use crate::scan::{Config, Scan};

/// More would wait for one another: the ports of one machine share locks in its kernel.
const THREADS_MAX: usize = 4;

/// For fewer questions a thread is not worth its start.
const QUESTIONS_MIN: u128 = 8_192;

/// Where descriptors are short each loop should have at least so many, beside the three that it needs to wait.
const SOCKETS_MIN: usize = 64;

/// How many loops `plan` is worth: one, unless it asks much of this machine itself and nobody asks for courtesy.
#[must_use]
pub fn threads_for(plan: &Plan, config: &Config) -> usize {
    if config.rate.is_some() || plan.left() < QUESTIONS_MIN || !plan.is_loopback() {
        return 1;
    }
    let worth = THREADS_MAX.min(config.sockets_max / SOCKETS_MIN).max(1);
    thread::available_parallelism().map_or(1, |processors| processors.get().min(worth))
}

/// Asks all that `plan` has, with so many threads; the caller's is one of them.
///
/// Blocks until all is settled, or until shutdown begins. When the observer has heard enough, a loop that waits in
/// silence hears of it after its wait.
///
/// # Errors
/// What the observer returns, and when the system cannot watch sockets at all.
// ANCHOR: run
pub fn run(
    plan: Plan,
    config: Config,
    threads: usize,
    shutdown: &Shutdown,
    observer: Observer<'_>,
) -> anyhow::Result<Outcome> {
    let plan = SharedPlan::from(plan);
    let config = Config { sockets_max: (config.sockets_max / threads).max(1), ..config };
    let team = Team { plan: &plan, config, shutdown, observer: Mutex::new(observer), is_over: AtomicBool::new(false) };
    let ends = thread::scope(|scope| {
        let start = |number| Builder::new().name(format!("scanner {number}")).spawn_scoped(scope, || team.work());
        // A thread that cannot be started leaves its share to the others.
        let others: Vec<_> = (2..=threads).filter_map(|number| start(number).ok()).collect();
        let mut ends = vec![team.work()];
        for other in others {
            ends.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        ends.into_iter().collect::<anyhow::Result<Vec<_>>>()
    })?;
    let (mut end, mut asked) = (End::Complete, Vec::new());
    for (its_end, its_asked) in ends {
        end = if end == End::Complete { its_end } else { end };
        asked.extend(its_asked);
    }
    Ok(Outcome { end, left: left_over(asked, &plan.lock()) })
}
// ANCHOR_END: run

/// What the threads share.
struct Team<'t, 'o> {
    plan: &'t SharedPlan,
    config: Config,
    shutdown: &'t Shutdown,
    observer: Mutex<Observer<'o>>,
    /// One of the loops has ended early, and so shall the others.
    is_over: AtomicBool,
}

impl Team<'_, '_> {
    /// One loop, from its first question to its end; how it ended, and what it has asked without an answer.
    fn work(&self) -> anyhow::Result<(End, Vec<SocketAddr>)> {
        let (mut scan, mut untold) = (Scan::new(self.plan.clone(), self.config), None);
        let end = events::run(&mut scan, self.shutdown, &mut |finding| {
            let mut observer = self.observer.lock().unwrap_or_else(PoisonError::into_inner);
            if self.is_over.load(Ordering::Relaxed) {
                // Settled, but nobody wants to hear of it any more: it is left for the next time.
                untold = finding.map(|finding| finding.addr);
                return Ok(ControlFlow::Break(()));
            }
            let heard = observer(finding);
            if !matches!(heard, Ok(ControlFlow::Continue(()))) {
                self.is_over.store(true, Ordering::Relaxed);
            }
            heard
        });
        if end.is_err() {
            self.is_over.store(true, Ordering::Relaxed);
        }
        Ok((end?, scan.asked().chain(untold).collect()))
    }
}
