//! With rooms that are not the test's own: our server, and the Python program of the book.
//!
//! What `host.rs` pretends, these do. Where python3 is missing, its test says that it skipped. Read `host.rs`
//! before.

use std::process::{Command, Stdio};

use netcommon::testing::Program;

const CHAT_ROOM: &str = env!("CARGO_BIN_EXE_chat-room");

fn join(name: &str, addr: &str) -> Program {
    Program::start(CHAT_ROOM, &["join", name, addr])
}

/// 小明 stays and listens while bob says his lines and goes; then both have heard what they should.
fn talk(addr: &str) -> (Program, String) {
    let mut ming = join("小明", addr);
    ming.expect_line("* In the room: (nobody else)");
    let bob = Program::run(CHAT_ROOM, &["join", "bob", addr], "早安，小明\n");
    assert_eq!(bob.code, Some(0), "{}", bob.stderr);
    ming.expect_line("* bob has joined");
    assert_eq!(ming.expect_line("[bob]"), "[bob] 早安，小明");
    ming.expect_line("* bob has left");
    (ming, bob.stdout)
}

#[test]
fn two_clients_talk_in_our_room() {
    let mut server = Program::start(CHAT_ROOM, &["serve", "127.0.0.1:0"]);
    let addr = server.listening_addr().to_string();
    let (mut ming, heard_by_bob) = talk(&addr);
    assert!(heard_by_bob.contains("* In the room: 小明\n"), "{heard_by_bob}");

    let mut carol = join("carol", &addr);
    carol.expect_line("* Earlier: [bob] 早安，小明");
    carol.type_text("/msg 小明 只給你\n/quit\n");
    assert_eq!(ming.expect_line("[carol"), "[carol -> you] 只給你");
    carol.expect_line("* Goodbye");
    assert_eq!(carol.wait().code, Some(0));

    let twice = Program::run(CHAT_ROOM, &["join", "小明", &addr], "");
    assert!(twice.stderr.contains("小明 is in the room already"), "{}", twice.stderr);
    ming.close_stdin();
    assert_eq!(ming.wait().code, Some(0));
}

#[test]
fn a_script_of_sixty_lines_is_slow_enough_for_our_room() {
    let mut server = Program::start(CHAT_ROOM, &["serve", "127.0.0.1:0"]);
    let addr = server.listening_addr().to_string();
    let mut ming = join("小明", &addr);
    ming.expect_line("* In the room");
    let script: String = (1..=60).map(|number| format!("第 {number} 行\n")).collect();
    let bob = Program::run(CHAT_ROOM, &["join", "bob", &addr], &script);
    assert_eq!((bob.code, bob.stderr.as_str()), (Some(0), ""));
    (1..=60).for_each(|number| assert_eq!(ming.expect_line("[bob]"), format!("[bob] 第 {number} 行")));
}

#[test]
fn two_clients_talk_in_a_python_room() {
    let there = Command::new("python3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("skipped: python3 is not installed");
        return;
    }
    let room = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/python/chat_room.py");
    let mut server = Program::start_command(Command::new("python3").args([room, "0"]));
    let addr = server.listening_addr().to_string();
    let (mut ming, _) = talk(&addr);
    ming.close_stdin();
    assert_eq!(ming.wait().code, Some(0));
}
