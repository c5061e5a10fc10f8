//! After the server has ended, nothing of it is left in the process: no thread and no descriptor.
//!
//! One test alone in its program, because it counts what the whole process has.

#![cfg(target_os = "linux")]

use crate::harness::{Server, ask};
use netcommon::echo::Config;

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
    assert_eq!((count("/proc/self/task"), count("/proc/self/fd")), before);
}
