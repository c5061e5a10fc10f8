//! The closed loop over TCP: every connection sends its next message as soon as the last one has
//! been answered whole.
//!
//! Read `fleet` first. The first answer of each connection is not measured: it includes the start of
//! the server's thread or process. After the measured time nothing new is sent, and what is on its
//! way is still received and compared, so that each byte that the server sent has been looked at.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::fleet::{Arrival, Fleet, Opening, Stage};
use crate::histogram::Histogram;
use crate::process::{Disturbance, Usage};
use crate::report::Report;

/// A server that answers nobody for so long has stopped; what is on its way counts as unanswered.
const STALL: Duration = Duration::from_secs(10);

/// What the closed loop saw.
#[derive(Debug, Default)]
struct Tally {
    round_trips: Histogram,
    /// Right answers that came after the measured time.
    late: u64,
    wrong: u64,
    closed: u64,
    unanswered: u64,
}

impl Tally {
    fn is_clean(&self) -> bool {
        self.wrong + self.closed + self.unanswered == 0
    }
}

/// Opens the connections and keeps each of them busy for `measured`; the second value says whether
/// every answer was right. `server_pid` adds what the server used meanwhile.
///
/// # Errors
///
/// When not all connections could be opened, or the system fails us.
pub fn load(
    server: SocketAddr,
    opening: &Opening,
    measured: Duration,
    server_pid: Option<u32>,
) -> Result<(Report, bool)> {
    let mut fleet = Fleet::open(server, opening)?;
    let server_before = server_pid.map(|pid| Usage::of(pid).map(|usage| (pid, usage)));
    let server_before = server_before.transpose()?;
    let disturbance = Disturbance::begin(server_before);
    let tally = closed_loop(&mut fleet, Instant::now() + measured)?;

    let mut report = opening_report(&fleet, opening);
    report_times(&tally.round_trips, measured, &mut report);
    report.count("wrong", tally.wrong);
    report.count("closed", tally.closed);
    report.count("unanswered", tally.unanswered);
    let requests = tally.round_trips.count() + tally.late;
    report_costs(disturbance, server_before, requests, &mut report)?;
    Ok((report, tally.is_clean()))
}

/// Opens the connections, with as many handshakes at once as `opening` says, and reports how long
/// it took.
///
/// # Errors
///
/// When not all connections could be opened.
pub fn connect(server: SocketAddr, opening: &Opening) -> Result<Report> {
    let fleet = Fleet::open(server, opening)?;
    Ok(opening_report(&fleet, opening))
}

/// Adds a rate and the distribution behind it; every measuring command names them alike.
pub(crate) fn report_times(times: &Histogram, measured: Duration, report: &mut Report) {
    report.count("requests", times.count());
    let rate = times.count() as f64 / measured.as_secs_f64();
    report.measure("requests_per_s", rate);
    report.micros("p50_us", times.quantile(0.50));
    report.micros("p99_us", times.quantile(0.99));
    report.micros("max_us", times.max());
}

/// Adds what the load has cost the server, this program and everyone else.
pub(crate) fn report_costs(
    disturbance: Option<Disturbance>,
    server_before: Option<(u32, Usage)>,
    requests: u64,
    report: &mut Report,
) -> Result<()> {
    if let Some(disturbance) = disturbance {
        disturbance.report(report);
    }
    if let Some((pid, before)) = server_before {
        Usage::of(pid)?.report_since(&before, requests, report);
    }
    Ok(())
}

fn opening_report(fleet: &Fleet, opening: &Opening) -> Report {
    let mut report = Report::default();
    report.count("connections", opening.connections as u64);
    report.count("message_bytes", opening.message_len as u64);
    report.millis("connected_ms", fleet.connected_after);
    report.millis("answered_ms", fleet.answered_after);
    report
}

fn closed_loop(fleet: &mut Fleet, until: Instant) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut on_its_way = fleet.connections.len();
    for number in 0..fleet.connections.len() {
        fleet.send_next(number, Instant::now())?;
    }
    let mut ready = Vec::new();
    while on_its_way > 0 {
        fleet.readiness.wait(STALL, &mut ready)?;
        if ready.is_empty() {
            break;
        }
        for &number in &ready {
            let arrival = fleet.receive(number)?;
            let now = Instant::now();
            if arrival == Arrival::Whole && now < until {
                let sent_at = fleet.connections[number].sent_at;
                tally.round_trips.record(now - sent_at);
                fleet.send_next(number, now)?;
                continue;
            }
            match arrival {
                Arrival::Partial => continue,
                Arrival::Whole => tally.late += 1,
                Arrival::Wrong => tally.wrong += 1,
                Arrival::Closed => tally.closed += 1,
            }
            on_its_way -= 1;
            fleet.retire(number)?;
        }
    }
    let waiting = fleet.connections.iter();
    let waiting = waiting.filter(|connection| connection.stage == Stage::Open);
    tally.unanswered = waiting.count() as u64;
    Ok(tally)
}
