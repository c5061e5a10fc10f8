//! `--pcapng`: what the proxy relays, as packets; Wireshark reads them and finds every byte and no fault.
//!
//! Read `tests/common/tshark.rs` before.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(unix)] // Ends the program with a real signal.

mod common;
#[path = "common/tshark.rs"]
mod tshark;

use std::io::{Read, Write};
use std::path::Path;

use netcommon::testing::Program;

use crate::common::{connect, serve};

const EXE: &str = env!("CARGO_BIN_EXE_net-monitor");

/// More than one packet can carry, and no two bytes in a row alike.
fn question() -> Vec<u8> {
    (0..150_000_u32).map(|number| (number * 7 % 251) as u8).collect()
}

const ANSWER: &str = "收到了，謝謝";

/// One connection through the proxy, in a capture; returns the client's port and the front's.
fn relay_into(file: &Path) -> (u16, u16) {
    let target = serve(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        assert_eq!(all, question());
        stream.write_all(ANSWER.as_bytes()).unwrap();
    });
    let args = ["proxy", "127.0.0.1:0", &target.addr.to_string(), "--pcapng", file.to_str().unwrap()];
    let mut program = Program::start(EXE, &args);
    let front = program.listening_addr();
    let mut client = connect(front);
    client.write_all(&question()).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, ANSWER);
    program.expect_line("orderly");
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    (client.local_addr().unwrap().port(), front.port())
}

#[test]
fn wireshark_finds_every_relayed_byte_and_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("流量.pcapng");
    let (client, front) = relay_into(&file);
    let wanted = [
        "tcp.srcport",
        "tcp.dstport",
        "tcp.payload",
        "tcp.checksum.status",
        "tcp.analysis.flags",
        "frame.comment",
        "frame.interface_description",
    ];
    let Some(packets) = tshark::fields("pcapng", &file, &[], &wanted) else { return };
    let payload = |from: u16, to: u16| -> Vec<u8> {
        let ours = |packet: &&Vec<String>| packet[0] == from.to_string() && packet[1] == to.to_string();
        packets.iter().filter(ours).flat_map(|packet| tshark::bytes(&packet[2])).collect()
    };
    assert_eq!(payload(client, front), question());
    assert_eq!(payload(front, client), ANSWER.as_bytes());
    for packet in &packets {
        // 1 is "good"; anything in the analysis would be a hole or a wrong number.
        assert_eq!((packet[3].as_str(), packet[4].as_str()), ("1", ""), "{packet:?}");
        assert!(packet[6].starts_with("headers rebuilt"), "{packet:?}");
    }
    let comments: Vec<&str> = packets.iter().map(|packet| packet[5].as_str()).filter(|text| !text.is_empty()).collect();
    for call in ["accept(", "recv(", "send(", "shutdown("] {
        assert!(comments.iter().any(|comment| comment.starts_with(call)), "{call} in {comments:?}");
    }
}

#[test]
fn a_file_that_cannot_be_made_is_refused_at_once() {
    let end = Program::run(EXE, &["proxy", "127.0.0.1:0", "127.0.0.1:9", "--pcapng", "/nowhere/流量.pcapng"], "");
    assert_eq!(end.code, Some(2));
    assert!(end.stderr.contains("create /nowhere/流量.pcapng: No such file"), "{}", end.stderr);
}
