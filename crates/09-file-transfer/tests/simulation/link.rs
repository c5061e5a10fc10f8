//! The network of the simulation: datagrams in, and out again late, twice, damaged, or not at all.
//!
//! Everything is decided by the seed. Time is a number; nobody waits.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use crate::chance::Chance;

const MS: Duration = Duration::from_millis(1);

/// What the network does; shares are in thousandths.
#[derive(Debug, Clone)]
pub(crate) struct Weather {
    pub(crate) loss: u64,
    pub(crate) duplicate: u64,
    pub(crate) reorder: u64,
    pub(crate) corrupt: u64,
    /// One way; changes at `change_at` to the second.
    pub(crate) delay: [Duration; 2],
    pub(crate) change_at: Duration,
    /// Bytes a second, and what may wait for them; 0 for no limit.
    pub(crate) rate: u64,
    pub(crate) queue: Duration,
    /// When which way is cut.
    pub(crate) cuts: [Option<Range<Duration>>; 2],
    /// Datagrams longer than this never come through.
    pub(crate) mtu: usize,
}

impl Weather {
    /// The weather of a seed: mild ones, wild ones, and every kind of trouble alone.
    pub(crate) fn of(chance: &mut Chance) -> Self {
        let mut some = |one_in: u64, max: u64| if chance.below(one_in) == 0 { chance.below(max + 1) } else { 0 };
        let (loss, duplicate, reorder, corrupt) = (some(2, 500), some(3, 300), some(3, 300), some(4, 200));
        let rate = some(3, 1_000_000);
        let rate = if rate > 0 { rate.max(20_000) } else { 0 };
        let delay = [chance.below(150), chance.below(300)].map(|ms| MS * u32::try_from(ms).unwrap());
        let cut = |chance: &mut Chance| {
            let (start, len) = (chance.below(2_000), [500, 5_000, 20_000, 1_000_000][chance.below(4) as usize]);
            (chance.below(5) == 0).then(|| Duration::from_millis(start)..Duration::from_millis(start + len))
        };
        Self {
            loss,
            duplicate,
            reorder,
            corrupt,
            delay,
            change_at: Duration::from_millis(chance.below(3_000)),
            rate,
            queue: Duration::from_millis(20 + chance.below(500)),
            cuts: [cut(chance), cut(chance)],
            mtu: [1_200, 1_252, 1_472, 8_972][chance.below(4) as usize],
        }
    }

    /// Whether a way is cut for longer than anybody waits.
    pub(crate) fn is_cut_for_good(&self, timeout: Duration) -> bool {
        self.cuts.iter().flatten().any(|cut| cut.end - cut.start > timeout)
    }
}

/// Datagrams on their way; way 0 goes up, to the receiver, way 1 down.
#[derive(Debug)]
pub(crate) struct Link {
    weather: Weather,
    chance: Chance,
    on_its_way: BTreeMap<(Duration, u64), (usize, Vec<u8>)>,
    sent: u64,
    /// When the bottleneck has sent what waits for it.
    free_at: [Duration; 2],
}

impl Link {
    pub(crate) fn new(weather: Weather, chance: Chance) -> Self {
        Self { weather, chance, on_its_way: BTreeMap::new(), sent: 0, free_at: [Duration::ZERO; 2] }
    }

    pub(crate) fn send(&mut self, now: Duration, way: usize, datagram: &[u8]) {
        let weather = &self.weather;
        let cut = weather.cuts[way].as_ref().is_some_and(|cut| cut.contains(&now));
        if cut || datagram.len() > weather.mtu || self.chance.happens(weather.loss) {
            return;
        }
        let mut leaves = now;
        if let Some(takes_us) = (datagram.len() as u64 * 1_000_000).checked_div(weather.rate) {
            let free_at = self.free_at[way].max(now);
            if free_at - now > weather.queue {
                return;
            }
            leaves = free_at + Duration::from_micros(takes_us);
            self.free_at[way] = leaves;
        }
        let mut arrives = leaves + weather.delay[usize::from(now >= weather.change_at)];
        if self.chance.happens(weather.reorder) {
            arrives += Duration::from_micros(self.chance.below(100_000));
        }
        let mut bytes = datagram.to_vec();
        if self.chance.happens(weather.corrupt) {
            damage(&mut bytes, &mut self.chance);
        }
        let copies = 1 + u64::from(self.chance.happens(weather.duplicate));
        for _ in 0..copies {
            self.sent += 1;
            self.on_its_way.insert((arrives, self.sent), (way, bytes.clone()));
            arrives += Duration::from_micros(self.chance.below(50_000));
        }
    }

    pub(crate) fn next_arrival(&self) -> Option<Duration> {
        self.on_its_way.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next datagram that has arrived by `now`, and which way it went.
    pub(crate) fn arrived(&mut self, now: Duration) -> Option<(usize, Vec<u8>)> {
        let entry = self.on_its_way.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }
}

/// A flipped bit, a cut end, or two words that changed places: the last one passes UDP's own checksum.
fn damage(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let at = usize::try_from(chance.below(bytes.len() as u64)).unwrap();
    match chance.below(3) {
        0 => bytes[at] ^= 1 << chance.below(8),
        1 => bytes.truncate(at),
        _ => {
            let (a, b) = (at / 4 * 4, bytes.len() / 8 * 4);
            (0..2)
                .filter(|i| a.max(b) + i < bytes.len())
                .collect::<Vec<_>>()
                .iter()
                .for_each(|i| bytes.swap(a + i, b + i));
        }
    }
}
