//! The scan on a virtual clock, through a virtual network that loses, limits and runs out, by seed.
//!
//! Read `mod.rs` before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::*;
use crate::plan::{Job, Plan};

/// What a port of the virtual host does with a SYN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Closed,
    Silent,
}

/// A host, and the way to it.
struct Network {
    rtt: Duration,
    /// In parts of a thousand.
    loss: u64,
    /// How many closed ports answer in 100 ms; the others are silent.
    refusals_per_tenth: Option<u32>,
    /// How many sockets the system gives.
    sockets: usize,
    fate: fn(u16) -> Fate,
    seed: u64,
}

const QUICK: Duration = Duration::from_micros(100);

impl Default for Network {
    fn default() -> Self {
        Self { rtt: QUICK, loss: 0, refusals_per_tenth: None, sockets: 20_000, fate: ten_open, seed: 1 }
    }
}

/// Ten open ports behind a firewall.
fn ten_open(port: u16) -> Fate {
    if port % 1000 == 77 { Fate::Open } else { Fate::Silent }
}

/// How a scan went.
#[derive(Debug, Default)]
struct Outcome {
    findings: BTreeMap<u16, (Verdict, u8)>,
    took: Duration,
    in_flight_max: usize,
    tries: usize,
    window_min: usize,
}

impl Outcome {
    fn ports(&self, wanted: &Verdict) -> Vec<u16> {
        self.findings.iter().filter(|(_, (verdict, _))| verdict == wanted).map(|(port, _)| *port).collect()
    }
}

impl Network {
    fn random(&mut self) -> u64 {
        // xorshift64: any sequence does, as long as it comes again.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed % 1000
    }

    /// Plays a whole scan of `ports`; each answer comes one round trip after its try.
    fn play(mut self, ports: &str, config: Config) -> Outcome {
        let job: Job = format!("192.0.2.1={ports}").parse().unwrap();
        let mut scan = Scan::new(Plan::new([job]), config);
        let begin = Instant::now();
        let (mut now, mut outcome) = (begin, Outcome { window_min: usize::MAX, ..Outcome::default() });
        let mut on_the_way: BTreeSet<(Instant, usize)> = BTreeSet::new();
        let mut sockets: BTreeMap<usize, (TryId, Fate)> = BTreeMap::new();
        let mut refused: BTreeMap<u128, u32> = BTreeMap::new();
        loop {
            outcome.took = now - begin;
            outcome.window_min = outcome.window_min.min(scan.window().size());
            let step = scan.next(now);
            while let Some(id) = scan.next_dropped() {
                sockets.remove(&id.index());
                on_the_way.retain(|(_, index)| *index != id.index());
            }
            let found = match step {
                Step::Done => break,
                Step::Found(finding) => Some(finding),
                Step::Ask(id, _) if sockets.len() >= self.sockets => {
                    let refusal = std::io::Error::from_raw_os_error(if cfg!(windows) { 10_024 } else { 24 });
                    scan.on_answer(id, Answer::of_error(&refusal), now)
                }
                Step::Ask(id, addr) => {
                    outcome.tries += 1;
                    let mut fate = (self.fate)(addr.port());
                    if let Some(limit) = self.refusals_per_tenth.filter(|_| fate == Fate::Closed) {
                        let count = refused.entry((now - begin).as_millis() / 100).or_default();
                        *count += 1;
                        fate = if *count > limit { Fate::Silent } else { fate };
                    }
                    if fate != Fate::Silent && self.random() >= self.loss {
                        on_the_way.insert((now + self.rtt, id.index()));
                    }
                    assert!(sockets.insert(id.index(), (id, fate)).is_none(), "one socket, two tries");
                    None
                }
                Step::WaitUntil(until) => {
                    assert!(until > now, "a wait that is over already would spin");
                    match on_the_way.first().copied().filter(|(at, _)| *at <= until) {
                        None => {
                            now = until;
                            None
                        }
                        Some((at, index)) => {
                            now = now.max(at);
                            on_the_way.remove(&(at, index));
                            let (id, fate) = sockets.remove(&index).unwrap();
                            let verdict = if fate == Fate::Open { Verdict::Open } else { Verdict::Closed };
                            scan.on_answer(id, Answer::Says(verdict), now)
                        }
                    }
                }
            };
            outcome.in_flight_max = outcome.in_flight_max.max(sockets.len());
            if let Some(Finding { addr, verdict, attempt, .. }) = found {
                let before = outcome.findings.insert(addr.port(), (verdict, attempt));
                assert_eq!(before, None, "{addr} was settled twice");
            }
        }
        assert_eq!((scan.in_flight(), scan.unsettled()), (0, Vec::new()));
        outcome
    }
}

fn config() -> Config {
    Config { timeout: Duration::from_secs(1), tries: 3, rate: None, sockets_max: 20_000 }
}

fn is_near(got: Duration, want_ms: u64) -> bool {
    (want_ms..want_ms + want_ms / 10 + 80).contains(&u64::try_from(got.as_millis()).unwrap())
}

#[test]
fn every_port_is_settled_once_and_rightly() {
    let fate = |port: u16| [Fate::Open, Fate::Closed, Fate::Silent][usize::from(port % 3)];
    let outcome = Network { fate, ..Network::default() }.play("1-3000", config());
    assert_eq!(outcome.findings.len(), 3000);
    for (port, (verdict, attempt)) in &outcome.findings {
        let want = [(Verdict::Open, 1), (Verdict::Closed, 1), (Verdict::Filtered, 3)][usize::from(port % 3)].clone();
        assert_eq!((verdict.clone(), *attempt), want, "port {port}");
    }
}

#[test]
fn a_host_that_never_answers_costs_the_timeout_and_not_more() {
    let silent = |_| Fate::Silent;
    let outcome = Network { fate: silent, ..Network::default() }.play("1-10000", config());
    assert_eq!(outcome.ports(&Verdict::Filtered).len(), 10_000);
    assert!(is_near(outcome.took, 1000), "{:?}", outcome.took);
    assert!(outcome.in_flight_max <= 20_000, "{}", outcome.in_flight_max);
}

#[test]
fn once_the_round_trip_is_known_silence_is_believed_sooner() {
    let outcome = Network::default().play("1-10000", config());
    assert_eq!(outcome.ports(&Verdict::Open).len(), 10);
    assert!(is_near(outcome.took, 300), "{:?}", outcome.took);
}

#[test]
fn a_slow_host_is_waited_for_with_all_tries_under_way() {
    let fate = |port: u16| if port == 50 { Fate::Open } else { Fate::Silent };
    let slow = Network { rtt: Duration::from_millis(900), fate, ..Network::default() };
    let outcome = slow.play("1-100", config());
    assert_eq!(outcome.ports(&Verdict::Open), [50], "the first try is answered when the third is under way");
    assert_eq!(outcome.findings[&50].1, 1);
}

#[test]
fn with_5_percent_loss_hardly_any_open_port_is_missed() {
    let (mut found, mut found_by_one_try) = (0, 0);
    let fate = |port: u16| if port % 100 == 77 { Fate::Open } else { Fate::Silent };
    for seed in 1..=40 {
        let network = || Network { loss: 50, seed, fate, ..Network::default() };
        found += network().play("1-1000", config()).ports(&Verdict::Open).len();
        found_by_one_try += network().play("1-1000", Config { tries: 1, ..config() }).ports(&Verdict::Open).len();
    }
    assert!(found >= 399, "{found} of 400");
    assert!((350..398).contains(&found_by_one_try), "{found_by_one_try} of 400: the loss has to be there");
}

#[test]
fn a_host_that_limits_its_refusals_is_asked_more_slowly() {
    let fate = |port: u16| if port == 1999 { Fate::Open } else { Fate::Closed };
    let limited = Network { refusals_per_tenth: Some(10), fate, ..Network::default() };
    let outcome = limited.play("1-2000", config());
    assert_eq!(outcome.ports(&Verdict::Open), [1999]);
    assert!(outcome.window_min < window::WINDOW_START / 2, "{}", outcome.window_min);
}

#[test]
fn running_out_of_sockets_delays_and_never_decides() {
    let fate = |port: u16| [Fate::Open, Fate::Closed, Fate::Silent][usize::from(port % 3)];
    for sockets in [1, 2, 7, 50] {
        let outcome = Network { sockets, fate, ..Network::default() }.play("1-90", config());
        assert_eq!(outcome.ports(&Verdict::Open).len(), 30, "{sockets} sockets");
        assert_eq!(outcome.ports(&Verdict::Filtered).len(), 30, "{sockets} sockets");
        assert!(outcome.in_flight_max <= sockets);
    }
}

#[test]
fn without_any_socket_for_ten_seconds_a_port_is_unknown_and_never_closed() {
    let outcome = Network { sockets: 0, fate: |_| Fate::Open, ..Network::default() }.play("1-2", config());
    assert!(outcome.findings.values().all(|(verdict, _)| verdict.name() == "unknown"), "{:?}", outcome.findings);
    assert!(outcome.took >= ROOM_WAIT_MAX && outcome.took < 2 * ROOM_WAIT_MAX, "{:?}", outcome.took);
}

#[test]
fn a_rate_is_kept_also_by_the_later_tries() {
    let config = Config { rate: Some(100), ..config() };
    for fate in [|_: u16| Fate::Closed, |_: u16| Fate::Silent] {
        let outcome = Network { fate, ..Network::default() }.play("1-100", config);
        let least = Duration::from_millis(10) * u32::try_from(outcome.tries - 2).unwrap();
        assert!(outcome.took >= least, "{} tries in {:?}", outcome.tries, outcome.took);
    }
}

#[test]
fn a_stopped_scan_names_exactly_the_ports_that_are_not_settled() {
    let job: Job = "192.0.2.1=1-500".parse().unwrap();
    let mut scan = Scan::new(Plan::new([job]), config());
    let now = Instant::now();
    for _ in 0..100 {
        let Step::Ask(id, addr) = scan.next(now) else { panic!("there is room for a hundred") };
        if addr.port() % 2 == 0 {
            scan.on_answer(id, Answer::Says(Verdict::Closed), now);
        }
    }
    let left: Vec<u16> = Plan::new(scan.unsettled()).map(|question| question.addr.port()).collect();
    let want: Vec<u16> = (1..=500).filter(|port| *port > 100 || port % 2 == 1).collect();
    assert_eq!(left, want);
}
