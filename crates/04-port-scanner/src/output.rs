//! What the program prints while it scans: open ports at once, on a terminal also how far it is.
//!
//! Results go to stdout, the progress bar to stderr, and only if that is a terminal.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use netcommon::cli::{StdoutError, print_line};
use port_scanner::banner::Greeting;
use port_scanner::engine::End;
use port_scanner::report::json::Line;
use port_scanner::report::ledger::{HostReport, Totals};
use port_scanner::report::text;
use port_scanner::services::Services;
use port_scanner::verdict::Finding;

use crate::args::Work;

/// For people or for programs.
pub(crate) struct Output {
    is_json: bool,
    names_host: bool,
    services: Services,
    bar: Option<ProgressBar>,
}

impl Output {
    /// Prints the first line, unless a program reads.
    pub(crate) fn begin(is_json: bool, work: &Work, ports: u64) -> Result<Self, StdoutError> {
        let bar = io::stderr().is_terminal().then(|| bar(ports));
        let output = Self { is_json, names_host: work.names_host, services: Services::of_system(), bar };
        if !is_json {
            output.print(&text::beginning(&work.hosts, &work.ports))?;
        }
        Ok(output)
    }

    /// Moves the bar.
    pub(crate) fn progress(&self, settled: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(settled);
        }
    }

    /// Removes the bar, so that nothing stands between the lines that follow.
    pub(crate) fn finish_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    pub(crate) fn open_port(&self, finding: &Finding) -> anyhow::Result<()> {
        if self.is_json {
            return self.print_json(&Line::open(finding, &self.services));
        }
        Ok(self.print(&text::open_port(finding.addr, self.names_host, &self.services))?)
    }

    pub(crate) fn banner(&self, addr: SocketAddr, greeting: &Greeting) -> anyhow::Result<()> {
        if self.is_json {
            return self.print_json(&Line::banner(addr, greeting));
        }
        Ok(self.print(&text::banner(addr, self.names_host, greeting))?)
    }

    pub(crate) fn ending(
        &self,
        end: End,
        reports: &[HostReport],
        totals: &Totals,
        took: Duration,
        resume: Option<String>,
    ) -> anyhow::Result<()> {
        if self.is_json {
            return self.print_json(&Line::summary(reports, totals, took, resume));
        }
        for line in text::ending(end, reports, totals, took) {
            self.print(&line)?;
        }
        Ok(())
    }

    fn print_json(&self, line: &Line<'_>) -> anyhow::Result<()> {
        Ok(self.print(&serde_json::to_string(line)?)?)
    }

    fn print(&self, line: &str) -> Result<(), StdoutError> {
        let print = || print_line(format_args!("{line}"));
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

/// How many of `ports` are settled, and how long the others will take.
fn bar(ports: u64) -> ProgressBar {
    let bar = ProgressBar::new(ports);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} ports, {eta} left") {
        bar.set_style(style);
    }
    bar
}
