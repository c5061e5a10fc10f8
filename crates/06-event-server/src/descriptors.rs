//! As many descriptors as the server needs, if the system lets us have them.
//!
//! Every socket is a descriptor, and a process may have only so many: often 1,024, a *soft* limit that
//! every process may raise itself, up to a *hard* limit that only an administrator raises. Windows
//! counts handles and has no such limit. Source: getrlimit(2).

/// What the process needs beside its clients: the standard streams, the listener, the poller's three, and
/// a few that libraries open for a moment.
#[cfg(unix)]
const RESERVE: u64 = 32;

/// Raises this process's soft limit so that `connections` fit, or as far as the hard limit allows.
///
/// `getrlimit(2)`, `setrlimit(2)`. That it cannot be raised is no error: then clients wait in the backlog.
#[cfg(unix)]
pub fn allow(connections: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(RESERVE);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let new = wanted.min(maximum.unwrap_or(u64::MAX));
    if current.is_some_and(|current| current < new)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(new), maximum })
    {
        log::info!("raise the limit on descriptors to {new}: {error}");
    }
    if new < wanted {
        log::info!("descriptors for {} clients; `ulimit -Hn` says how far the limit goes", new.saturating_sub(RESERVE));
    }
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub fn allow(_connections: usize) {}

#[cfg(all(test, unix))]
mod tests {
    use rustix::process::{Resource, getrlimit};

    #[test]
    fn the_soft_limit_is_raised_and_never_lowered() {
        super::allow(0);
        let before = getrlimit(Resource::Nofile);
        super::allow(1);
        assert_eq!(getrlimit(Resource::Nofile).current, before.current);
        super::allow(usize::MAX);
        let after = getrlimit(Resource::Nofile);
        // macOS refuses more than its kernel's own maximum, whatever the hard limit says.
        assert!(after.current == after.maximum || after.current == before.current, "{after:?}");
    }
}
