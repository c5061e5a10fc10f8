//! As many descriptors as the relay needs, if the system lets us have them.
//!
//! A process may have only so many: a *soft* limit that it may raise itself, up to a *hard* one that only an
//! administrator raises; we ask for both, and take what we get. Windows has no such limit. Source: getrlimit(2).

/// What the process needs beside its connections: streams, log, listeners, pollers, pipes.
#[cfg(unix)]
const RESERVE: u64 = 192;

/// Raises the limit so that `connections` with two descriptors each fit; returns how many do.
#[cfg(unix)]
#[must_use]
pub fn allow(connections: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let wanted = (connections as u64).saturating_mul(2).saturating_add(RESERVE);
    let set = |current, maximum| setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum }).is_ok();
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < wanted) {
        let raised = maximum.is_some_and(|maximum| maximum < wanted) && set(wanted, Some(wanted));
        if !raised {
            set(maximum.map_or(wanted, |maximum| maximum.min(wanted)), maximum);
        }
    }
    let Some(current) = getrlimit(Resource::Nofile).current else { return connections };
    let fit = usize::try_from(current.saturating_sub(RESERVE) / 2).unwrap_or(usize::MAX);
    fit.clamp(1, connections.max(1))
}

/// Windows has no such limit.
#[cfg(not(unix))]
#[must_use]
pub fn allow(connections: usize) -> usize {
    connections
}

#[cfg(all(test, unix))]
mod tests {
    #[test]
    fn there_is_always_room_for_one_and_never_for_more_than_wanted() {
        assert_eq!(super::allow(0), 1);
        let few = super::allow(10);
        assert!((1..=10).contains(&few), "{few}");
    }
}
