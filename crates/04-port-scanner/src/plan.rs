//! What is still to be asked: hosts times ports, walked one by one.
//!
//! The plan is never written out: it is a cursor in ranges, so that a /8 costs nothing before its turn.
//! What is left of it prints as text and parses again; that is all that `--resume` needs.
//! Read `ports.rs` and `target.rs` before. Pure.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ports::PortList;
use crate::target::{AddrRange, HostAddr};

/// The same ports of some hosts; prints as `127.0.0.1=22,80`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The hosts.
    pub hosts: AddrRange,
    /// The ports of each.
    pub ports: Arc<PortList>,
}

impl Job {
    /// Whether all of its hosts are this machine, by loopback addresses.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let first = self.hosts.first().map(|host| host.ip());
        // 127.0.0.0/8 is the only block of loopback addresses, and no block that begins in it is larger.
        first.is_some_and(|ip| ip.is_loopback() && self.hosts.address_count() <= 1 << 24)
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.hosts, self.ports)
    }
}

impl FromStr for Job {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (hosts, ports) = text.split_once('=').ok_or("expected ADDRESS=PORTS, for example 127.0.0.1=22,80-90")?;
        Ok(Self {
            hosts: hosts.parse().map_err(|error| format!("{error}"))?,
            ports: Arc::new(ports.parse().map_err(|error| format!("{error}"))?),
        })
    }
}

/// One question: is this port open?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The port.
    pub addr: SocketAddr,
    /// How many ports of this host its job asks about: the last answer completes the host.
    pub host_ports: u32,
}

/// The questions that have not been asked yet: host by host, ports ascending.
///
/// # Examples
/// ```
/// use port_scanner::plan::{Job, Plan};
///
/// let jobs: Vec<Job> = vec!["192.0.2.1-192.0.2.2=22,80".parse().unwrap()];
/// let mut plan = Plan::new(jobs);
/// assert_eq!(plan.left(), 4);
/// assert_eq!(plan.next().unwrap().addr.to_string(), "192.0.2.1:22");
/// let rest: Vec<String> = plan.jobs().iter().map(Job::to_string).collect();
/// assert_eq!(rest, ["192.0.2.1=80", "192.0.2.2=22,80"]);
/// ```
#[derive(Debug, Clone)]
pub struct Plan {
    /// The host whose ports are being asked, and the last one that was.
    host: Option<(HostAddr, u16)>,
    jobs: VecDeque<Job>,
    left: u128,
}

impl Plan {
    /// Walks `jobs` in their order.
    #[must_use]
    pub fn new(jobs: impl IntoIterator<Item = Job>) -> Self {
        let jobs: VecDeque<Job> = jobs.into_iter().collect();
        let questions = jobs.iter().map(|job| job.hosts.address_count().saturating_mul(job.ports.count().into()));
        let left = questions.fold(0, u128::saturating_add);
        Self { host: None, jobs, left }
    }

    /// How many questions are left.
    #[must_use]
    pub fn left(&self) -> u128 {
        self.left
    }

    /// Whether it asks nobody but this machine, by loopback addresses.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.jobs.iter().all(Job::is_loopback)
    }

    /// What is left, as jobs.
    #[must_use]
    pub fn jobs(&self) -> Vec<Job> {
        let mut left = Vec::new();
        let mut jobs = self.jobs.iter().cloned();
        if let (Some((host, port)), Some(job)) = (self.host, self.jobs.front()) {
            let rest = job.ports.rest_after(port);
            left.extend(rest.map(|ports| Job { hosts: AddrRange::one(host), ports: Arc::new(ports) }));
        }
        left.extend(jobs.by_ref().filter(|job| job.hosts.first().is_some()));
        left
    }
}

impl Iterator for Plan {
    type Item = Question;

    fn next(&mut self) -> Option<Question> {
        loop {
            let job = self.jobs.front_mut()?;
            let (host, before) = match self.host {
                Some((host, port)) => (host, Some(port)),
                None => match job.hosts.next() {
                    Some(host) => (host, None),
                    None => {
                        self.jobs.pop_front();
                        continue;
                    }
                },
            };
            if let Some(port) = job.ports.after(before) {
                self.host = Some((host, port));
                self.left = self.left.saturating_sub(1);
                return Some(Question { addr: host.with_port(port), host_ports: job.ports.count() });
            }
            self.host = None;
        }
    }
}

/// A plan that several scans take from, each question once.
#[derive(Debug, Clone)]
pub struct SharedPlan(Arc<Mutex<Plan>>);

impl From<Plan> for SharedPlan {
    fn from(plan: Plan) -> Self {
        Self(Arc::new(Mutex::new(plan)))
    }
}

impl SharedPlan {
    /// The plan, for one moment.
    pub fn lock(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left when a scan stops: the questions `asked` without an answer, and all that `plan` still has.
///
/// The ports of one host are one job, so that its report is one again after `--resume`; neighbours with the
/// same ports are a range, so that the line stays short enough for a shell.
#[must_use]
pub fn left_over(asked: Vec<SocketAddr>, plan: &Plan) -> Vec<Job> {
    let (mut jobs, mut rest) = (jobs_of(asked), plan.jobs());
    // The host that the plan is at may be on both sides.
    if let Some(job) = rest.first()
        && let Some(same) = jobs.iter_mut().find(|other| other.hosts == job.hosts)
    {
        same.ports = Arc::new(same.ports.with(&job.ports));
        rest.remove(0);
    }
    let mut merged: Vec<Job> = Vec::new();
    for job in jobs.into_iter().chain(rest) {
        let is_part = merged.last_mut().is_some_and(|last| last.ports == job.ports && last.hosts.append(&job.hosts));
        if !is_part {
            merged.push(job);
        }
    }
    merged
}

/// Questions as jobs: the ports of one host together, hosts ascending.
fn jobs_of(mut addrs: Vec<SocketAddr>) -> Vec<Job> {
    addrs.sort_unstable_by_key(|addr| (HostAddr::from(*addr), addr.port()));
    let same_host = |a: &SocketAddr, b: &SocketAddr| HostAddr::from(*a) == HostAddr::from(*b);
    let chunks = addrs.chunk_by(same_host).filter_map(|chunk| {
        let hosts = AddrRange::one(HostAddr::from(*chunk.first()?));
        Some(Job { hosts, ports: Arc::new(PortList::of_ports(chunk.iter().map(SocketAddr::port))) })
    });
    chunks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(jobs: &[&str]) -> Plan {
        Plan::new(jobs.iter().map(|job| job.parse().unwrap()).collect::<Vec<Job>>())
    }

    #[test]
    fn stopping_anywhere_and_resuming_asks_everything_exactly_once() {
        let jobs = ["192.0.2.1-192.0.2.3=1-3,80", "::1=22", "10.0.0.1=65535"];
        let all: Vec<SocketAddr> = plan(&jobs).map(|question| question.addr).collect();
        assert_eq!(all.len(), 14);
        for stop in 0..=all.len() {
            let mut first = plan(&jobs);
            let mut asked: Vec<SocketAddr> = first.by_ref().take(stop).map(|question| question.addr).collect();
            assert_eq!(first.left(), (all.len() - stop) as u128);
            let rest: Vec<String> = first.jobs().iter().map(Job::to_string).collect();
            let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
            asked.extend(plan(&rest).map(|question| question.addr));
            assert_eq!(asked, all, "stopped after {stop}");
        }
    }

    #[test]
    fn a_slash_8_is_walked_without_being_written_out() {
        let mut plan = plan(&["10.0.0.0/8=1-65535"]);
        assert_eq!(plan.left(), (1 << 24) * 65_535);
        let far = plan.nth(65_535).unwrap();
        assert_eq!((far.addr.to_string().as_str(), far.host_ports), ("10.0.0.1:1", 65_535));
        assert_eq!(plan.jobs()[1].to_string(), "10.0.0.2-10.255.255.255=1-65535");
    }

    fn left(asked: &[&str], plan: &Plan) -> Vec<String> {
        let asked = asked.iter().map(|addr| addr.parse().unwrap()).collect();
        left_over(asked, plan).iter().map(Job::to_string).collect()
    }

    #[test]
    fn questions_without_an_answer_become_one_job_a_host() {
        let none = plan(&[]);
        let asked = ["10.0.0.2:80", "10.0.0.1:23", "10.0.0.1:22"];
        assert_eq!(left(&asked, &none), ["10.0.0.1=22-23", "10.0.0.2=80"]);
        assert!(left(&[], &none).is_empty());
    }

    #[test]
    fn a_host_that_was_stopped_at_stays_one_job() {
        let mut plan = plan(&["192.0.2.9=1-100", "192.0.2.1=1-100", "192.0.2.5=7"]);
        // All of the first host and half of the second have been asked; three have not answered.
        assert_eq!(plan.nth(149).unwrap().addr.to_string(), "192.0.2.1:50");
        let left = left(&["192.0.2.1:50", "192.0.2.1:3", "192.0.2.9:80"], &plan);
        assert_eq!(left, ["192.0.2.1=3,50-100", "192.0.2.9=80", "192.0.2.5=7"]);
    }

    #[test]
    fn neighbours_with_the_same_ports_are_one_range() {
        let mut plan = plan(&["10.0.0.0/16=22"]);
        let asked: Vec<String> = plan.by_ref().take(20_000).map(|question| question.addr.to_string()).collect();
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        assert_eq!(left(&asked, &plan), ["10.0.0.0-10.0.255.255=22"]);
        assert_eq!(
            left(&["10.0.0.1:22", "10.0.0.3:22", "10.0.0.4:23", "[::1]:23", "[::2]:23"], &self::plan(&[])),
            ["10.0.0.1=22", "10.0.0.3=22", "10.0.0.4=23", "::1-::2=23"]
        );
    }

    #[test]
    fn what_is_no_job_is_refused() {
        for text in ["", "127.0.0.1", "127.0.0.1=", "localhost=80", "=80"] {
            assert!(text.parse::<Job>().is_err(), "{text}");
        }
    }
}
