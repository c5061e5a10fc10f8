//! What the system says of a running program: its threads and its memory.
//!
//! Linux has them in `/proc/PID/status` (`proc_pid_status(5)`); elsewhere the columns show a dash, and the
//! system's own monitor shows the figures.

/// A program's figures, ready to be printed.
#[derive(Debug)]
pub(super) struct Vitals {
    pub(super) threads: String,
    /// Memory that is really there (`VmRSS`).
    pub(super) mib: String,
}

impl Vitals {
    /// Those of the process `pid` now.
    pub(super) fn of(pid: u32) -> Self {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default())
    }

    fn parse(status: &str) -> Self {
        let field = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            value.split_whitespace().next()?.parse::<u32>().ok()
        };
        let dash = || "-".to_owned();
        Self {
            threads: field("Threads:").map_or_else(dash, |threads| threads.to_string()),
            mib: field("VmRSS:").map_or_else(dash, |kib| format!("{:.1}", f64::from(kib) / 1024.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Vitals;

    #[test]
    fn both_figures_are_found_or_a_dash_is_shown() {
        let Vitals { threads, mib } = Vitals::parse("Name:\t伺服器\nVmRSS:\t    4812 kB\nThreads:\t3\n");
        assert_eq!((threads.as_str(), mib.as_str()), ("3", "4.7"));
        let Vitals { threads, mib } = Vitals::parse("");
        assert_eq!((threads.as_str(), mib.as_str()), ("-", "-"));
    }
}
