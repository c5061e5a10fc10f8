//! The program as a user runs it: its first lines, its log, a replay, its end.
//!
//! The seeds that the book names are tried here as well. Read `udp.rs` before.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(unix)] // Real signals; the library's tests run everywhere.

mod common;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use netcommon::testing::{Finished, Program};

use crate::common::{ask, client_of, echo};

const EXE: &str = env!("CARGO_BIN_EXE_bad-network");

fn start(target: SocketAddr, options: &[&str]) -> (Program, SocketAddr) {
    let mut program = Program::start(EXE, &[&["udp", "127.0.0.1:0", &target.to_string()], options].concat());
    let addr = program.listening_addr();
    (program, addr)
}

/// Sends numbers one by one, each when the one before has come back or 50 ms have passed; then the end.
fn send_numbers(target: SocketAddr, options: &[&str], count: u8) -> (Vec<Vec<u8>>, Finished) {
    let (program, front) = start(target, options);
    let client = client_of(front);
    client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut came = Vec::new();
    let mut buffer = [0; 100];
    for number in 0..count {
        if number + 1 == count {
            // Nobody comes behind it who would still be there when a late answer comes.
            client.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        }
        client.send(&[number]).unwrap();
        while let Ok(len) = client.recv(&mut buffer) {
            came.push(buffer[..len].to_vec());
            if buffer[..len] == [number] {
                break;
            }
        }
    }
    program.interrupt();
    (came, program.wait())
}

#[test]
fn a_session_reads_from_the_first_line_to_the_totals() {
    let target = echo();
    let (mut program, front) = start(target.addr, &["--seed", "7"]);
    let client = client_of(front);
    let from = client.local_addr().unwrap();
    assert_eq!(ask(&client, "你好".as_bytes()), "你好".as_bytes());
    program.expect_line("Flow 1");
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    let target = target.addr;
    assert_eq!(
        end.stdout,
        format!(
            "Bad network for UDP listening on {front}\nTarget {target}; the same again with --seed 7\n\
             Flow 1 is {from}\nServer shutting down...\nUp: 1 in (6 bytes), 1 out\nDown: 1 in (6 bytes), 1 out\n"
        )
    );
    assert_eq!(end.stderr, "");
}

#[test]
fn json_is_one_object_a_line_behind_the_first() {
    let target = echo();
    let (program, front) = start(target.addr, &["--json", "--up", "loss=100%"]);
    client_of(front).send(b"x").unwrap();
    let mut program = program;
    program.expect_line("\"flow\"");
    program.interrupt();
    let end = program.wait();
    let events: Vec<serde_json::Value> =
        end.stdout.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["started", "flow", "shutting-down", "datagrams"]);
    assert!(events[0]["seed"].is_u64());
    assert_eq!(events[3]["up"]["lost"], 1);
}

#[test]
fn the_same_seed_shows_the_same_and_a_replay_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let fates = |log: &str| -> Vec<String> {
        let text = std::fs::read_to_string(log).unwrap();
        let lines = text.lines().skip(1).map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let mut fates: Vec<String> = lines
            .map(|line| format!("{} {} {} {}", line["direction"], line["number"], line["fate"], line["twice"]))
            .collect();
        fates.sort();
        fates
    };
    let target = echo();
    let impairments = ["--loss", "20%", "--seed", "42", "--log"];
    let (first, _) = send_numbers(target.addr, &[&impairments[..], &[&path("一")]].concat(), 30);
    let (second, _) = send_numbers(target.addr, &[&impairments[..], &[&path("二")]].concat(), 30);
    let (third, _) = send_numbers(target.addr, &["--replay", &path("一"), "--log", &path("三")], 30);
    assert!(first.len() < 30 && first.len() > 5, "{first:?}");
    assert_eq!((&first, &first), (&second, &third));
    assert_eq!(fates(&path("一")), fates(&path("二")));
    assert_eq!(fates(&path("一")), fates(&path("三")));
    assert!(Path::new(&path("一")).exists());
}

#[test]
fn ctrl_c_with_a_full_queue_waits_for_the_grace_and_a_second_one_does_not() {
    let target = echo();
    let (mut program, front) = start(target.addr, &["--delay", "1h", "--grace", "1h"]);
    let client = client_of(front);
    for _ in 0..1000 {
        client.send(&[7; 1400]).unwrap();
    }
    program.expect_line("Flow 1");
    program.interrupt();
    program.expect_line("shutting down");
    program.interrupt();
    let end = program.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert!(end.stdout.contains("still on their way"), "{}", end.stdout);
}

#[test]
fn a_wrong_usage_is_told_and_ends_with_2() {
    for (options, want) in [
        (&["--loss", "105%"][..], "more than always"),
        (&["--loss", "50%", "--burst", "3", "--burst-loss", "20%"], "error: a loss of 50%"),
        (&["--seed", "7", "--replay", "x"], "cannot be used with"),
    ] {
        let end = Program::run(EXE, &[&["udp", "127.0.0.1:0", "127.0.0.1:9"], options].concat(), "");
        assert_eq!((end.code, end.stdout.as_str()), (Some(2), ""), "{}", end.stderr);
        assert!(end.stderr.contains(want), "{}", end.stderr);
    }
}

#[test]
fn what_fails_at_the_start_says_what_and_why() {
    let run = |options: &[&str]| {
        let end = Program::run(EXE, &[&["udp", "127.0.0.1:0", "127.0.0.1:9"], options].concat(), "");
        assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""));
        end.stderr
    };
    let unknown = run(&["--scenario", "wifi"]);
    assert!(
        unknown.starts_with("bad-network: read scenario wifi: there is none of this name; there are wifi-at"),
        "{unknown}"
    );
    let missing = run(&["--replay", "/沒有/這個.jsonl"]);
    assert!(missing.starts_with("bad-network: open /沒有/這個.jsonl: "), "{missing}");
    let no_folder = run(&["--log", "/沒有/這個.jsonl"]);
    assert!(no_folder.starts_with("bad-network: create /沒有/這個.jsonl: "), "{no_folder}");
}

#[test]
fn a_scenario_of_ones_own_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("山洞.toml");
    let text = "name = \"tunnel\"\nabout = { en = \"A tunnel.\", zh-TW = \"山洞。\" }\nfigures = \"x\"\n[udp.up]\nloss = \"100%\"\n";
    std::fs::write(&file, text).unwrap();
    let target = echo();
    let (came, end) = send_numbers(target.addr, &["--scenario", file.to_str().unwrap()], 3);
    assert_eq!(came, Vec::<Vec<u8>>::new());
    assert!(end.stdout.contains("Up: 3 in (3 bytes), 0 out: 3 lost"), "{}", end.stdout);
    // An option lies over the scenario.
    let (came, _) = send_numbers(target.addr, &["--scenario", file.to_str().unwrap(), "--loss", "0"], 3);
    assert_eq!(came.len(), 3);
    let end = Program::run(EXE, &["tcp", "127.0.0.1:0", "127.0.0.1:9", "--scenario", file.to_str().unwrap()], "");
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.contains("it does nothing to tcp; it has nothing in a table [tcp]"), "{}", end.stderr);
}

#[test]
fn a_log_that_is_replayed_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("課.jsonl");
    let log = file.to_str().unwrap();
    let target = echo();
    send_numbers(target.addr, &["--log", log], 3);
    let before = std::fs::read(&file).unwrap();
    let end = Program::run(EXE, &["udp", "127.0.0.1:0", "127.0.0.1:9", "--replay", log, "--log", log], "");
    assert_eq!(end.code, Some(1));
    assert!(end.stderr.ends_with("that is the file to replay; name another one\n"), "{}", end.stderr);
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn the_scenarios_are_listed_in_both_languages() {
    let english = Program::run(EXE, &["scenarios", "--lang", "en"], "");
    assert!(english.stdout.starts_with("wifi-at-the-back-row\n  A full classroom"), "{}", english.stdout);
    let chinese = Program::run(EXE, &["scenarios", "--lang", "zh-TW"], "");
    assert!(chinese.stdout.contains("坐滿人的教室") && chinese.code == Some(0));
}
