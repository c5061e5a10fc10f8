//! The way from a source to the ledger: each source is a thread, and one thread owns the ledger.
//!
//! ```text
//! thread "relay"   ──tell──┐
//! thread "watch"   ──tell──┼──▶ [ at most SEEN_MAX ] ──▶ the recorder's thread: ledger, log, screen
//! thread "capture" ──tell──┘
//! ```
//! The queue ends when the last witness has been dropped: then every source has ended. Read `observation.rs` before.

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::moment::{Clock, Moment};
use crate::observation::Observation;

/// Observations that wait for the recorder. When it is full the source waits: a relay slows down, and the kernel
/// says what a watcher has missed meanwhile. Nothing is lost in silence.
const SEEN_MAX: usize = 8_192;

/// Something seen, and when.
pub type Seen = (Moment, Observation);

/// A source's end of the queue; clones belong to one run.
#[derive(Debug, Clone)]
pub struct Witness {
    clock: Clock,
    queue: Sender<Seen>,
}

impl Witness {
    /// A queue for the sources of one run, and where it is read.
    #[must_use]
    pub fn new(clock: Clock) -> (Self, Receiver<Seen>) {
        let (queue, seen) = bounded(SEEN_MAX);
        (Self { clock, queue }, seen)
    }

    /// The run's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Tells what is seen now. Blocks while the queue is full; `false` when nobody listens any more.
    pub fn tell(&self, observation: Observation) -> bool {
        self.tell_at(self.clock.now(), observation)
    }

    /// Tells what was seen at `at`. Blocks while the queue is full; `false` when nobody listens any more.
    pub fn tell_at(&self, at: Moment, observation: Observation) -> bool {
        self.queue.send((at, observation)).is_ok()
    }
}
