//! As many descriptors as a program needs, if the system lets it have them.
//!
//! Every socket is a descriptor, and a process may have only so many: often 1,024 (on macOS 256), a *soft*
//! limit that every process may raise itself, up to a *hard* limit that only an administrator raises.
//! Windows counts handles and has no such limit. Source: getrlimit(2).

/// What a process opens beside the sockets that it asked room for: a log, a name to be looked up.
#[cfg(unix)]
const RESERVE: u64 = 16;

/// macOS refuses a soft limit above its kernel's own maximum, whatever the hard limit says, and this one it
/// always grants (`OPEN_MAX`, setrlimit(2)).
#[cfg(unix)]
const GRANTED_EVERYWHERE: u64 = 10_240;

/// What is open at least where it cannot be counted: three streams, the signals' pipe.
#[cfg(unix)]
const OPEN_AT_LEAST: usize = 8;

/// So many places in the kernel's table of our descriptors are made in advance: 128 KiB of its memory.
#[cfg(unix)]
const PLACES_MAX: usize = 16_384;

/// Raises this process's soft limit until `wanted` more sockets fit, or as far as the hard limit allows;
/// returns how many of them fit.
///
/// `getrlimit(2)`, `setrlimit(2)`. The limit is never lowered. Programs that are started afterwards
/// inherit it. Does not block. Call it before you start threads: the table of descriptors grows here, and in a
/// process of several threads Linux waits until no processor can be looking at the old one, some 20 ms at each
/// doubling, in which the thread that accepts serves nobody.
///
/// # Examples
/// ```
/// // A relay with 100 clients: two sockets for each.
/// let clients_max = netcommon::descriptors::room_for(200) / 2;
/// assert!(clients_max <= 100);
/// ```
#[cfg(unix)]
#[must_use]
pub fn room_for(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let taken = (open_now() as u64).saturating_add(RESERVE);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let needed = taken.saturating_add(wanted as u64).min(maximum.unwrap_or(u64::MAX));
    for new in [needed, needed.min(GRANTED_EVERYWHERE)] {
        let raised = Rlimit { current: Some(new), maximum };
        if current.is_none_or(|current| current >= new) || setrlimit(Resource::Nofile, raised).is_ok() {
            break;
        }
    }
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let room = usize::try_from(allowed.saturating_sub(taken)).unwrap_or(usize::MAX).min(wanted);
    if room < wanted {
        log::info!("descriptors for {room} of {wanted} sockets; `ulimit -Hn` says how far the limit goes");
    }
    make_places(usize::try_from(taken).unwrap_or(usize::MAX).saturating_add(room).min(PLACES_MAX));
    room
}

/// Makes the table of descriptors so long, with a copy of one at its end: `fcntl(2)` with `F_DUPFD_CLOEXEC`.
#[cfg(unix)]
fn make_places(count: usize) {
    use std::os::fd::AsFd;

    let last = i32::try_from(count.saturating_sub(1)).unwrap_or(i32::MAX);
    // Without it the table grows when it must; and the place that it took is free again at once.
    drop(rustix::io::fcntl_dupfd_cloexec(std::io::stdin().as_fd(), last));
}

/// Windows has no such limit.
#[cfg(not(unix))]
#[must_use]
pub fn room_for(wanted: usize) -> usize {
    wanted
}

/// How many descriptors are open.
#[cfg(unix)]
fn open_now() -> usize {
    // Linux and macOS list them; the listing itself takes one.
    let listed = ["/proc/self/fd", "/dev/fd"].iter().find_map(|path| std::fs::read_dir(path).ok());
    listed.map_or(OPEN_AT_LEAST, |entries| entries.count())
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::process::{Resource, getrlimit};

    use super::room_for;

    #[test]
    fn the_soft_limit_is_raised_and_never_lowered() {
        let before = getrlimit(Resource::Nofile);
        assert!(room_for(1) <= 1);
        assert_eq!(getrlimit(Resource::Nofile).current, before.current, "there was room for one already");
        let room = room_for(usize::MAX);
        let after = getrlimit(Resource::Nofile);
        assert!(after.current == after.maximum || cfg!(target_os = "macos"), "{after:?}");
        assert!(after.current.is_none_or(|limit| (room as u64) < limit), "what is open already is counted");
        assert!(after.current >= before.current || after.current.is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_table_is_as_long_as_it_will_be() {
        let room = room_for(1_000);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let places = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap();
        assert!(places.trim().parse::<usize>().unwrap() >= room, "{places}");
    }
}
