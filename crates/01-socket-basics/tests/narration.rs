//! `--narrate` tells the truth: strace sees the same calls with the same arguments and results.
//!
//! Linux, and only where strace is installed; elsewhere the test says that it skipped. The name look-ups
//! are left out: their sockets belong to the C library, not to us.

#![cfg(target_os = "linux")]

use netcommon::testing::strace;

#[test]
fn the_narration_of_every_topic_is_what_the_kernel_was_asked() {
    let scratch = tempfile::tempdir().unwrap();
    let exe = env!("CARGO_BIN_EXE_socket-basics");
    let errors = ["refused", "in-use", "permission", "timeout", "unreachable", "reset"].map(|error| ["errors", error]);
    let topics = ["create", "options", "names"].map(|topic| [topic, "--lang=en"]);
    for topic in topics.into_iter().chain(errors) {
        let log = scratch.path().join(topic.concat());
        let Some(program) = strace::start(&log, exe, &[topic[0], topic[1], "--narrate=en"]) else { return };
        let pid = program.pid();
        let finished = program.wait();
        assert_eq!(finished.code, Some(0), "{topic:?}: {}", finished.stderr);
        strace::compare(&finished.stderr, &strace::read_log(&log, pid));
    }
}
