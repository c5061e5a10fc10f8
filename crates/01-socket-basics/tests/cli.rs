//! The program `socket-basics` from outside: its text, its JSON, its exit codes.
//!
//! What the system says differs from machine to machine, so the tests hold the program to what must be
//! true on all of them, and its numbers to those of Python's `socket` module on the same machine.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use netcommon::testing::{Finished, Program};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

const EXE: &str = env!("CARGO_BIN_EXE_socket-basics");

/// What the chapter promises, and as much again for a busy machine; without any wait it takes 0.2 s.
const WHOLE_RUN_MAX: Duration = Duration::from_secs(6);

const TOPICS: [&str; 8] = ["families", "create", "options", "names", "addresses", "byte-order", "resolve", "errors"];

fn run(args: &[&str]) -> Finished {
    Program::run(EXE, args, "")
}

fn json(args: &[&str]) -> Value {
    let finished = run(args);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    serde_json::from_str(&finished.stdout).expect("--json prints JSON")
}

#[test]
fn all_topics_are_shown_in_the_order_to_read_them_and_fit_a_projector() {
    for lang in ["en", "zh-TW"] {
        let start = Instant::now();
        let finished = run(&["--lang", lang]);
        assert!(start.elapsed() < WHOLE_RUN_MAX, "took {:?}", start.elapsed());
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));

        let first_words = finished.stdout.lines().filter_map(|line| Some(line.split_once(" - ")?.0));
        let titles: Vec<&str> = first_words.filter(|title| TOPICS.contains(title)).collect();
        assert_eq!(titles, TOPICS);
        for line in finished.stdout.lines() {
            assert!(line.width() <= 80, "{} columns: {line}", line.width());
            assert_eq!(line, line.trim_end(), "a blank at the end of a line");
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn where_the_loopback_interface_is_off_the_call_that_failed_is_named() {
    let inside = |command: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--net"]).args(command);
        unshare
    };
    if !inside(&["true"]).output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no namespace of our own here");
        return;
    }
    let finished = Program::start_command(&mut inside(&[EXE, "errors", "refused", "--lang", "en"])).wait();
    assert!(finished.stdout.contains("did    connect(127.0.0.1:"), "{}", finished.stdout);
    assert!(
        finished.stdout.contains(" - to prepare what was to be shown\n    said   ENETUNREACH"),
        "{}",
        finished.stdout
    );
}

#[test]
fn one_topic_is_shown_alone_and_in_the_language_asked_for() {
    let finished = run(&["byte-order", "--lang=zh-TW"]);
    assert!(finished.stdout.starts_with("byte-order - 哪個位元組先走\n"), "{}", finished.stdout);
    assert!(!finished.stdout.contains("families"));
}

#[test]
fn json_has_an_entry_for_every_topic() {
    let report = json(&["--json"]);
    let mut topics: Vec<&str> = report["topics"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut want = TOPICS;
    topics.sort_unstable();
    want.sort_unstable();
    assert_eq!(topics, want);
    assert_eq!(report["system"], std::env::consts::OS);
    assert_eq!(json(&["byte-order", "--json"])["topics"]["byte-order"]["numbers"][0]["network"], "22 b8");
}

#[test]
fn numbers_are_those_of_pythons_socket_module() {
    let script = "import socket as s
for n in ('AF_INET AF_INET6 AF_UNIX SOCK_STREAM SOCK_DGRAM SOCK_RAW IPPROTO_TCP IPPROTO_UDP IPPROTO_ICMP '
          'IPPROTO_ICMPV6').split():
    if hasattr(s, n): print(n, int(getattr(s, n)))";
    let Ok(python) = Command::new("python3").args(["-c", script]).output() else {
        eprintln!("skipped: no python3 on this machine to compare with");
        return;
    };
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let families = &json(&["families", "--json"])["topics"]["families"];
    let ours: Vec<&Value> =
        ["families", "types", "protocols"].iter().flat_map(|list| families[list].as_array().unwrap()).collect();
    let python = String::from_utf8(python.stdout).unwrap();
    let mut compared = 0;
    for line in python.lines() {
        let (name, number) = line.split_once(' ').unwrap();
        let ours = ours.iter().find(|ours| ours["name"] == name).unwrap_or_else(|| panic!("we do not show {name}"));
        assert_eq!(ours["number"], number.trim().parse::<i32>().unwrap(), "{name}");
        compared += 1;
    }
    assert!(compared >= 6, "Python knows at least the seed's six: {python}");
}

/// The system's answer to the last attempt at `mishap`.
fn last_answer(report: &Value, mishap: &str) -> Value {
    let errors = report["topics"]["errors"].as_array().expect("a list of errors");
    let provoked = errors.iter().find(|provoked| provoked["error"] == mishap).expect("it was provoked");
    let last = provoked["attempts"].as_array().and_then(|attempts| attempts.last()).expect("one attempt at least");
    last["answer"]["error"].clone()
}

#[test]
fn errors_come_from_the_system_with_name_and_number() {
    let report = json(&["errors", "--json"]);
    for (mishap, names) in [
        ("refused", &["ECONNREFUSED"][..]),
        ("in-use", &["EADDRINUSE"]),
        ("timeout", &["EAGAIN", "ETIMEDOUT"]),
        ("reset", &["ECONNRESET"]),
    ] {
        let error = last_answer(&report, mishap);
        let name = error["name"].as_str().unwrap();
        assert!(names.contains(&name.trim_start_matches("WSA")), "{mishap}: {error}");
        assert!(error["number"].is_i64(), "{mishap}: {error}");
    }
    let not_found = last_answer(&report, "name-not-found");
    assert!(!not_found["text"].as_str().unwrap().is_empty(), "{not_found}");
    let provoked = |mishap: &str| {
        report["topics"]["errors"].as_array().unwrap().iter().any(|p| p["error"] == mishap && p["provoked"] == true)
    };
    assert!(["refused", "in-use", "timeout", "reset"].into_iter().all(provoked), "{report:#}");
}

/// Other systems may allow what Linux refuses; then the program says so, and there is nothing to demand.
#[cfg(target_os = "linux")]
#[test]
fn linux_refuses_to_send_and_to_connect_to_everybody() {
    let report = json(&["errors", "--json"]);
    assert_eq!(last_answer(&report, "permission")["name"], "EACCES");
    let unreachable = last_answer(&report, "unreachable");
    assert!(["ENETUNREACH", "EHOSTUNREACH"].map(Value::from).contains(&unreachable["name"]), "{unreachable}");
}

#[test]
fn one_error_is_shown_alone() {
    let finished = run(&["errors", "reset", "--lang=en"]);
    assert!(finished.stdout.contains("\nreset\n") && !finished.stdout.contains("\nrefused\n"), "{}", finished.stdout);
}

#[test]
fn a_narrated_error_prints_its_calls_on_stderr() {
    let finished = run(&["errors", "refused", "--narrate=en"]);
    let connect = finished.stderr.lines().rfind(|line| line.starts_with("connect(")).unwrap();
    assert!(connect.contains("ECONNREFUSED"), "{connect}");
}

#[test]
fn a_name_without_an_address_is_shown_and_fails() {
    // RFC 6761: nobody may ever have a name under `invalid`.
    let finished = run(&["resolve", "no.such.invalid", "--lang", "en"]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(1), ""));
    assert!(finished.stdout.contains("getaddrinfo(\"no.such.invalid\") failed"), "{}", finished.stdout);
}

#[test]
#[cfg(target_os = "linux")]
fn a_topic_that_the_system_refuses_keeps_no_other_back() {
    // A network of its own, in which not even the loopback interface is up: unshare(1).
    let mut unshare = Command::new("unshare");
    let there = unshare.args(["-Urn", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no user may have a network of its own here");
        return;
    }
    let finished = Program::run("unshare", &["-Urn", EXE, "--lang", "en"], "");
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.stderr.contains("socket-basics: watch the names of TCP sockets: "), "{}", finished.stderr);
    for topic in TOPICS.iter().filter(|topic| **topic != "names") {
        assert!(finished.stdout.contains(&format!("{topic} - ")), "{topic}\n{}", finished.stdout);
    }
}

#[test]
fn a_name_may_be_given_to_resolve() {
    let report = json(&["resolve", "127.0.0.1", "--json"]);
    let found = &report["topics"]["resolve"]["addresses"]["ok"][0];
    assert_eq!((&found["address"], &found["scope"]), (&"127.0.0.1".into(), &"loopback".into()));
}

#[test]
fn wrong_usage_ends_with_2_and_a_reason_on_stderr() {
    for (args, want) in [
        (&["families", "你好"][..], "the topic `families` takes no `你好`"),
        (&["errors", "nonsense"], "no error is called `nonsense`; there are refused, in-use"),
        (&["resolve", "教 室"], "`教 室` cannot be looked up; expected a name or an IP address without a port"),
        (&["resolve", "localhost:80"], "`localhost:80` cannot be looked up; expected a name or an IP address without"),
        (&["resolve", "http://localhost"], "cannot be looked up; expected a name"),
        (&["resolve", "127.1"], "cannot be looked up; expected a name"),
        (&["weather"], "invalid value 'weather'"),
    ] {
        let finished = run(args);
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(finished.stderr.contains(want), "{args:?}: {}", finished.stderr);
    }
}

#[test]
fn help_begins_with_what_it_teaches_and_ends_with_two_examples() {
    let help = run(&["--help"]).stdout;
    assert!(help.starts_with("Teaches what a socket is"), "{help}");
    let examples = help.split("Examples:\n").nth(1).unwrap();
    assert_eq!(examples.lines().filter(|line| line.starts_with("  socket-basics")).count(), 2, "{help}");
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let mut child = Command::new(EXE).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let finished = child.wait_with_output().unwrap();
    assert_eq!((finished.status.code(), String::from_utf8_lossy(&finished.stderr).as_ref()), (Some(0), ""));
}
