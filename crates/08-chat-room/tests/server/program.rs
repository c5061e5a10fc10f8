//! The program: its first line, its options, what it writes for other programs, Ctrl-C, few descriptors.
//!
//! Read `house.rs` before. Only on Unix, where a test can send a signal.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use netcommon::testing::{DEADLINE, Program};

use crate::house::Guest;

const EXE: &str = env!("CARGO_BIN_EXE_chat-room");

fn join(addr: SocketAddr, name: &str) -> Guest {
    let mut guest = Guest::connect(addr);
    guest.say(name);
    guest.until("* In the room: ");
    guest
}

#[test]
fn a_signal_ends_it_in_order_and_the_log_has_what_was_said() {
    for (signal, json) in [(Program::interrupt as fn(&Program), false), (Program::terminate, true)] {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("room.jsonl");
        let mut args = vec!["serve", "127.0.0.1:0", "--motd", "歡迎光臨", "--log", log.to_str().unwrap()];
        args.extend(json.then_some("--json"));
        let mut server = Program::start(EXE, &args);
        let mut ming = join(server.listening_addr(), "小明");
        assert_eq!(ming.line().unwrap(), "* 歡迎光臨");
        ming.say("有人\u{1b}嗎");
        ming.say("/msg 小明 自言自語");
        ming.until("[小明 -> you] ");
        signal(&server);
        assert!(ming.rest().contains(&"* The server is shutting down".to_owned()));
        let ended = server.wait();
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        if json {
            assert!(
                ended.stdout.contains(r#"{"event":"joined","members":1,"name":"小明","time":"#),
                "{}",
                ended.stdout
            );
        } else {
            assert!(ended.stdout.ends_with("Served 1 member, 2 messages\n"), "{}", ended.stdout);
        }
        let log = std::fs::read_to_string(log).unwrap();
        let events: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["joined", "said", "left"], "private messages are nobody's business");
        assert_eq!(events[1]["text"], "有人\u{fffd}嗎");
    }
}

#[test]
fn at_the_end_a_slow_reader_gets_its_last_lines_and_who_never_reads_is_cut() {
    let small = ["--rate", "0", "--send-buffer", "4KiB", "--keep", "32KiB"];
    let mut server = Program::start(EXE, &[&["serve", "127.0.0.1:0"], &small[..]].concat());
    let addr = server.listening_addr();
    let (mut slow, _stuck, mut talker) = (join(addr, "slow"), join(addr, "stuck"), join(addr, "talker"));
    // More than any receive buffer takes.
    let line = "多".repeat(300);
    (0..8000).for_each(|_| talker.say(&line));
    talker.say("/who");
    talker.until("* In the room: slow, stuck, talker");
    server.interrupt();
    assert_eq!(talker.rest(), ["* The server is shutting down"]);
    drop(talker);
    let last = slow.rest();
    assert!(last.iter().any(|line| line.starts_with("* You missed ")), "the reader was not slow enough for this test");
    assert_eq!(last.last().map(String::as_str), Some("* The server is shutting down"));
    drop(slow);
    let ended = server.wait();
    assert!(ended.stdout.ends_with(", cut 1 who did not take their last lines in time\n"), "{}", ended.stdout);
    assert_eq!(ended.code, Some(0));
}

#[test]
fn the_operator_asks_for_the_numbers() {
    let mut server = Program::start(EXE, &["serve", "127.0.0.1:0"]);
    let mut ming = join(server.listening_addr(), "小明");
    ming.say("hi");
    ming.say("/who");
    ming.until("* In the room: 小明");
    server.type_text("/stats\n");
    let numbers = server.expect_line("members 1 (most 1), connections 1, messages 1, private 0;");
    assert!(numbers.ends_with("turned away 0"), "{numbers}");
    server.interrupt();
    assert_eq!(server.wait().code, Some(0));
}

#[test]
fn what_it_cannot_do_it_says() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let ended = Program::run(EXE, &["serve", &addr], "");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.starts_with(&format!("chat-room: bind {addr}: ")), "{}", ended.stderr);
    let ended = Program::run(EXE, &["serve", "127.0.0.1:0", "--log", "/no/such/folder/x"], "");
    assert!(ended.stderr.starts_with("chat-room: open /no/such/folder/x: "), "{}", ended.stderr);
    for wrong in [["--rate", "fast"], ["--max-connections", "0"], ["--stall-timeout", "30"]] {
        let ended = Program::run(EXE, &["serve", wrong[0], wrong[1]], "");
        assert_eq!(ended.code, Some(2), "{wrong:?}");
        assert!(!ended.stderr.contains("non-zero type"), "{}", ended.stderr);
    }
}

#[test]
fn without_descriptors_newcomers_wait_and_members_do_not() {
    let limited = format!("ulimit -n 64 && exec {EXE} serve 127.0.0.1:0 --rate 0");
    let mut server = Program::start_command(Command::new("sh").args(["-c", &limited]));
    let addr = server.listening_addr();
    let mut crowd: Vec<Guest> = (0..100).map(|_| Guest::connect(addr)).collect();
    let (first, others) = crowd.split_at_mut(1);
    first[0].say("小明");
    first[0].until("* In the room: ");
    server.expect_stderr_line("clients wait in the backlog");
    others[0].say("bob");
    others[0].until("* In the room: ");
    others[0].say("還在嗎");
    first[0].until("[bob] 還在嗎");
    #[cfg(target_os = "linux")]
    assert!(idles(server.pid()), "the server spins while it waits for a descriptor");
    // The last one waits in the backlog until others have gone.
    let mut last = crowd.pop().unwrap();
    crowd.truncate(50);
    assert_eq!(last.line().as_deref(), Some(chat_room::protocol::WELCOME));
    server.interrupt();
    assert_eq!(server.wait().code, Some(0));
}

/// Whether the process uses less than a fifth of one core over a quarter of a second, tried for a while.
#[cfg(target_os = "linux")]
fn idles(pid: u32) -> bool {
    let ran = || -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap();
        stat.split(' ').next().unwrap().parse().unwrap()
    };
    let until = Instant::now() + DEADLINE;
    while Instant::now() < until {
        let before = ran();
        // tidy: sleep: what happens in a time is what is tested
        std::thread::sleep(Duration::from_millis(250));
        if ran() - before < 50_000_000 {
            return true;
        }
    }
    false
}

#[test]
fn an_address_may_open_as_many_as_the_option_says() {
    let mut server = Program::start(EXE, &["serve", "127.0.0.1:0", "--max-per-address", "3"]);
    let addr = server.listening_addr();
    let mut inside: Vec<Guest> = (0..3).map(|_| Guest::connect(addr)).collect();
    inside.iter_mut().for_each(|guest| assert!(guest.line().is_some()));
    assert!(Guest::connect(addr).line().unwrap().starts_with("! Too many connections"));
    server.expect_line("Turned away 127.0.0.1: ");
    drop(TcpStream::connect(addr));
    server.interrupt();
    assert_eq!(server.wait().code, Some(0));
}
