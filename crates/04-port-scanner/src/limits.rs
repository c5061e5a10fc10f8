//! How many descriptors this process may use for tries.
//!
//! A socket is a descriptor, and the system allows so many per process (`ulimit -n`): often 1,024 softly
//! and far more if asked. The soft limit is raised to the hard one, which needs no rights. What is open
//! already is counted. Source: getrlimit(2).

/// So many where the system has no such limit, or does not tell: what macOS gives at most by default.
const SOCKETS_ELSEWHERE: usize = 4096;

/// More at once than a scan can use: it would have to ask each of the 65,535 ports at the same time.
const SOCKETS_MAX: usize = 65_536;

/// Descriptors that others in this process may need meanwhile: a look-up, a log, the watcher's own three.
const KEPT_FREE: usize = 4;

/// What is open at least where it cannot be counted: three streams, the signals' pipe.
#[cfg(unix)]
const OPEN_AT_LEAST: usize = 8;

/// How many sockets a scan may have at once, at least 1. Raises the limit where that is allowed.
#[cfg(unix)]
#[must_use]
pub fn sockets_max() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(u64::MAX).min(SOCKETS_MAX as u64);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    let allowed = limit.current.map_or(SOCKETS_ELSEWHERE, |current| usize::try_from(current).unwrap_or(usize::MAX));
    allowed.saturating_sub(open_now() + KEPT_FREE).clamp(1, SOCKETS_MAX)
}

/// How many sockets a scan may have at once: Windows counts them by memory only.
#[cfg(not(unix))]
#[must_use]
pub fn sockets_max() -> usize {
    SOCKETS_ELSEWHERE.min(SOCKETS_MAX).saturating_sub(KEPT_FREE)
}

/// How many descriptors are open.
#[cfg(unix)]
fn open_now() -> usize {
    // Linux and macOS list them; the listing itself takes one.
    let listed = ["/proc/self/fd", "/dev/fd"].iter().find_map(|path| std::fs::read_dir(path).ok());
    listed.map_or(OPEN_AT_LEAST, |entries| entries.count())
}
