//! One narrow link that several flows share, in virtual time: a rate, a queue in front of it, losses behind it.
//!
//! ```text
//!   flow 0 ─┐   ┌─────────┐  rate   losses, delay  ┌─▶ receiver 0
//!           ├──▶│ │ │ │ │ ├────────────────────────┤
//!   flow 1 ─┘   └─────────┘                        └─▶ receiver 1      answers: the same way back
//! ```
//! What is lost on the way has used its share of the rate, as on a real line. Everything is decided by the seed.
//! Read `chance.rs` before.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::chance::Chance;

/// The link's two directions have the same figures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// Bytes a second.
    pub(crate) rate: u64,
    /// One way.
    pub(crate) delay: Duration,
    /// Of a thousand packets.
    pub(crate) loss: u64,
    /// Bytes that may wait; `None` for one round trip's worth, at least 128 KiB.
    pub(crate) queue: Option<u64>,
}

/// A packet somewhere: whose it is, which way it goes (0 to the receiver), and what it carries.
pub(crate) type Packet<T> = (usize, usize, T);

#[derive(Debug)]
pub(crate) struct Bottleneck<T> {
    line: Line,
    queue: Duration,
    chance: Chance,
    on_its_way: BTreeMap<(Duration, u64), Packet<T>>,
    sent: u64,
    /// When the line has sent what waits for it, each way.
    free_at: [Duration; 2],
    /// Bytes that each flow gave to the line towards its receiver.
    pub(crate) offered: Vec<u64>,
    /// How long each packet towards a receiver waited, together, and how many there were.
    pub(crate) waited: (Duration, u32),
}

impl<T> Bottleneck<T> {
    pub(crate) fn new(line: Line, flows: usize, seed: u64) -> Self {
        let nanos = |bytes: u64| Duration::from_nanos(bytes * 1_000_000_000 / line.rate);
        let queue = line.queue.map_or_else(|| (line.delay * 2).max(nanos(128 * 1024)), nanos);
        let (chance, on_its_way) = (Chance::new(seed), BTreeMap::new());
        let (offered, waited) = (vec![0; flows], (Duration::ZERO, 0));
        Self { line, queue, chance, on_its_way, sent: 0, free_at: [Duration::ZERO; 2], offered, waited }
    }

    /// A packet of `len` bytes, headers included, comes to the line.
    pub(crate) fn send(&mut self, now: Duration, (flow, way, cargo): Packet<T>, len: u64) {
        let takes = Duration::from_nanos(len * 1_000_000_000 / self.line.rate);
        let starts = self.free_at[way].max(now);
        if way == 0 {
            self.offered[flow] += len;
        }
        if starts + takes - now > self.queue {
            return;
        }
        self.free_at[way] = starts + takes;
        if way == 0 {
            self.waited = (self.waited.0 + (starts - now), self.waited.1 + 1);
        }
        if !self.chance.happens(self.line.loss) {
            self.sent += 1;
            self.on_its_way.insert((starts + takes + self.line.delay, self.sent), (flow, way, cargo));
        }
    }

    pub(crate) fn next_arrival(&self) -> Option<Duration> {
        self.on_its_way.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next packet that has arrived by `now`.
    pub(crate) fn arrived(&mut self, now: Duration) -> Option<Packet<T>> {
        let entry = self.on_its_way.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }
}
