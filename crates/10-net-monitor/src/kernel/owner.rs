//! Whose socket it is: the process that holds an inode, from `/proc`. Linux only.
//!
//! The announcement of a death names no owner, and a connection of a millisecond is over before anybody has looked. But
//! a watched port has a listener, and what it accepts belongs to the same program: so the listener's owner is looked
//! up, once. Without rights this sees the user's own processes. Read before: `diag.rs`. Source: `proc_pid_fd(5)`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// The owners that have been asked for, by the socket's inode.
#[derive(Debug, Default)]
pub(super) struct Owners {
    known: HashMap<u32, Option<String>>,
}

impl Owners {
    /// The process that holds the socket, as `name (pid)`; `None` when it cannot be seen.
    ///
    /// Reads the descriptors of all processes the first time, some milliseconds; remembers the answer.
    pub(super) fn of(&mut self, inode: u32) -> Option<&str> {
        self.known.entry(inode).or_insert_with(|| find(Path::new("/proc"), inode)).as_deref()
    }
}

/// Looks through the descriptors of every process.
fn find(proc: &Path, inode: u32) -> Option<String> {
    let wanted = format!("socket:[{inode}]");
    for process in fs::read_dir(proc).ok()?.flatten() {
        let name = process.file_name();
        let Some(pid) = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) else { continue };
        let Ok(descriptors) = fs::read_dir(process.path().join("fd")) else { continue };
        let holds = descriptors
            .flatten()
            .any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str()));
        if holds {
            let program = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} ({pid})", program.trim_end()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn our_own_listener_is_ours() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let link = fs::read_link(format!("/proc/self/fd/{}", listener.as_raw_fd())).unwrap();
        let digits: String = link.to_str().unwrap().chars().filter(char::is_ascii_digit).collect();
        let mut owners = Owners::default();
        let owner = owners.of(digits.parse().unwrap()).unwrap();
        assert!(owner.ends_with(&format!("({})", std::process::id())), "{owner}");
        assert_eq!(owners.of(0), None);
    }
}
