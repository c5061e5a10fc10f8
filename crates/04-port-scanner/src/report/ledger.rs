//! Counts of what was found, host by host; a host is complete with its last port.
//!
//! Only hosts that have said something are kept whole: a walk through a large network of silent addresses
//! must not grow. Read `crate::verdict` before. Pure.

use std::collections::HashMap;

use crate::target::HostAddr;
use crate::verdict::{Finding, Reason, Verdict};

/// What is known about one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostReport {
    /// Which.
    pub host: HostAddr,
    /// Open ports, ascending once the report is complete.
    pub open: Vec<u16>,
    /// How many ports were refused.
    pub closed: u32,
    /// How many were silent.
    pub filtered: u32,
    /// How many there is no way to.
    pub unreachable: u32,
    /// How many this machine forbids.
    pub denied: u32,
    /// How many could not be asked.
    pub unknown: u32,
    /// Why the first of the last three kinds could not be asked.
    pub reason: Option<Reason>,
    /// Ports that gave an answer, open or closed.
    pub answers: u32,
    /// Tries that were lost before such an answer.
    pub lost: u32,
    /// How often silent ports were asked, at least.
    pub tries: u8,
    settled: u32,
}

impl HostReport {
    fn new(host: HostAddr) -> Self {
        let (open, reason) = (Vec::new(), None);
        let (closed, filtered, unreachable, denied, unknown, answers, lost, settled) = (0, 0, 0, 0, 0, 0, 0, 0);
        Self {
            host,
            open,
            closed,
            filtered,
            unreachable,
            denied,
            unknown,
            reason,
            answers,
            lost,
            tries: u8::MAX,
            settled,
        }
    }

    /// Whether any port of it has been reached, or might have been.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        // A host that rejects with ICMP limits how many such messages it sends: the rest looks like silence.
        self.answers > 0 || self.settled == 0 || (self.filtered > 0 && self.unreachable == 0)
    }

    fn record(&mut self, finding: &Finding) {
        self.settled += 1;
        match &finding.verdict {
            Verdict::Open => self.open.push(finding.addr.port()),
            Verdict::Closed => self.closed += 1,
            Verdict::Filtered => {
                self.filtered += 1;
                self.tries = self.tries.min(finding.attempt);
            }
            Verdict::Unreachable(_) => self.unreachable += 1,
            Verdict::Denied(_) => self.denied += 1,
            Verdict::Unknown(_) => self.unknown += 1,
        }
        if matches!(finding.verdict, Verdict::Open | Verdict::Closed) {
            self.answers += 1;
            self.lost += u32::from(finding.attempt) - 1;
        }
        if self.reason.is_none() {
            self.reason = finding.verdict.reason().cloned();
        }
    }
}

/// Sums over all hosts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Ports of which everything is said.
    pub settled: u64,
    /// Open ones.
    pub open: u64,
    /// Refused ones.
    pub closed: u64,
    /// Silent ones.
    pub filtered: u64,
    /// Those without a way to them, those that this machine forbids, those that could not be asked.
    pub unreachable: u64,
    /// Forbidden by this machine.
    pub denied: u64,
    /// Could not be asked.
    pub unknown: u64,
    /// Hosts whose every port was silent.
    pub silent_hosts: u64,
    /// Hosts to none of whose ports there is a way.
    pub unreachable_hosts: u64,
}

/// All hosts of a scan.
#[derive(Debug, Default)]
pub struct Ledger {
    under_way: HashMap<HostAddr, HostReport>,
    complete: Vec<HostReport>,
    totals: Totals,
}

impl Ledger {
    /// Writes one finding down.
    pub fn record(&mut self, finding: &Finding) {
        let host = HostAddr::from(finding.addr);
        let report = self.under_way.entry(host).or_insert_with(|| HostReport::new(host));
        report.record(finding);
        self.totals.settled += 1;
        let is_complete = report.settled >= finding.host_ports;
        if is_complete && let Some(report) = self.under_way.remove(&host) {
            self.add(report);
        }
    }

    /// The sums so far; hosts under way are counted as settled only.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Ends the book: also hosts that were not asked to their end.
    #[must_use]
    pub fn close(mut self) -> (Vec<HostReport>, Totals) {
        for report in std::mem::take(&mut self.under_way).into_values() {
            self.add(report);
        }
        // By address, a host that was resumed together with its first half.
        self.complete.sort_by_key(|report| report.host);
        (self.complete, self.totals)
    }

    fn add(&mut self, mut report: HostReport) {
        report.open.sort_unstable();
        let totals = &mut self.totals;
        totals.open += report.open.len() as u64;
        totals.closed += u64::from(report.closed);
        totals.filtered += u64::from(report.filtered);
        totals.unreachable += u64::from(report.unreachable);
        totals.denied += u64::from(report.denied);
        totals.unknown += u64::from(report.unknown);
        let is_silent = report.filtered == report.settled;
        totals.silent_hosts += u64::from(is_silent);
        totals.unreachable_hosts += u64::from(!report.is_reachable());
        // The first ones stand for all that are of no interest.
        if report.answers > 0 || self.complete.len() < UNINTERESTING_KEPT {
            self.complete.push(report);
        }
    }
}

/// So many hosts are kept whole even if they were silent or unreachable.
const UNINTERESTING_KEPT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(addr: &str, verdict: Verdict, attempt: u8, host_ports: u32) -> Finding {
        Finding { addr: addr.parse().unwrap(), verdict, attempt, rtt: None, host_ports }
    }

    #[test]
    fn a_host_is_counted_once_it_is_complete() {
        let mut ledger = Ledger::default();
        ledger.record(&finding("192.0.2.1:80", Verdict::Open, 2, 3));
        ledger.record(&finding("192.0.2.1:22", Verdict::Open, 1, 3));
        assert_eq!(ledger.totals().open, 0);
        ledger.record(&finding("192.0.2.1:23", Verdict::Filtered, 3, 3));
        assert_eq!((ledger.totals().open, ledger.totals().filtered), (2, 1));
        let (reports, _) = ledger.close();
        assert_eq!((reports[0].open.as_slice(), reports[0].lost, reports[0].tries), ([22, 80].as_slice(), 1, 3));
    }

    #[test]
    fn a_host_that_only_rejects_is_unreachable_even_if_it_limits_its_rejections() {
        for (port, want) in [(Verdict::Filtered, false), (Verdict::Closed, true)] {
            let mut ledger = Ledger::default();
            let error = std::io::ErrorKind::HostUnreachable.into();
            let crate::verdict::Answer::Says(rejected) = crate::verdict::Answer::of_error(&error) else {
                panic!("no answer")
            };
            ledger.record(&finding("192.0.2.1:80", rejected, 1, 2));
            ledger.record(&finding("192.0.2.1:81", port, 3, 2));
            assert_eq!(ledger.close().0[0].is_reachable(), want);
        }
    }

    #[test]
    fn thousands_of_silent_hosts_are_counted_and_not_kept() {
        let mut ledger = Ledger::default();
        for number in 0..5_000_u32 {
            let ip = std::net::Ipv4Addr::from_bits(number);
            ledger.record(&finding(&format!("{ip}:80"), Verdict::Filtered, 3, 1));
        }
        let (reports, totals) = ledger.close();
        assert_eq!((reports.len(), totals.silent_hosts, totals.filtered), (UNINTERESTING_KEPT, 5_000, 5_000));
    }
}
