//! The datagram network itself: datagrams and the time in, datagrams with their due times out.
//!
//! ```text
//!                    cut off?   lost?   bottleneck         delay
//!  arrive(now, ..) ─────┬─────────┬───▶ ▤▤▤ queue ▶ rate ─▶ ─ ─ ─ ─ ─ ─▶ take_due(now)
//!                       ▼         ▼       ▼ full           ▲    ▲
//!                                                        twice  held behind others
//! ```
//! Pure: it never reads a clock, a random source or a socket; times count from the start of the run.
//! Read `fate.rs` before (what chance decides) and `record.rs` (what is written down).

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::chance::Direction;
use crate::fate::{Fate, Fates};
use crate::quantity::Rate;
use crate::record::{Outcome, Record, Recording, from_ms, to_ms};
use crate::way::{DatagramWay, REORDER_WAIT};

/// The most that may be on its way, counting what keeping it costs: a second of 500 mbit, and no reason to swap.
pub const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What a waiting datagram costs beside its bytes: its place in the tree, its box, and change.
const DATAGRAM_COST: usize = 160;

/// A network for the datagrams of many flows.
///
/// # Examples
/// ```
/// use bad_network::{chance::Direction, network::Network, way::DatagramWay};
/// use std::time::Duration;
///
/// let mut way = DatagramWay::default();
/// way.set("delay", "50ms").unwrap();
/// let mut network = Network::new([way.clone(), way], 7);
/// let now = Duration::ZERO;
/// network.arrive(now, 1, Direction::Up, &mut "你好".as_bytes().to_vec());
/// assert_eq!(network.next_due(), Some(Duration::from_millis(50)));
/// assert!(network.take_due(now).is_none());
/// let delivery = network.take_due(Duration::from_millis(50)).unwrap();
/// assert_eq!(&*delivery.bytes, "你好".as_bytes());
/// ```
#[derive(Debug)]
pub struct Network {
    ways: [DatagramWay; 2],
    /// When each direction's bottleneck has served all that waits for it.
    free_at: [Duration; 2],
    seed: u64,
    recording: Option<Recording>,
    flows: HashMap<u64, Flow>,
    /// By due time, then by order; the key is enough to take a held one out again.
    waiting: BTreeMap<Place, Delivery>,
    waiting_bytes: usize,
    order: u64,
}

/// When a datagram leaves, and its rank among those of the same moment.
type Place = (Duration, u64);

/// A datagram that leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// When it is due.
    pub due: Duration,
    /// Its flow.
    pub flow: u64,
    /// Its direction.
    pub direction: Direction,
    /// Its bytes, with the flipped bit if there is one.
    pub bytes: Box<[u8]>,
}

/// What [`Network::arrive`] says of a datagram.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// What became of it.
    pub record: Record,
    /// Nothing delays it: the caller sends the buffer as it is now, and saves a copy.
    pub leaves_now: bool,
}

/// What is kept of a flow, for each direction.
#[derive(Debug)]
struct Flow {
    fates: [Fates; 2],
    /// Those that wait until others have passed them. There may be very many.
    held: [BTreeMap<Place, Held>; 2],
    on_their_way: usize,
}

/// One that waits until others have passed it.
#[derive(Debug)]
struct Held {
    /// When it would have left.
    due: Duration,
    /// How many still have to pass.
    behind: u32,
}

/// What is to happen to a datagram, from chance and queue or from a recording.
#[derive(Debug, Clone, Copy)]
struct Plan {
    number: u64,
    outcome: Outcome,
    queued: Duration,
    delay: Duration,
    twice: bool,
    held_behind: u32,
    flipped_bit: Option<usize>,
}

impl Network {
    /// A network with a way up and a way down, whose fates come from `seed`.
    #[must_use]
    pub fn new(ways: [DatagramWay; 2], seed: u64) -> Self {
        Self {
            ways,
            free_at: [Duration::ZERO; 2],
            seed,
            recording: None,
            flows: HashMap::new(),
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            order: 0,
        }
    }

    /// A network that does again what it did in a recorded run; what was not recorded passes untouched.
    #[must_use]
    pub fn replay(recording: Recording) -> Self {
        Self { recording: Some(recording), ..Self::new(Default::default(), 0) }
    }

    /// Takes a datagram that came at `now`; flips a bit of `bytes` where its fate says so.
    ///
    /// Deliveries that are due have to be taken before, or they would be overtaken.
    pub fn arrive(&mut self, now: Duration, flow: u64, direction: Direction, bytes: &mut [u8]) -> Arrival {
        let mut plan = self.plan(now, flow, direction, bytes.len());
        if plan.outcome == Outcome::Passed && self.waiting_bytes + 2 * (bytes.len() + DATAGRAM_COST) > WAITING_BYTES_MAX
        {
            plan.outcome = Outcome::NoRoom;
        }
        let mut leaves_now = false;
        if plan.outcome == Outcome::Passed {
            if let Some(bit) = plan.flipped_bit {
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            leaves_now = self.pass(now, flow, direction, bytes, &plan);
        }
        Arrival { record: plan.record(now, flow, direction, bytes.len()), leaves_now }
    }

    /// When the next datagram is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// The next datagram that is due at `now` or was before.
    pub fn take_due(&mut self, now: Duration) -> Option<Delivery> {
        let first = self.waiting.first_entry().filter(|first| first.key().0 <= now)?;
        let (place, delivery) = first.remove_entry();
        self.waiting_bytes -= delivery.bytes.len() + DATAGRAM_COST;
        if let Some(flow) = self.flows.get_mut(&delivery.flow) {
            // After `forget` the count begins anew.
            flow.on_their_way = flow.on_their_way.saturating_sub(1);
            // Held, and nobody came to pass it.
            flow.held[delivery.direction.index()].remove(&place);
        }
        Some(delivery)
    }

    /// How many datagrams wait, and their bytes with what keeping them costs.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        (self.waiting.len(), self.waiting_bytes)
    }

    /// Whether something of this flow is on its way.
    #[must_use]
    pub fn carries(&self, flow: u64) -> bool {
        self.flows.get(&flow).is_some_and(|flow| flow.on_their_way > 0)
    }

    /// Forgets a flow; what of it is still on its way arrives.
    pub fn forget(&mut self, flow: u64) {
        self.flows.remove(&flow);
    }

    /// Puts a datagram on its way, or says that it leaves now.
    fn pass(&mut self, now: Duration, flow: u64, direction: Direction, bytes: &[u8], plan: &Plan) -> bool {
        let due = now + plan.queued + plan.delay;
        let overtakes_none = self.next_due().is_none_or(|first| first > now);
        let leaves_now = due <= now && plan.held_behind == 0 && overtakes_none;
        if plan.held_behind > 0 {
            let at_last = after_cut(due + REORDER_WAIT, &self.ways[direction.index()]);
            let place = self.put(at_last, flow, direction, bytes);
            let held = Held { due, behind: plan.held_behind };
            self.flow(flow).held[direction.index()].insert(place, held);
        } else if !leaves_now {
            self.put(due, flow, direction, bytes);
        }
        if plan.twice {
            // A copy is not held: it leaves when its original would have.
            self.put(due, flow, direction, bytes);
        }
        if plan.held_behind == 0 {
            self.release_held(flow, direction, due);
        }
        leaves_now
    }

    /// Lets those leave, behind a datagram that is due at `due`, which have waited for enough others.
    fn release_held(&mut self, flow: u64, direction: Direction, due: Duration) {
        let mut released = Vec::new();
        self.flow(flow).held[direction.index()].retain(|place, held| {
            held.behind -= 1;
            if held.behind == 0 {
                // Its own delay has to pass as well.
                released.push((*place, due.max(held.due)));
            }
            held.behind > 0
        });
        for (place, due) in released {
            if let Some(mut delivery) = self.waiting.remove(&place) {
                delivery.due = due;
                self.order += 1;
                self.waiting.insert((delivery.due, self.order), delivery);
            }
        }
    }

    fn put(&mut self, due: Duration, flow: u64, direction: Direction, bytes: &[u8]) -> Place {
        self.order += 1;
        self.waiting_bytes += bytes.len() + DATAGRAM_COST;
        self.flow(flow).on_their_way += 1;
        self.waiting.insert((due, self.order), Delivery { due, flow, direction, bytes: bytes.into() });
        (due, self.order)
    }

    /// What is kept of a flow; made when it is first heard of.
    fn flow(&mut self, flow: u64) -> &mut Flow {
        let seed = self.seed;
        self.flows.entry(flow).or_insert_with(|| Flow {
            fates: Direction::BOTH.map(|direction| Fates::new(seed, flow, direction)),
            held: Default::default(),
            on_their_way: 0,
        })
    }

    /// What is to happen to the next datagram of a flow.
    fn plan(&mut self, now: Duration, flow: u64, direction: Direction, len: usize) -> Plan {
        let index = direction.index();
        // A way is small, and the borrow of a flow must not hold it.
        let way = self.ways[index].clone();
        let (number, fate) = self.flow(flow).fates[index].next(&way);
        if let Some(recording) = &self.recording {
            return Plan::recorded(number, recording.get(flow, direction, number), len);
        }
        let mut plan = Plan::fated(number, &fate, len);
        if is_cut(now, &way) {
            plan.outcome = Outcome::CutOff;
            return plan;
        }
        if let (Outcome::Passed, Some(rate)) = (plan.outcome, way.rate) {
            match self.queue(now, index, rate, len, &way) {
                Some(queued) => plan.queued = queued,
                None => plan.outcome = Outcome::QueueFull,
            }
        }
        if plan.outcome == Outcome::Passed && is_cut(now + plan.queued + plan.delay, &way) {
            plan.outcome = Outcome::CutOff;
        }
        plan
    }

    /// How long until the bottleneck has served `len` more bytes; `None` when they find no place.
    ///
    /// The queue is only a number: when the link will be free says how many bytes wait for it.
    // ANCHOR: queue
    fn queue(&mut self, now: Duration, index: usize, rate: Rate, len: usize, way: &DatagramWay) -> Option<Duration> {
        let wait = self.free_at[index].saturating_sub(now);
        let waiting_bytes = rate.bytes_in(wait);
        let too_many = waiting_bytes + len > way.queue;
        let too_long = way.queue_time.is_some_and(|limit| wait > limit);
        // An idle link takes any datagram, however small the queue is.
        if !wait.is_zero() && (too_many || too_long) {
            return None;
        }
        let queued = wait + rate.time_for(len);
        self.free_at[index] = now + queued;
        Some(queued)
    }
    // ANCHOR_END: queue
}

/// Whether nothing passes at this time.
fn is_cut(at: Duration, way: &DatagramWay) -> bool {
    way.cut.is_some_and(|(from, to)| (from..to).contains(&at))
}

/// This time, or when something passes again.
fn after_cut(at: Duration, way: &DatagramWay) -> Duration {
    way.cut.filter(|_| is_cut(at, way)).map_or(at, |(_, to)| to)
}

impl Plan {
    fn fated(number: u64, fate: &Fate, len: usize) -> Self {
        Self {
            number,
            outcome: if fate.lost { Outcome::Lost } else { Outcome::Passed },
            queued: Duration::ZERO,
            delay: fate.delay,
            twice: fate.twice,
            held_behind: fate.held_behind,
            flipped_bit: fate.flipped_bit(len),
        }
    }

    fn recorded(number: u64, record: Option<&Record>, len: usize) -> Self {
        let Some(record) = record else { return Self::fated(number, &Fate::UNTOUCHED, len) };
        Self {
            number,
            outcome: record.fate,
            queued: from_ms(record.queued_ms),
            delay: from_ms(record.delay_ms),
            twice: record.twice,
            held_behind: record.held_behind,
            // The datagram may be shorter than the one that was recorded.
            flipped_bit: record.flipped_bit.filter(|bit| bit / 8 < len),
        }
    }

    /// The record, in which only what happened is told: nothing of the delay of one that is lost.
    fn record(&self, now: Duration, flow: u64, direction: Direction, size: usize) -> Record {
        let passed = self.outcome == Outcome::Passed;
        let told = |time| if passed { to_ms(time) } else { 0.0 };
        Record {
            at_ms: to_ms(now),
            flow,
            direction,
            number: self.number,
            size,
            fate: self.outcome,
            delay_ms: told(self.delay),
            queued_ms: told(self.queued),
            twice: passed && self.twice,
            held_behind: if passed { self.held_behind } else { 0 },
            flipped_bit: self.flipped_bit.filter(|_| passed),
        }
    }
}

#[cfg(test)]
mod tests;
