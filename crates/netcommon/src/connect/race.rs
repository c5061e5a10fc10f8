//! When to try which address: the schedule of a connect, without a socket and without a clock.
//!
//! ```text
//! time ─────▶ 0          250 ms      500 ms
//! address 0   ├── SYN … nothing … ──────────────────▶ closed when another wins
//! address 1              ├── SYN … refused
//! address 2                  ├── SYN … SYN-ACK: won      (at once, because 1 has failed)
//! ```
//!
//! The caller tells what happened and when; [`Race::step`] says what to do next. Source: RFC 8305
//! (Happy Eyeballs), sections 4 and 5.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long an attempt is alone before the next one starts beside it (RFC 8305 section 5).
pub(super) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Start attempt number so-and-so, then ask again.
    Start(usize),
    /// Wait for the end of a running attempt, at most until then, then ask again.
    WaitUntil(Instant),
    /// All attempts have failed, or the time is up.
    Lost,
}

/// A race between attempts, one per address, numbered in the order of the addresses.
///
/// It is won when an attempt connects: then the caller closes the others and asks no more.
#[derive(Debug)]
pub(super) struct Race {
    count: usize,
    /// The first attempt that has not started yet.
    next: usize,
    next_at: Instant,
    running: usize,
    deadline: Instant,
}

impl Race {
    /// A race of `count` attempts that begins now and ends at `deadline`.
    pub(super) fn new(count: usize, now: Instant, deadline: Instant) -> Self {
        Self { count, next: 0, next_at: now, running: 0, deadline }
    }

    /// What to do at `now`.
    // ANCHOR: step
    pub(super) fn step(&mut self, now: Instant) -> Step {
        let has_next = self.next < self.count;
        if now >= self.deadline || (self.running == 0 && !has_next) {
            return Step::Lost;
        }
        if has_next && now >= self.next_at {
            let attempt = self.next;
            self.next += 1;
            self.running += 1;
            self.next_at = now + ATTEMPT_DELAY;
            return Step::Start(attempt);
        }
        Step::WaitUntil(if has_next { self.deadline.min(self.next_at) } else { self.deadline })
    }
    // ANCHOR_END: step

    /// A running attempt has failed; the next one need not wait any longer.
    pub(super) fn failed(&mut self, now: Instant) {
        self.running -= 1;
        self.next_at = now;
    }
}

/// The addresses with IPv6 and IPv4 in turn, beginning with the family of the first.
///
/// A machine whose IPv6 does not work then waits for one attempt, not for all IPv6 addresses of a
/// host. Within a family the system's order stays. Source: RFC 8305 section 4.
pub(super) fn interleave(addrs: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v4 = addrs.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<SocketAddr>, Vec<_>) = addrs.iter().partition(|addr| addr.is_ipv4() == first_is_v4);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut mixed = Vec::with_capacity(addrs.len());
    while mixed.len() < addrs.len() {
        mixed.extend(first.next());
        mixed.extend(second.next());
    }
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an attempt does in a test, in milliseconds after its start.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Fate {
        Fails(u64),
        Connects(u64),
        IsSilent,
    }
    use Fate::{Connects, Fails, IsSilent};

    /// Below, at and above the delay; `Fails(0)` is an error of `connect` itself.
    const FATES: [Fate; 8] =
        [Fails(0), Fails(100), Fails(250), Fails(700), Connects(100), Connects(250), Connects(600), IsSilent];

    const DEADLINE_MS: u64 = 1_000;

    /// Plays a race on a virtual clock: when each attempt started, and who won when.
    fn play(fates: &[Fate]) -> (Vec<u64>, Option<(u64, usize)>) {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut race = Race::new(fates.len(), begin, at(DEADLINE_MS));
        let (mut now, mut starts, mut running) = (0, Vec::new(), Vec::new());
        loop {
            match race.step(at(now)) {
                Step::Start(attempt) => {
                    assert_eq!(attempt, starts.len(), "attempts start in order: {fates:?}");
                    starts.push(now);
                    match fates[attempt] {
                        Fails(0) => race.failed(at(now)),
                        Fails(after) | Connects(after) => running.push((now + after, attempt)),
                        IsSilent => {}
                    }
                }
                Step::WaitUntil(time) => {
                    let time = u64::try_from((time - begin).as_millis()).unwrap();
                    assert!(time > now, "a wait that is over already would spin: {fates:?}");
                    now = running.iter().map(|(end, _)| *end).fold(time, u64::min);
                    for (_, attempt) in running.extract_if(.., |(end, _)| *end == now) {
                        match fates[attempt] {
                            Connects(_) => return (starts, Some((now, attempt))),
                            _ => race.failed(at(now)),
                        }
                    }
                }
                Step::Lost => return (starts, None),
            }
        }
    }

    /// The same by the rules as the RFC states them, attempt by attempt.
    fn expected(fates: &[Fate]) -> (Vec<u64>, Option<(u64, usize)>) {
        let mut starts: Vec<u64> = Vec::new();
        let mut winner: Option<(u64, usize)> = None;
        for (attempt, fate) in fates.iter().enumerate() {
            let start = match starts.last() {
                None => 0,
                Some(&last) => (0..attempt)
                    .filter_map(|i| if let Fails(after) = fates[i] { Some((i, starts[i] + after)) } else { None })
                    .filter(|(i, failed_at)| *failed_at > last || i + 1 == attempt)
                    .fold(last + 250, |start, (_, failed_at)| start.min(failed_at)),
            };
            if start >= winner.map_or(DEADLINE_MS, |(won_at, _)| won_at) {
                break;
            }
            starts.push(start);
            if let Connects(after) = fate
                && start + after <= winner.map_or(DEADLINE_MS, |(won_at, _)| won_at - 1)
            {
                winner = Some((start + after, attempt));
            }
        }
        (starts, winner)
    }

    #[test]
    fn every_order_of_outcomes_of_up_to_four_addresses() {
        for count in 1..=4_u32 {
            for mut number in 0..FATES.len().pow(count) {
                let mut fates = Vec::new();
                for _ in 0..count {
                    fates.push(FATES[number % FATES.len()]);
                    number /= FATES.len();
                }
                assert_eq!(play(&fates), expected(&fates), "{fates:?}");
            }
        }
    }

    #[test]
    fn the_next_attempt_waits_250_ms_or_until_one_fails() {
        assert_eq!(play(&[IsSilent, IsSilent, Connects(10)]), (vec![0, 250, 500], Some((510, 2))));
        assert_eq!(play(&[Fails(0), Fails(30), Connects(10)]), (vec![0, 0, 30], Some((40, 2))));
    }

    #[test]
    fn an_earlier_attempt_may_still_win() {
        assert_eq!(play(&[Connects(260), Connects(600)]), (vec![0, 250], Some((260, 0))));
    }

    #[test]
    fn nothing_starts_when_there_is_no_time() {
        let now = Instant::now();
        assert_eq!(Race::new(2, now, now).step(now), Step::Lost);
    }

    #[test]
    fn families_take_turns_and_keep_their_order() {
        let parse = |texts: &[&str]| -> Vec<SocketAddr> { texts.iter().map(|t| t.parse().unwrap()).collect() };
        let [a6, b6, c6, a4, b4] = ["[::1]:1", "[::2]:1", "[::3]:1", "192.0.2.1:1", "192.0.2.2:1"];
        for (given, want) in [
            (vec![], vec![]),
            (vec![a4], vec![a4]),
            (vec![a6, b6, c6, a4, b4], vec![a6, a4, b6, b4, c6]),
            (vec![a4, b4, a6], vec![a4, a6, b4]),
            (vec![a6, b6], vec![a6, b6]),
        ] {
            assert_eq!(interleave(&parse(&given)), parse(&want));
        }
    }
}
