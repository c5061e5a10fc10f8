//! Both programs killed in the middle of a file, without a chance to say or save anything; then the same
//! commands again.
//!
//! Where the middle is the test sees in the receiver's folder: it kills once a journal names some pieces.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use netcommon::testing::{DEADLINE, Program};

const EXE: &str = env!("CARGO_BIN_EXE_file-transfer");

/// At most so many datagrams on their way, and short ones: slow enough that no machine has sent the file before the
/// test has looked.
const SLOWLY: [&str; 6] = ["--congestion", "fixed", "--window", "8", "--datagram", "1200"];
const SIZE: u64 = 48 << 20;

fn receiver(into: &Path) -> (Program, String) {
    let args = ["receive", "127.0.0.1:0", "--once", "--into", into.to_str().unwrap()];
    let mut program = Program::start(EXE, &args);
    let addr = program.listening_addr().to_string();
    (program, addr)
}

/// A file that is mostly a hole, with something in every mebibyte.
fn large_file(folder: &Path) -> PathBuf {
    let path = folder.join("大檔.bin");
    let mut file = File::create(&path).unwrap();
    file.set_len(SIZE).unwrap();
    for mebibyte in 0..SIZE >> 20 {
        file.seek(SeekFrom::Start(mebibyte << 20)).unwrap();
        file.write_all(format!("第 {mebibyte} 段").as_bytes()).unwrap();
    }
    path
}

/// Waits until the journal in `folder` names at least `pieces`.
fn wait_for_journal(folder: &Path, pieces: usize) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let journal = entries.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "pieces"));
        let lines = journal.and_then(|path| fs::read_to_string(path).ok()).map_or(0, |text| text.lines().count());
        if lines > pieces {
            return;
        }
        assert!(Instant::now() < deadline, "no journal with {pieces} pieces");
        std::thread::yield_now();
    }
}

#[test]
fn killed_in_the_middle_both_go_on_from_there() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = large_file(from.path());
    let (killed_receiver, addr) = receiver(into.path());
    let args = ["send", path.to_str().unwrap(), "--to", &addr];
    let killed_sender = Program::start(EXE, &[&args[..], &SLOWLY].concat());
    wait_for_journal(into.path(), 8);
    // Dropping kills: no signal that a program could catch.
    drop((killed_sender, killed_receiver));
    assert!(!into.path().join("大檔.bin").exists(), "it was sent before it could be cut");

    let (receiver, addr) = receiver(into.path());
    let sent = Program::run(EXE, &["send", path.to_str().unwrap(), "--to", &addr], "");
    let received = receiver.wait();
    assert_eq!((sent.code, received.code), (Some(0), Some(0)), "{sent:?} {received:?}");
    assert!(sent.stdout.contains("大檔.bin: ") && sent.stdout.contains(" are there already, "), "{sent:?}");
    let mut both = [path, into.path().join("大檔.bin")].map(|path| File::open(path).unwrap());
    let mut digests = both.iter_mut().map(|file| {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        blake3::hash(&bytes)
    });
    assert_eq!(digests.next(), digests.next());
    assert_eq!(fs::read_dir(into.path()).unwrap().count(), 1, "nothing else stays");
}
