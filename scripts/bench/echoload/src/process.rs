//! What a server costs: processor time, peak memory and threads, of a process and all its
//! descendants, because some peers serve each connection with a process of its own.
//!
//! Read from `/proc` (`proc_pid_stat(5)`, `proc_pid_status(5)`, the scheduler's `schedstat`), so only
//! on Linux; elsewhere asking is an error that says so. The parsing is pure.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::report::Report;

/// `/proc` counts processor time in ticks of `USER_HZ`, which is 100 a second on every architecture
/// that Rust has Linux for, whatever the kernel's own clock rate is.
const TICK: Duration = Duration::from_millis(10);

/// What a process and its descendants have used so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Processor time in user mode and in the kernel. A descendant that has ended counts if its
    /// parent waited for it, so compare two readings between which none ends.
    pub cpu: Duration,
    /// The sum of every process's own peak of resident memory (`VmHWM`), in KiB. A page that
    /// processes share counts once for each.
    pub peak_rss_kib: u64,
    /// Threads alive now, in all processes.
    pub threads: u64,
    /// Processes alive now.
    pub processes: u64,
}

impl Usage {
    /// Of the process `pid` and all its descendants.
    ///
    /// # Errors
    ///
    /// When `/proc` does not show that process: it has ended, or this is not Linux.
    pub fn of(pid: u32) -> Result<Self> {
        let processes = read_processes().context("read /proc, which only Linux has")?;
        let mut usage = Self::default();
        let mut due = vec![pid];
        while let Some(pid) = due.pop() {
            if let Some(stat) = processes.get(&pid) {
                usage.add(pid, stat);
            }
            let children = processes.iter().filter(|(_, stat)| stat.parent == pid);
            due.extend(children.map(|(child, _)| *child));
        }
        anyhow::ensure!(usage.processes > 0, "find process {pid} in /proc: no such process");
        Ok(usage)
    }

    /// Of this process.
    ///
    /// # Errors
    ///
    /// As [`Usage::of`].
    pub fn of_ourselves() -> Result<Self> {
        Self::of(std::process::id())
    }

    fn add(&mut self, pid: u32, stat: &Stat) {
        // A process that ended since the listing has no status any more: its time still counts.
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        // Ticks count threads that have ended too, but a thousand processes that have used less than
        // a tick each would count as nothing; the scheduler's sum is exact for those that live.
        self.cpu += (TICK * stat.ticks).max(time_of_threads(pid));
        self.peak_rss_kib += status_number(&status, "VmHWM").unwrap_or(0);
        self.threads += status_number(&status, "Threads").unwrap_or(0);
        self.processes += 1;
    }

    /// Writes into a report what the server used since `before`, a share of it for each request.
    pub fn report_since(&self, before: &Self, requests: u64, report: &mut Report) {
        let cpu = self.cpu.saturating_sub(before.cpu);
        report.millis("server_cpu_ms", cpu);
        report.measure("server_cpu_us_per_request", cpu.as_secs_f64() * 1e6 / requests.max(1) as f64);
        report.count("server_peak_rss_kib", self.peak_rss_kib);
        report.count("server_threads", self.threads);
        report.count("server_processes", self.processes);
    }
}

/// What everyone else did on this machine while we measured: a figure taken beside a running
/// compiler is a figure about the compiler.
#[derive(Debug)]
pub struct Disturbance {
    began: Instant,
    machine: Duration,
    ours: Duration,
    server: Option<(u32, Usage)>,
}

impl Disturbance {
    /// Begins to watch; `None` where `/proc` does not tell. The server is one of us, not a disturbance.
    #[must_use]
    pub fn begin(server: Option<(u32, Usage)>) -> Option<Self> {
        Some(Self { began: Instant::now(), machine: machine_busy()?, ours: Usage::of_ourselves().ok()?.cpu, server })
    }

    /// Writes into a report how busy this program was, and how busy everyone else was if it is known
    /// who the server is: in percent of one core, and of the whole machine.
    pub fn report(&self, report: &mut Report) {
        let (Some(machine), Ok(ours)) = (machine_busy(), Usage::of_ourselves()) else {
            return;
        };
        let elapsed = self.began.elapsed().as_secs_f64();
        let ours = ours.cpu.saturating_sub(self.ours);
        // Close to 100: the generator is the bottleneck, and the rate says little about the server.
        report.measure("generator_cpu_percent", 100.0 * ours.as_secs_f64() / elapsed);
        let Some((pid, before)) = self.server else {
            return;
        };
        let server = Usage::of(pid).map_or(Duration::ZERO, |now| now.cpu.saturating_sub(before.cpu));
        let others = machine.saturating_sub(self.machine).saturating_sub(ours + server);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        report.measure("others_cpu_percent", 100.0 * others.as_secs_f64() / (elapsed * cores as f64));
    }
}

/// Processor time that all processors together have spent on anything (`proc_stat(5)`).
fn machine_busy() -> Option<Duration> {
    parse_machine(&fs::read_to_string("/proc/stat").ok()?)
}

/// The first line: `cpu`, then user, nice, system, idle, iowait, irq, softirq and steal, in ticks.
fn parse_machine(stat: &str) -> Option<Duration> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields = line.split_whitespace().map(str::parse);
    // Since the start of the machine, on all processors: too much for 32 bits in a long life.
    let fields: Vec<u64> = fields.collect::<Result<_, _>>().ok()?;
    let idle = fields.get(3)? + fields.get(4)?;
    let busy = fields.iter().take(8).sum::<u64>() - idle;
    Some(Duration::from_millis(busy * TICK.as_millis() as u64))
}

/// What one line of `/proc/PID/stat` tells us.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// Own time and that of children that have ended and were waited for.
    ticks: u32,
}

fn read_processes() -> Result<HashMap<u32, Stat>> {
    let mut processes = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue; // Not a process.
        };
        let line = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if let Some(stat) = parse_stat(&line) {
            processes.insert(pid, stat);
        }
    }
    Ok(processes)
}

/// Processor time of the threads that live now; zero where the kernel keeps no such statistics.
fn time_of_threads(pid: u32) -> Duration {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Duration::ZERO;
    };
    let lines = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
    lines.filter_map(|line| parse_schedstat(&line)).sum()
}

/// Nanoseconds on a processor, nanoseconds spent waiting for one, time slices.
fn parse_schedstat(line: &str) -> Option<Duration> {
    let nanos = line.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}

/// The command's name stands in brackets and may itself hold spaces and brackets, so counting starts
/// behind the last one.
fn parse_stat(line: &str) -> Option<Stat> {
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some(Stat {
        parent: number(1)?,
        // utime, stime, cutime, cstime.
        ticks: number(11)? + number(12)? + number(13)? + number(14)?,
    })
}

/// The number in a line such as `VmHWM:     2212 kB`.
fn status_number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let value = line.strip_prefix(':')?;
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let line = "42 (a) S 1 (b) R 7 42 42 0 -1 4194560 100 0 0 0 5 6 7 8 20 0 3 0 999 0";
        let want = Stat { parent: 7, ticks: 26 };
        assert_eq!(parse_stat(line), Some(want));
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn a_machine_is_busy_when_it_is_not_idle() {
        let stat = "cpu  10 20 30 4000 500 6 7 8 900 90\ncpu0 1 2 3 4 5 6 7 8 9 9\n";
        assert_eq!(parse_machine(stat), Some(TICK * 81));
    }

    #[test]
    fn the_scheduler_counts_nanoseconds() {
        let time = parse_schedstat("770651 12 1\n");
        assert_eq!(time, Some(Duration::from_nanos(770_651)));
        assert_eq!(parse_schedstat(""), None);
    }

    #[test]
    fn a_status_line_is_found_by_its_whole_name() {
        let status = "VmHWMX:\t1 kB\nVmHWM:\t    2212 kB\nThreads:\t3\n";
        assert_eq!(status_number(status, "Threads"), Some(3));
        assert_eq!(status_number("VmHWM:\t    2212 kB\n", "VmHWM"), Some(2212));
        assert_eq!(status_number(status, "VmRSS"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_child_counts_with_its_parent() {
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let usage = Usage::of_ourselves().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(usage.processes >= 2, "{usage:?}");
        assert!(usage.threads > usage.processes, "{usage:?}");
        assert!(usage.peak_rss_kib > 0, "{usage:?}");
    }
}
