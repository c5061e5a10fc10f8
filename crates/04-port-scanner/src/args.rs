//! The command line, and the jobs that it asks for.
//!
//! Names are looked up here, before anything is scanned; one that is not found does not stop the others.

use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use netcommon::cli::{Common, describe};
use netcommon::connect::ConnectError;
use netcommon::shutdown::Shutdown;
use netcommon::units::parse_duration;
use port_scanner::plan::Job;
use port_scanner::ports::PortList;
use port_scanner::scan::TRIES_MAX;
use port_scanner::target::{AddrRange, Target};

/// With twice more, 5 % loss leaves one open port in 8,000 unseen.
const RETRIES: u8 = 2;

/// Teaches how one program waits for thousands of connections at once, and how sure it can be of silence.
///
/// Scan only machines that are yours, or whose owner has agreed.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  port-scanner 127.0.0.1 -p 1-65535\n  port-scanner localhost --engine threads --banner"
)]
pub(crate) struct Args {
    /// Whom to ask: names, addresses, blocks (192.0.2.0/24) or ranges (192.0.2.5-192.0.2.9)
    #[arg(value_name = "HOST", required_unless_present = "resume")]
    hosts: Vec<Target>,

    /// Which ports, for example 22,80,8000-8999 or 60000-
    #[arg(short, long, value_name = "PORTS", default_value = "1-1024")]
    ports: PortList,

    /// The N most usual ports, up to 100, in place of -p
    #[arg(long, value_name = "N", conflicts_with = "ports", value_parser = clap::value_parser!(u8).range(1..=100))]
    top: Option<u8>,

    /// How long a port may stay silent at most; a host that answers quickly is given less
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "1s")]
    pub(crate) timeout: Duration,

    /// How often a silent port is asked again within that time, by the engine that can [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..i64::from(TRIES_MAX)))]
    retries: Option<u8>,

    /// One thread for all connections, or one for each of a hundred
    #[arg(long, value_enum, default_value_t = Engine::Events)]
    pub(crate) engine: Engine,

    /// At most so many tries a second, out of courtesy
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: Option<u32>,

    /// Also tell what open ports say first
    #[arg(long)]
    pub(crate) banner: bool,

    /// Stop at the first open port
    #[arg(long)]
    pub(crate) first: bool,

    /// All addresses of a name, not only the first
    #[arg(long)]
    all_addresses: bool,

    /// One JSON object a line: each open port as it is found, a summary at the end
    #[arg(long)]
    pub(crate) json: bool,

    /// Go on with what an interrupted scan has left, as it printed it
    #[arg(long, value_name = "JOBS", value_delimiter = ' ', num_args = 1, conflicts_with_all = ["hosts", "ports", "top"])]
    resume: Vec<Job>,

    /// I have the right to scan machines other than this one: no word of warning
    #[arg(long)]
    i_may_scan_this: bool,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// Who waits for the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// One thread, told by the system which connections are ready; one a processor to scan this machine itself
    Events,
    /// Worker threads, each of which waits for one connection
    Threads,
}

/// What is to be scanned.
pub(crate) struct Work {
    pub(crate) jobs: Vec<Job>,
    /// As the first line of the report names it.
    pub(crate) hosts: String,
    pub(crate) ports: Arc<PortList>,
    /// Whether a line about a port must say whose it is.
    pub(crate) names_host: bool,
    /// Some name was not found, and has been complained about.
    pub(crate) has_failed: bool,
}

impl Args {
    /// Looks names up and says on stderr what is odd.
    pub(crate) fn work(&self, shutdown: &Shutdown) -> Work {
        let ports = Arc::new(self.top.map_or_else(|| self.ports.clone(), |count| PortList::top(count.into())));
        let mut work =
            Work { jobs: self.resume.clone(), hosts: String::new(), ports, names_host: false, has_failed: false };
        for target in &self.hosts {
            match target.addresses(shutdown) {
                Ok(ranges) => {
                    let ranges = self.chosen(target, ranges);
                    work.jobs.extend(ranges.into_iter().map(|hosts| Job { hosts, ports: work.ports.clone() }));
                }
                // Whoever asked for the end need not be told.
                Err(ConnectError::Interrupted { .. }) => break,
                Err(error) => {
                    complain(&describe(&error.into()));
                    work.has_failed = true;
                }
            }
        }
        if let Some(job) = self.resume.first() {
            work.ports = job.ports.clone();
        }
        let names: Vec<String> = work.jobs.iter().map(|job| job.hosts.to_string()).collect();
        work.hosts = names.join(", ");
        let hosts = work.jobs.iter().fold(0, |sum: u128, job| sum.saturating_add(job.hosts.address_count()));
        work.names_host = hosts > 1;
        if !self.i_may_scan_this {
            warn_of_strangers(&work.jobs);
        }
        if self.engine == Engine::Threads && self.retries.is_some_and(|retries| retries > 0) {
            complain("--retries has no effect with --engine threads: a thread that waits cannot ask again");
        }
        work
    }

    /// How often a silent port is asked.
    pub(crate) fn tries(&self) -> u8 {
        self.retries.unwrap_or(RETRIES) + 1
    }

    /// The addresses of `target` that are asked: of a name only the first, unless all are wanted.
    fn chosen(&self, target: &Target, mut ranges: Vec<AddrRange>) -> Vec<AddrRange> {
        if matches!(target, Target::Name(_)) && !self.all_addresses && ranges.len() > 1 {
            let others: Vec<String> = ranges.drain(1..).map(|range| range.to_string()).collect();
            complain(&format!(
                "not asked, other addresses of the name: {}; --all-addresses asks them too",
                others.join(", ")
            ));
        }
        ranges
    }
}

/// Says once that scanning somebody else's machine may be forbidden.
fn warn_of_strangers(jobs: &[Job]) {
    let strange = jobs.iter().find(|job| job.hosts.address_count() > 1 && !job.is_loopback() || !is_here(job));
    if let Some(job) = strange {
        complain(&format!(
            "{} is not this machine: scan it only if it is yours or its owner has agreed; --i-may-scan-this silences this word",
            job.hosts
        ));
    }
}

/// Whether its first address belongs to this machine: only then can a socket be bound to it. Sends nothing.
fn is_here(job: &Job) -> bool {
    job.hosts.first().is_some_and(|host| {
        let addr: SocketAddr = host.with_port(0);
        addr.ip().is_loopback() || (!addr.ip().is_multicast() && UdpSocket::bind(addr).is_ok())
    })
}

/// A line on stderr with the program's name.
pub(crate) fn complain(words: &str) {
    // If stderr is closed, nobody is left to tell.
    let _ = writeln!(io::stderr(), "port-scanner: {words}");
}
