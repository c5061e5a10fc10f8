//! One sender and one receiver over one link, in virtual time, until the session has ended.
//!
//! Read `link.rs` and `memory.rs` before.

use std::net::SocketAddr;
use std::time::Duration;

use file_transfer::congestion::{Aimd, Bbr, Congestion, Fixed};
use file_transfer::file::Session;
use file_transfer::receiver::Receiver;
use file_transfer::report::{Report, Totals};
use file_transfer::sender::{Options, Sender};

use crate::chance::Chance;
use crate::link::{Link, Weather};
use crate::memory::{Memory, Shelf};

/// Both sides give a silent peer up after this.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// A run takes no longer than this, or it will never end.
const TIME_MAX: Duration = Duration::from_secs(3_600);
const STEPS_MAX: u32 = 2_000_000;

pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) link: Link,
    pub(crate) source: Memory,
    pub(crate) shelf: Shelf,
    pub(crate) receiver: Receiver,
    pub(crate) sender: Sender,
    started: Duration,
    /// The sender is killed at this time, without a word.
    pub(crate) kill_at: Option<Duration>,
    pub(crate) steps: u32,
    /// The sender's smoothed round trip at each step, together.
    pub(crate) srtt_sum: Duration,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// By the sender's last report; `None` when it was killed.
    pub(crate) ended: Option<(Totals, Option<String>)>,
    /// Names that the sender was told to be complete.
    pub(crate) complete: Vec<String>,
    pub(crate) failed: Vec<(String, String)>,
}

pub(crate) fn addr() -> SocketAddr {
    "192.0.2.1:40000".parse().unwrap()
}

pub(crate) fn options(seed: u64) -> Options {
    let congestion = match seed % 4 {
        0 => Congestion::Fixed(Fixed::new(u32::try_from(seed / 4 % 64).unwrap())),
        1 => Congestion::Aimd(Aimd::default()),
        _ => Congestion::Bbr(Box::new(Bbr::new(seed))),
    };
    let (pacing, sack) = (!seed.is_multiple_of(7), !seed.is_multiple_of(5));
    Options { congestion, pacing, sack, timeout: TIMEOUT, datagram_len_max: 65_507, trace: false }
}

/// Files of all the sizes that are known to make trouble.
pub(crate) fn files(chance: &mut Chance) -> Memory {
    let count = 1 + chance.below(4);
    let files = (0..count).map(|index| {
        let len = match chance.below(8) {
            0 => 0,
            1 => 1,
            2 => (1_200 - 36) * chance.below(10),
            3 => (1_472 - 36) * chance.below(10),
            4 => chance.below(150_000),
            _ => chance.below(20_000),
        };
        let mut bytes: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| chance.next().to_le_bytes()).collect();
        bytes.truncate(usize::try_from(len).unwrap());
        (format!("檔案{index}.bin"), bytes)
    });
    Memory { files: files.collect() }
}

impl World {
    pub(crate) fn new(weather: Weather, mut chance: Chance, source: Memory, options: Options) -> Self {
        let sender = Sender::new(Session(chance.next()), addr(), source.offers(), options);
        Self {
            now: Duration::ZERO,
            link: Link::new(weather, chance),
            source,
            shelf: Shelf::default(),
            receiver: Receiver::new([7; 32], TIMEOUT),
            sender,
            started: Duration::ZERO,
            kill_at: None,
            steps: 0,
            srtt_sum: Duration::ZERO,
        }
    }

    /// A new sender for the same files, after the last one has gone.
    pub(crate) fn again(&mut self, session: u64, options: Options) {
        self.sender = Sender::new(Session(session), addr(), self.source.offers(), options);
        self.started = self.now;
    }

    /// Runs until the sender has ended or was killed.
    pub(crate) fn run(&mut self) -> Outcome {
        let mut outcome = Outcome { ended: None, complete: Vec::new(), failed: Vec::new() };
        loop {
            self.steps += 1;
            assert!(self.steps < STEPS_MAX && self.now < TIME_MAX, "it does not end: {:?}", self.sender);
            self.exchange();
            while let Some(report) = self.sender.report() {
                match report {
                    Report::FileEnded { name, result: Ok(_), .. } => outcome.complete.push(name),
                    Report::FileEnded { name, result: Err(reason), .. } => outcome.failed.push((name, reason)),
                    Report::SessionEnded { totals, failure, .. } => outcome.ended = Some((totals, failure)),
                    _ => {}
                }
            }
            if self.sender.has_ended() {
                return outcome;
            }
            let since = self.now - self.started;
            let deadlines = [
                self.sender.deadline(since).map(|at| at + self.started),
                self.receiver.deadline(),
                self.link.next_arrival(),
                self.kill_at,
            ];
            let next = deadlines.into_iter().flatten().min().expect("the sender has a deadline until it has ended");
            self.now = self.now.max(next);
            if self.kill_at.is_some_and(|at| at <= self.now) {
                self.kill_at = None;
                return outcome;
            }
        }
    }

    /// Everything that happens at this moment.
    fn exchange(&mut self) {
        let Self { now, link, source, shelf, receiver, sender, started, srtt_sum, .. } = self;
        let since = *now - *started;
        while let Some((way, bytes)) = link.arrived(*now) {
            match way {
                0 => receiver.receive(*now, addr(), &bytes, shelf),
                _ => sender.receive(since, &bytes, source),
            }
        }
        receiver.tick(*now, shelf);
        *srtt_sum += sender.totals(since).srtt;
        let mut out = Vec::new();
        while let Some(len) = sender.transmit(since, source, &mut out) {
            assert_eq!(len, out.len());
            link.send(*now, 0, &out);
            out.clear();
        }
        while receiver.transmit(*now, &mut out).is_some() {
            link.send(*now, 1, &out);
            out.clear();
        }
        while receiver.report().is_some() {}
    }
}
