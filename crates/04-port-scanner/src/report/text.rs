//! The report for people: the lines of the first scanner that everybody writes, and how sure they are.
//!
//! Builds lines and prints nothing, so that a test can read them. Read `sureness.rs` before.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use netcommon::escape::quote;

use super::ledger::{HostReport, Totals};
use super::sureness::Sureness;
use crate::banner::{BANNER_LEN_MAX, Greeting};
use crate::engine::End;
use crate::ports::PortList;
use crate::services::Services;
use crate::target::HostAddr;

/// `Scanning 127.0.0.1 from port 1 to 1024`
#[must_use]
pub fn beginning(hosts: &str, ports: &PortList) -> String {
    match ports.as_range() {
        Some((first, last)) => format!("Scanning {hosts} from port {first} to {last}"),
        None => format!("Scanning {hosts}, ports {ports}"),
    }
}

/// `Port 22 is open (ssh)`, with the host if there are several.
#[must_use]
pub fn open_port(addr: SocketAddr, names_host: bool, services: &Services) -> String {
    let mut line = format!("Port {} is open", addr.port());
    if names_host {
        // Writing to a String cannot fail.
        let _ = write!(line, " on {}", HostAddr::from(addr));
    }
    if let Some(name) = services.name(addr.port()) {
        let _ = write!(line, " ({name})");
    }
    line
}

/// `Port 22 says "SSH-2.0-…"`
#[must_use]
pub fn banner(addr: SocketAddr, names_host: bool, greeting: &Greeting) -> String {
    let mut line = format!("Port {}", addr.port());
    if names_host {
        let _ = write!(line, " on {}", HostAddr::from(addr));
    }
    let _ = match greeting {
        Greeting::Words(words) => write!(line, " says {}", quote(words, BANNER_LEN_MAX)),
        Greeting::Silence => write!(line, " says nothing until it is asked"),
        Greeting::Closed => write!(line, " closes without a word"),
        Greeting::Failed(reason) => write!(line, " could not be listened to ({reason})"),
    };
    line
}

/// Everything behind the open ports.
#[must_use]
pub fn ending(end: End, reports: &[HostReport], totals: &Totals, took: Duration) -> Vec<String> {
    let how = match end {
        End::Complete => "completed in",
        End::Enough => "stopped after",
        End::Interrupted => "interrupted after",
    };
    let mut lines = vec![String::new(), format!("Scan {how} {:.2} seconds", took.as_secs_f64())];
    lines.push(format!("Found {} open ports", totals.open));
    if let [report] = reports
        && totals.silent_hosts + totals.unreachable_hosts <= 1
    {
        lines.push(format!("Open ports: {:?}", report.open));
        lines.push(format!("Other ports: {}", others(report)));
        lines.push(format!("How sure: {}", Sureness::of_host(report)));
        return lines;
    }
    for report in reports.iter().filter(|report| report.answers > 0) {
        lines.push(format!("{}: open {:?}, {}", report.host, report.open, others(report)));
        lines.push(format!("    How sure: {}", Sureness::of_host(report)));
    }
    let (silent, unreachable) = (totals.silent_hosts, totals.unreachable_hosts);
    lines.push(format!("Hosts that said nothing: {silent}; without a way to them: {unreachable}"));
    lines
}

/// `1014 closed, 8 filtered`, and what else there was.
fn others(report: &HostReport) -> String {
    let mut words = format!("{} closed, {} filtered", report.closed, report.filtered);
    for (count, name) in
        [(report.unreachable, "unreachable"), (report.denied, "denied by this machine"), (report.unknown, "unknown")]
    {
        if count > 0 {
            let _ = write!(words, ", {count} {name}");
        }
    }
    if let Some(reason) = &report.reason {
        let _ = write!(words, " ({reason})");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_port_is_named_with_its_service_and_if_need_be_its_host() {
        let services = Services::parse("ssh 22/tcp");
        let addr: SocketAddr = "[::1]:22".parse().unwrap();
        assert_eq!(open_port(addr, false, &services), "Port 22 is open (ssh)");
        assert_eq!(open_port(addr, true, &Services::default()), "Port 22 is open on ::1");
    }

    #[test]
    fn a_banner_is_shown_and_never_obeyed() {
        let addr: SocketAddr = "127.0.0.1:2222".parse().unwrap();
        let line = banner(addr, false, &Greeting::Words("\x1b]0;你好\x07\n".into()));
        assert_eq!(line, r#"Port 2222 says "\x1b]0;你好\x07\n""#);
        assert_eq!(banner(addr, true, &Greeting::Silence), "Port 2222 on 127.0.0.1 says nothing until it is asked");
    }

    #[test]
    fn the_beginning_names_a_range_or_a_list() {
        assert_eq!(beginning("127.0.0.1", &"1-1024".parse().unwrap()), "Scanning 127.0.0.1 from port 1 to 1024");
        assert_eq!(beginning("::1", &"22,80".parse().unwrap()), "Scanning ::1, ports 22,80");
    }
}
