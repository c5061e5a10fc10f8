//! The loads: as much as the server takes, or so many messages a second.
//!
//! In the closed loop each author keeps a window of messages that not everybody has heard yet. In the open
//! loop messages go in by the clock, and a delivery's time counts from the moment at which its message was
//! due, so that a server that stalls cannot hide it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use echoload::histogram::Histogram;
use echoload::process::{Disturbance, Usage};
use echoload::report::Report;

use crate::crowd::Crowd;
use crate::dialect::{Dialect, Heard};
use crate::order::Order;

/// How long the last deliveries may take.
const STALL: Duration = Duration::from_secs(5);

/// What to do.
#[derive(Debug, Clone)]
pub struct Load {
    /// The server's language.
    pub dialect: Dialect,
    /// Members who listen; the first ones also talk.
    pub members: usize,
    /// Members who never read.
    pub stuck: usize,
    /// How many talk.
    pub authors: usize,
    /// Messages of one author that not everybody has heard yet, in the closed loop.
    pub window: usize,
    /// Messages a second of all authors together; none for the closed loop.
    pub rate: Option<f64>,
    /// Bytes of a message.
    pub text_len: usize,
    /// How long to measure.
    pub measured: Duration,
    /// How many may be joining at once.
    pub at_once: usize,
}

/// Runs a load; the report, and whether everything was delivered as it must be.
///
/// # Errors
/// When not everybody can join, or the system fails us.
pub fn run(server: SocketAddr, load: &Load, server_pid: Option<u32>) -> Result<(Report, bool)> {
    let everybody = (load.members + load.stuck, load.members, load.at_once);
    let (mut crowd, joined) = Crowd::join(load.dialect, server, everybody, Duration::from_secs(60))?;
    crowd.settle(Duration::from_millis(200))?;
    let before = server_pid.map(|pid| Usage::of(pid).map(|usage| (pid, usage))).transpose()?;
    let disturbance = Disturbance::begin(before);
    let mut order = Order::new(load.authors, load.members, load.text_len);
    let began = Instant::now();
    let tally = talk(&mut crowd, &mut order, load)?;
    let elapsed = tally.last.unwrap_or(began) - began;

    let mut report = Report::default();
    report.count("members", load.members as u64);
    report.millis("joined_ms", joined);
    report.count("deliveries", tally.times.count());
    report.measure("deliveries_per_s", tally.times.count() as f64 / elapsed.as_secs_f64().max(1e-9));
    report.micros("p50_us", tally.times.quantile(0.50));
    report.micros("p99_us", tally.times.quantile(0.99));
    report.micros("max_us", tally.times.max());
    let wrong = tally.wrong + order.authors_out_of_order();
    report.count("wrong", wrong);
    report.count("lost", order.missing() as u64);
    report.count("closed", crowd.closed);
    if let Some(disturbance) = disturbance {
        disturbance.report(&mut report);
    }
    if let Some((pid, before)) = before {
        Usage::of(pid)?.report_since(&before, tally.times.count(), &mut report);
    }
    Ok((report, wrong == 0 && order.missing() == 0 && crowd.closed == 0))
}

#[derive(Debug, Default)]
struct Tally {
    times: Histogram,
    wrong: u64,
    last: Option<Instant>,
}

/// Talks and listens until the time is over and everything has arrived.
fn talk(crowd: &mut Crowd, order: &mut Order, load: &Load) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut due = vec![if load.rate.is_some() { 0 } else { load.window }; load.authors];
    let began = Instant::now();
    let (until, mut by_clock) = (began + load.measured, 0_u64);
    let mut wire = Vec::new();
    loop {
        let now = Instant::now();
        let is_over = now >= until;
        let mut timeout = Duration::from_millis(100);
        if let Some(rate) = load.rate.filter(|_| !is_over) {
            loop {
                let at = began + Duration::from_secs_f64(by_clock as f64 / rate);
                if at > now {
                    timeout = at - now;
                    break;
                }
                let author = usize::try_from(by_clock % load.authors as u64)?;
                by_clock += 1;
                wire.clear();
                load.dialect.say(&order.next(author, at), &mut wire);
                crowd.say(author, &wire)?;
            }
        } else if load.rate.is_none() && !is_over {
            for (author, due) in due.iter_mut().enumerate().filter(|(_, due)| **due > 0) {
                wire.clear();
                for _ in 0..std::mem::take(due) {
                    load.dialect.say(&order.next(author, now), &mut wire);
                }
                crowd.say(author, &wire)?;
            }
        }
        if is_over && (order.missing() == 0 || now > until + STALL) {
            return Ok(tally);
        }
        crowd.listen(timeout, |listener, heard, at| {
            let Heard::Said(text) = heard else { return Ok(()) };
            match order.hear(listener, text) {
                Some(delivery) => {
                    tally.times.record(at.saturating_duration_since(delivery.sent_at));
                    tally.last = Some(at);
                    due.iter_mut()
                        .enumerate()
                        .filter(|(author, _)| delivery.complete == Some(*author))
                        .for_each(|(_, due)| *due += 1);
                }
                None => tally.wrong += 1,
            }
            Ok(())
        })?;
    }
}
