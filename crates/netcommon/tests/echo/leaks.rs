//! After the server has ended, nothing of it is left in the process: no thread and no descriptor.
//!
//! One test alone in its program, because it counts what the whole process has.

#![cfg(target_os = "linux")]

use std::thread;
use std::time::Instant;

use netcommon::echo::Config;
use netcommon::testing::DEADLINE;

use crate::harness::{Server, ask};

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn no_thread_and_no_descriptor_is_left() {
    let before = (count("/proc/self/task"), count("/proc/self/fd"));
    for _ in 0..3 {
        let server = Server::start(Config::default());
        let clients: Vec<_> = (0..100).map(|_| server.connect()).collect();
        clients.iter().for_each(|client| ask(client, "有".as_bytes(), "Server received: 有".as_bytes()));
        assert_eq!(server.stop().served, 100);
    }
    // A thread that has been joined may stand in /proc for a moment longer: the kernel wakes who joins it
    // before it takes the thread off its list (set_tid_address(2)).
    let deadline = Instant::now() + DEADLINE;
    let left = || (count("/proc/self/task"), count("/proc/self/fd"));
    while left() != before && Instant::now() < deadline {
        thread::yield_now();
    }
    assert_eq!(left(), before);
}
