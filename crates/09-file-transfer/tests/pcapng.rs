//! `--pcapng` and `--narrate`: every datagram has a call of its own, and that call is told.
//!
//! Read `src/socket.rs` before. What Wireshark makes of a capture is tried in chapter 10.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::Path;

use netcommon::testing::Program;

const EXE: &str = env!("CARGO_BIN_EXE_file-transfer");

/// More than one datagram carries, and no two places in it alike.
fn contents() -> Vec<u8> {
    (0..150_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn both_ends_of_a_transfer_have_every_byte_in_their_capture() {
    let folder = tempfile::tempdir().unwrap();
    let [file, inbox, sent, received] =
        ["報告.bin", "收件匣", "sent.pcapng", "received.pcapng"].map(|name| folder.path().join(name));
    fs::write(&file, contents()).unwrap();
    fs::create_dir(&inbox).unwrap();
    let receive = ["receive", "127.0.0.1:0", "--into", text(&inbox), "--once", "--pcapng", text(&received)];
    let mut receiver = Program::start(EXE, &receive);
    let to = receiver.listening_addr().to_string();
    let end = Program::run(EXE, &["send", text(&file), "--to", &to, "--pcapng", text(&sent), "--narrate"], "");
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert_eq!(receiver.wait().code, Some(0));
    assert_eq!(fs::read(inbox.join("報告.bin")).unwrap(), contents());
    assert!(end.stderr.contains("sendto(") && end.stderr.contains("recvfrom("), "{}", end.stderr);
    for capture in [sent, received].map(|path| fs::read(path).unwrap()) {
        // Where datagrams end in the file is their business; most short pieces stand in one.
        let contents = contents();
        let whole = contents.chunks(100).step_by(50).filter(|piece| contains(&capture, piece)).count();
        assert!(whole > 20, "{whole} of 30 pieces in {} bytes", capture.len());
        assert!(capture.len() > contents.len());
    }
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}
