//! All engines over real loopback: open, closed, silent; no port that is not there; few descriptors.
//!
//! Read `src/engine/mod.rs` before. `cli.rs` tests the program.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::ops::ControlFlow;
use std::time::Duration;

use netcommon::shutdown::Shutdown;
use netcommon::testing::ClosedPort;
use port_scanner::engine::{End, Outcome, team, threads};
use port_scanner::plan::{Job, Plan};
use port_scanner::scan::Config;
use port_scanner::verdict::{Finding, Verdict};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Events,
    /// Three threads with a loop of events each.
    Team,
    Threads,
}

const ALL: [Engine; 3] = [Engine::Events, Engine::Team, Engine::Threads];

const CONFIG: Config = Config { timeout: Duration::from_millis(600), tries: 3, rate: None, sockets_max: 512 };

const THREADS: threads::Config = threads::Config { workers: 20, timeout: CONFIG.timeout, rate: None };

/// Scans `jobs` until `stop_at` says so; what was found, and how it ended.
fn scan_until(
    engine: Engine,
    jobs: &[String],
    shutdown: &Shutdown,
    mut stop_at: impl FnMut(&Finding) -> bool + Send,
) -> (BTreeMap<SocketAddr, Verdict>, Outcome) {
    let plan = Plan::new(jobs.iter().map(|job| job.parse().unwrap()).collect::<Vec<Job>>());
    let (mut found, mut is_over) = (BTreeMap::new(), false);
    let mut observer = |finding: Option<&Finding>| {
        let Some(finding) = finding else { return Ok(ControlFlow::Continue(())) };
        assert!(engine == Engine::Threads || !is_over, "{} is told to nobody", finding.addr);
        assert_eq!(found.insert(finding.addr, finding.verdict.clone()), None, "{} twice", finding.addr);
        is_over = stop_at(finding);
        Ok(if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    };
    let outcome = match engine {
        Engine::Events => team::run(plan, CONFIG, 1, shutdown, &mut observer).unwrap(),
        Engine::Team => team::run(plan, CONFIG, 3, shutdown, &mut observer).unwrap(),
        Engine::Threads => threads::run(plan, THREADS, shutdown, &mut observer).unwrap(),
    };
    (found, outcome)
}

fn scan(engine: Engine, jobs: &[String]) -> BTreeMap<SocketAddr, Verdict> {
    let (found, outcome) = scan_until(engine, jobs, &Shutdown::new(), |_| false);
    assert_eq!((outcome.end, outcome.left), (End::Complete, Vec::new()));
    found
}

#[test]
fn open_and_closed_ports_are_told_apart_in_both_families() {
    for listener in [TcpListener::bind("127.0.0.1:0"), TcpListener::bind("[::1]:0")] {
        // A machine without IPv6 has nothing to scan there.
        let Ok(listener) = listener else { continue };
        let open = listener.local_addr().unwrap();
        // In the other family it was free a moment ago, and most likely is.
        let bound = ClosedPort::new();
        let closed = SocketAddr::new(open.ip(), bound.addr.port());
        for engine in ALL {
            let found = scan(engine, &[format!("{}={},{}", open.ip(), open.port(), closed.port())]);
            assert_eq!(found[&open], Verdict::Open, "{engine:?}");
            assert_eq!(found[&closed], Verdict::Closed, "{engine:?}");
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_backlog_is_silence_and_silence_is_filtered() {
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let addr = listener.local_addr().unwrap().as_socket().unwrap();
    // Linux keeps one connection more than it was told, and answers no SYN after that.
    let mut fillers = Vec::new();
    while let Ok(filler) = std::net::TcpStream::connect_timeout(&addr, Duration::from_millis(200)) {
        fillers.push(filler);
    }
    for engine in ALL {
        assert_eq!(scan(engine, &[format!("127.0.0.1={}", addr.port())])[&addr], Verdict::Filtered, "{engine:?}");
    }
}

#[test]
fn no_port_is_found_open_that_nobody_listens_on() {
    // All ports that the system hands out, again and again: a connect may be given the very port it asks.
    // On ::1, because the tests of other programs come and go on 127.0.0.1 meanwhile.
    let has_ipv6 = TcpListener::bind("[::1]:0").is_ok();
    let host = if has_ipv6 { "::1" } else { "127.0.0.1" };
    let mut false_ports = Vec::new();
    for engine in [Engine::Events, Engine::Events, Engine::Team, Engine::Team, Engine::Team, Engine::Threads] {
        let found = scan(engine, &[format!("{host}=32768-60999")]);
        assert_eq!(found.len(), 60_999 - 32_768 + 1);
        let open = found.into_iter().filter(|(_, verdict)| *verdict == Verdict::Open);
        // A port that can be bound has nobody who listens on it.
        false_ports.extend(open.filter(|(addr, _)| TcpListener::bind(addr).is_ok()));
    }
    // A listener of another program that ended between the scan and the check looks the same: one may pass.
    assert!(false_ports.len() <= 1, "{false_ports:?}");
}

#[test]
fn the_observer_ends_the_scan_and_what_is_left_is_exact() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for engine in ALL {
        let job = format!("127.0.0.1=1-1023,{port}");
        let (found, outcome) = scan_until(engine, &[job], &Shutdown::new(), |finding| finding.addr.port() == 500);
        assert_eq!(outcome.end, End::Enough);
        let left: Vec<SocketAddr> = Plan::new(outcome.left).map(|question| question.addr).collect();
        assert_eq!(found.len() + left.len(), 1024, "{engine:?}");
        assert!(left.iter().all(|addr| !found.contains_key(addr)), "{engine:?}");
    }
}

#[test]
fn shutdown_ends_a_scan_that_waits_in_silence() {
    for engine in ALL {
        let shutdown = Shutdown::new();
        shutdown.advance();
        let (found, outcome) = scan_until(engine, &["127.0.0.1=1-60000".to_owned()], &shutdown, |_| false);
        assert_eq!(outcome.end, End::Interrupted);
        let left = Plan::new(outcome.left).count();
        assert_eq!(found.len() + left, 60_000, "{engine:?}");
    }
}
