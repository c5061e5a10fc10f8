//! The report for programs: one JSON object a line, as it happens, and a summary at the end.
//!
//! ```text
//! {"event":"open","host":"127.0.0.1","port":22,"service":"ssh","try":1,"rtt_ms":0.08}
//! {"event":"banner","host":"127.0.0.1","port":22,"banner":"SSH-2.0-…","error":null}
//! {"event":"summary","seconds":0.57,"open":1,"closed":1023,…,"resume":null,"hosts":[{"host":…}]}
//! ```
//!
//! The names are a contract: they may be added to, never changed. `banner` is escaped as on a terminal.

use std::net::SocketAddr;
use std::time::Duration;

use netcommon::escape::escape;
use serde::Serialize;

use super::ledger::{HostReport, Totals};
use super::sureness::Sureness;
use crate::banner::Greeting;
use crate::services::Services;
use crate::target::HostAddr;
use crate::verdict::Finding;

/// A line of the report.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Line<'a> {
    /// A port is open.
    Open {
        /// Its address, an IPv6 one without brackets.
        host: String,
        /// The port.
        port: u16,
        /// What usually listens there.
        service: Option<&'a str>,
        /// Which try found it.
        r#try: u8,
        /// How long that try took.
        rtt_ms: Option<f64>,
    },
    /// What an open port said first.
    Banner {
        /// Its address.
        host: String,
        /// The port.
        port: u16,
        /// Empty if it said nothing.
        banner: String,
        /// The system's name of the error that kept us from listening.
        error: Option<String>,
    },
    /// The last line.
    Summary(Summary),
}

/// What the whole scan found.
#[derive(Debug, Serialize)]
pub struct Summary {
    seconds: f64,
    open: u64,
    closed: u64,
    filtered: u64,
    unreachable: u64,
    denied: u64,
    unknown: u64,
    silent_hosts: u64,
    unreachable_hosts: u64,
    /// What is not settled, for `--resume`; null when everything is.
    resume: Option<String>,
    /// Those that said something, and the first that did not.
    hosts: Vec<Host>,
}

#[derive(Debug, Serialize)]
struct Host {
    host: String,
    open_ports: Vec<u16>,
    closed: u32,
    filtered: u32,
    unreachable: u32,
    denied: u32,
    unknown: u32,
    /// The system's name of the error behind the last three.
    reason: Option<String>,
    loss: Option<f64>,
    expected_missed: Option<f64>,
    limits_answers: bool,
    all_open: bool,
}

impl<'a> Line<'a> {
    /// A port that was found open.
    #[must_use]
    pub fn open(finding: &Finding, services: &'a Services) -> Self {
        let (host, port) = (HostAddr::from(finding.addr).to_string(), finding.addr.port());
        let rtt_ms = finding.rtt.map(|rtt| (rtt.as_secs_f64() * 1e6).round() / 1e3);
        Self::Open { host, port, service: services.name(port), r#try: finding.attempt, rtt_ms }
    }

    /// What a port said.
    #[must_use]
    pub fn banner(addr: SocketAddr, greeting: &Greeting) -> Self {
        let (banner, error) = match greeting {
            Greeting::Words(words) => (escape(words).to_string(), None),
            Greeting::Silence | Greeting::Closed => (String::new(), None),
            Greeting::Failed(reason) => (String::new(), Some(reason.to_string())),
        };
        Self::Banner { host: HostAddr::from(addr).to_string(), port: addr.port(), banner, error }
    }

    /// The end.
    #[must_use]
    pub fn summary(reports: &[HostReport], totals: &Totals, took: Duration, resume: Option<String>) -> Self {
        Self::Summary(Summary {
            seconds: (took.as_secs_f64() * 1e3).round() / 1e3,
            open: totals.open,
            closed: totals.closed,
            filtered: totals.filtered,
            unreachable: totals.unreachable,
            denied: totals.denied,
            unknown: totals.unknown,
            silent_hosts: totals.silent_hosts,
            unreachable_hosts: totals.unreachable_hosts,
            resume,
            hosts: reports.iter().map(Host::of).collect(),
        })
    }
}

impl Host {
    fn of(report: &HostReport) -> Self {
        let Sureness { loss, missed, all_open, limits_answers } = Sureness::of_host(report);
        let loss = loss.ok();
        Self {
            host: report.host.to_string(),
            open_ports: report.open.clone(),
            closed: report.closed,
            filtered: report.filtered,
            unreachable: report.unreachable,
            denied: report.denied,
            unknown: report.unknown,
            reason: report.reason.as_ref().map(ToString::to_string),
            loss,
            expected_missed: missed,
            limits_answers,
            all_open,
        }
    }
}
