//! The program with `--protocol simple`: what it prints, its exit codes, and files that arrive.
//!
//! Both ends are child processes on loopback, port 0; through the network they only ever meet each other.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::net::UdpSocket;
use std::path::Path;

use file_transfer::simple::Message;
use netcommon::testing::{DEADLINE, Finished, Program};
use serde_json::Value;
use tempfile::TempDir;

const EXE: &str = env!("CARGO_BIN_EXE_file-transfer");

fn receiver(dir: &Path, options: &[&str]) -> (Program, String) {
    let mut args = vec!["receive", "127.0.0.1:0", "--protocol", "simple", "--into", dir.to_str().unwrap()];
    args.extend(options);
    let mut program = Program::start(EXE, &args);
    let addr = program.listening_addr().to_string();
    (program, addr)
}

fn send(files: &[&Path], addr: &str, options: &[&str]) -> Finished {
    let mut args = vec!["send"];
    args.extend(files.iter().map(|file| file.to_str().unwrap()));
    args.extend(["--to", addr, "--protocol", "simple"]);
    args.extend(options);
    Program::run(EXE, &args, "")
}

/// A folder with `課表.txt` and `空.txt`, and one to receive into.
fn files() -> (TempDir, TempDir) {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(from.path().join("課表.txt"), "第一節 國文\n".repeat(200)).unwrap();
    fs::write(from.path().join("空.txt"), "").unwrap();
    (from, into)
}

#[test]
fn files_arrive_and_both_ends_say_so() {
    let (from, into) = files();
    let (receiver, addr) = receiver(into.path(), &["--once"]);
    let (table, empty) = (from.path().join("課表.txt"), from.path().join("空.txt"));
    let sent = send(&[&table, &empty], &addr, &[]);
    let received = receiver.wait();
    assert_eq!((sent.code, received.code), (Some(0), Some(0)), "{sent:?} {received:?}");
    for name in ["課表.txt", "空.txt"] {
        assert_eq!(fs::read(into.path().join(name)).unwrap(), fs::read(from.path().join(name)).unwrap());
    }
    let digest = blake3::hash(&fs::read(&table).unwrap()).to_string();
    let line = format!("課表.txt: 3400 bytes complete, BLAKE3 {digest}");
    assert!(sent.stdout.starts_with(&format!("Sending 2 files to {addr}\n{line}\n空.txt: 0 bytes")), "{sent:?}");
    assert!(sent.stdout.contains("\nSent 2 files, 3400 bytes, in "), "{sent:?}");
    assert!(received.stdout.contains(&line) && received.stdout.contains("\nReceived 2 files, 3400 bytes, in "));
    assert_eq!((sent.stderr.as_str(), received.stderr.as_str()), ("", ""));
}

#[test]
fn json_is_one_object_a_line_and_the_last_has_the_sum() {
    let (from, into) = files();
    let (receiver, addr) = receiver(into.path(), &["--once", "--json"]);
    let table = from.path().join("課表.txt");
    let sent = send(&[&table], &addr, &["--json"]);
    let received = receiver.wait();
    let digest = blake3::hash(&fs::read(&table).unwrap()).to_string();
    for (stdout, side) in [(sent.stdout.as_str(), "sender"), (received.stdout.as_str(), "receiver")] {
        // The receiver's first line says where it listens, as every server's.
        let lines = stdout.lines().filter(|line| !line.contains("listening on"));
        let events: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = events.last().unwrap();
        assert_eq!((&last["event"], &last["side"], &last["bytes"]), (&"done".into(), &side.into(), &3400.into()));
        assert_eq!(last["digest"], digest);
    }
}

#[test]
fn nobody_at_the_address_is_told_at_once_with_what_to_do() {
    let (from, _) = files();
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let sent = send(&[&from.path().join("空.txt")], &closed, &[]);
    assert_eq!(sent.code, Some(1));
    let want = format!("file-transfer: receive from {closed}: Connection refused");
    #[cfg(target_os = "linux")]
    assert!(sent.stderr.starts_with(&want) && sent.stderr.ends_with("receive --into DIR\n"), "{sent:?}");
    #[cfg(not(target_os = "linux"))]
    let _ = want;
}

#[test]
fn silence_ends_after_the_time_that_was_asked_for() {
    let (from, _) = files();
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = silent.local_addr().unwrap().to_string();
    let sent = send(&[&from.path().join("空.txt")], &addr, &["--timeout", "600ms"]);
    assert_eq!(sent.code, Some(1));
    assert!(sent.stderr.contains("file-transfer: 空.txt: no answer for 0.6 s; is a receiver there"), "{sent:?}");
    assert!(sent.stdout.contains("Datagrams: 4 sent, 2 again"), "FILE three times, and BYE: {sent:?}");
}

#[test]
fn a_folder_or_a_file_that_cannot_be_used_is_told_before_anything_is_sent() {
    let (from, into) = files();
    let missing = into.path().join("沒有");
    let args = ["receive", "127.0.0.1:0", "--protocol", "simple", "--into", missing.to_str().unwrap()];
    let ended = Program::run(EXE, &args, "");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.ends_with("; make the folder first, or choose another with --into\n"), "{ended:?}");
    let sent = send(&[&from.path().join("沒有.txt")], "127.0.0.1:9", &[]);
    assert_eq!(sent.code, Some(1));
    assert!(sent.stderr.starts_with("file-transfer: open ") && sent.stderr.contains("沒有.txt: "), "{sent:?}");
}

#[test]
fn a_hostile_name_is_refused_and_the_sender_hears_why() {
    let (_, into) = files();
    let (receiver, addr) = receiver(into.path(), &["--once"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.connect(&addr).unwrap();
    let ask = |message: Message<'_>| {
        socket.send(&message.datagram()).unwrap();
        let mut buffer = [0; 2000];
        let len = socket.recv(&mut buffer).unwrap();
        match Message::parse(&buffer[..len]) {
            Some(Message::No { reason, .. }) => String::from_utf8_lossy(reason).into_owned(),
            other => panic!("{other:?}"),
        }
    };
    let reason = ask(Message::File { number: 1, size: 3, name: b"../../etc/cron.d/x" });
    assert_eq!(reason, r#"name "../../etc/cron.d/x": `/` is no part of a name"#);
    socket.send(&Message::Bye { number: 1 }.datagram()).unwrap();
    let received = receiver.wait();
    assert_eq!(received.code, Some(1), "{received:?}");
    assert_eq!(fs::read_dir(into.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_receiver_well_and_one_that_waited_for_a_session_as_interrupted() {
    for (options, want) in [(&[][..], 0), (&["--once"][..], 130)] {
        let (_, into) = files();
        let (receiver, _) = receiver(into.path(), options);
        receiver.interrupt();
        let received = receiver.wait();
        assert_eq!(received.code, Some(want), "{received:?}");
        assert!(received.stdout.ends_with("\nServer shutting down...\n"), "{received:?}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_sender_that_waits() {
    let (from, _) = files();
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    silent.set_read_timeout(Some(DEADLINE)).unwrap();
    let addr = silent.local_addr().unwrap().to_string();
    let file = from.path().join("空.txt");
    let sender = Program::start(EXE, &["send", file.to_str().unwrap(), "--to", &addr, "--protocol", "simple"]);
    silent.recv_from(&mut [0; 2000]).unwrap();
    sender.interrupt();
    assert_eq!(sender.wait().code, Some(130));
}

#[test]
fn a_trace_is_written_and_drawn() {
    let (from, into) = files();
    let (receiver, addr) = receiver(into.path(), &["--once"]);
    let trace = from.path().join("軌跡.jsonl");
    let sent = send(&[&from.path().join("課表.txt")], &addr, &["--trace", trace.to_str().unwrap()]);
    assert_eq!((sent.code, receiver.wait().code), (Some(0), Some(0)), "{sent:?}");
    let lines = fs::read_to_string(&trace).unwrap();
    assert_eq!(lines.matches(r#""fate":"sent""#).count(), 4, "3,400 bytes in pieces of 1,024: {lines}");
    let picture = from.path().join("圖.svg");
    let args = ["draw", trace.to_str().unwrap(), "--output", picture.to_str().unwrap(), "--lang", "zh-TW"];
    let drawn = Program::run(EXE, &args, "");
    assert_eq!((drawn.code, drawn.stdout.as_str()), (Some(0), ""), "{drawn:?}");
    assert!(fs::read_to_string(picture).unwrap().contains("送出 4 個資料包，其中 0 個是重送"));
    let refused = Program::run(EXE, &["draw", from.path().join("課表.txt").to_str().unwrap()], "");
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("課表.txt, line 1: not a line of a trace: "), "{refused:?}");
}
