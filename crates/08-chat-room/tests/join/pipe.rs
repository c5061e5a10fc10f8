//! As a pipe: lines in, the room's lines out, and an exit code that a script can trust.
//!
//! What goes to stdout is the room's, what goes to stderr the client's own. Read `host.rs` before.

use std::time::{Duration, Instant};

use netcommon::testing::{ClosedPort, Finished, Program};

use crate::host::Host;

const CHAT_ROOM: &str = env!("CARGO_BIN_EXE_chat-room");

fn join(host: &Host, options: &[&str]) -> Program {
    let addr = host.addr.to_string();
    Program::start(CHAT_ROOM, &[&["join", "小明", &addr], options].concat())
}

/// 小明 says `input` to a room that says `answers` when it has read all, and ends.
fn say(input: &str, answers: &[&str]) -> (Vec<String>, Finished) {
    let host = Host::open();
    let mut client = join(&host, &[]);
    client.type_text(input);
    client.close_stdin();
    let mut guest = host.let_in("小明", "bob");
    let mut heard = Vec::new();
    loop {
        match guest.line() {
            line if line.is_empty() => break,
            line => heard.push(line),
        }
    }
    answers.iter().for_each(|answer| guest.say(answer));
    guest.end();
    (heard, client.wait())
}

#[test]
fn a_script_is_said_and_the_answers_after_its_end_are_shown() {
    let (heard, finished) = say("早安\r\n\n/msg bob 噓\n再見", &["[you -> bob] 噓", "[bob] 小明再見"]);
    assert_eq!(heard, ["早安", "/msg bob 噓", "再見"]);
    assert_eq!(
        finished.stdout,
        "* Welcome to the chat room. What is your name?\n* In the room: bob\n[you -> bob] 噓\n[bob] 小明再見\n"
    );
    assert_eq!((finished.stderr.as_str(), finished.code), ("", Some(0)));
}

#[test]
fn a_line_that_the_room_did_not_take_makes_the_exit_code_1() {
    let (_, finished) = say("/msg 小美 在嗎\n", &["! No one here is called 小美"]);
    assert!(finished.stdout.ends_with("! No one here is called 小美\n"), "{}", finished.stdout);
    assert!(finished.stderr.contains("not every line was taken"), "{}", finished.stderr);
    assert_eq!(finished.code, Some(1));

    let (heard, finished) = say(&format!("{}\n好\n", "字".repeat(342)), &[]);
    assert_eq!(heard, ["好"]);
    assert!(finished.stderr.contains("a line of 1026 bytes is not sent"), "{}", finished.stderr);
    assert_eq!(finished.code, Some(1));
}

#[test]
fn a_refused_name_ends_a_script_and_says_why() {
    let host = Host::open();
    let client = join(&host, &[]);
    let mut guest = host.accept();
    guest.say("* Welcome to the chat room. What is your name?");
    assert_eq!(guest.line(), "小明");
    guest.say("! Name 小明: somebody here has it already");
    let finished = client.wait();
    let why = format!("chat-room: join {}: the room says \"Name 小明: somebody here has it already\"\n", host.addr);
    assert_eq!((finished.stderr, finished.code), (why, Some(1)));
}

#[test]
fn a_lost_server_is_said_at_once_though_the_input_is_open() {
    let host = Host::open();
    let mut client = join(&host, &[]);
    let guest = host.let_in("小明", "bob");
    client.expect_line("In the room");
    drop(guest);
    let line = client.expect_stderr_line("chat-room: ");
    assert_eq!(line, format!("chat-room: read from {}: the server closed the connection", host.addr));
    assert_eq!(client.wait().code, Some(1));
}

#[test]
fn a_reset_is_told_from_an_orderly_end() {
    let host = Host::open();
    let mut client = join(&host, &[]);
    let guest = host.let_in("小明", "bob");
    client.expect_line("In the room");
    guest.reset();
    let finished = client.wait();
    assert!(finished.stderr.to_lowercase().contains("reset"), "{}", finished.stderr);
    assert_eq!(finished.code, Some(1));
}

#[test]
fn no_server_and_another_kind_of_server_are_errors_that_say_so() {
    let host = Host::open();
    let (addr, client) = (host.addr, join(&host, &[]));
    let mut guest = host.accept();
    guest.say("SSH-2.0-OpenSSH_9.2");
    let finished = client.wait();
    let why = format!("chat-room: join {addr}: no chat room, it says \"SSH-2.0-OpenSSH_9.2\"\n");
    assert_eq!((finished.stderr, finished.code), (why, Some(1)));

    let client = join(&host, &["--timeout", "1s"]);
    let _silent = host.accept();
    let finished = client.wait();
    assert!(finished.stderr.contains("none within 1s; --timeout waits longer"), "{}", finished.stderr);
    assert_eq!(finished.code, Some(1));

    let nobody = ClosedPort::new();
    let finished = Program::run(CHAT_ROOM, &["join", "小明", &nobody.addr.to_string(), "--reconnect"], "");
    assert!(finished.stderr.contains("nothing is listening there"), "{}", finished.stderr);
    assert_eq!(finished.code, Some(1), "a first attempt that fails is most often a wrong address");
}

#[test]
fn what_the_room_sends_cannot_move_the_cursor() {
    let host = Host::open();
    let mut client = join(&host, &[]);
    let mut guest = host.let_in("小明", "bob");
    guest.say_bytes(b"[bob] \x1b[2J\xe2\x80\xae\xff\n");
    assert_eq!(client.expect_line("[bob]"), r"[bob] \x1b[2J\u{202e}\xff");
}

#[test]
fn an_endless_line_costs_a_bounded_buffer_and_the_next_line_is_shown() {
    let host = Host::open();
    let mut client = join(&host, &[]);
    let mut guest = host.let_in("小明", "bob");
    for _ in 0..64 {
        guest.say_bytes(&[b'x'; 64 * 1024]);
    }
    guest.say("\n[bob] 好長");
    client.expect_line("[bob] 好長");
    client.expect_stderr_line("a line of the room was too long and is not shown");
}

#[test]
fn reconnect_goes_on_with_the_script_where_it_was() {
    let host = Host::open();
    let mut client = join(&host, &["--reconnect"]);
    let mut guest = host.let_in("小明", "bob");
    client.expect_line("In the room");
    client.type_text("甲\n");
    assert_eq!(guest.line(), "甲");
    drop(guest);
    client.expect_stderr_line("; next attempt in");
    // Typed while nobody is there: a script's lines wait.
    client.type_text("乙\n");
    let mut guest = host.let_in("小明", "bob");
    assert_eq!(guest.line(), "乙");
    client.close_stdin();
    assert_eq!(guest.line(), "");
    guest.end();
    assert_eq!(client.wait().code, Some(0));
}

#[test]
fn a_long_script_is_said_at_the_rooms_pace() {
    let host = Host::open();
    let mut client = join(&host, &["--pace", "50ms"]);
    client.type_text(&"早安\n".repeat(31));
    client.close_stdin();
    // Nothing is said before the room lets it in. A busy machine may be late, never early.
    let before = Instant::now();
    let mut guest = host.let_in("小明", "bob");
    (0..31).for_each(|_| assert_eq!(guest.line(), "早安"));
    assert_eq!(guest.line(), "");
    // 25 at once, then six waits.
    assert!(before.elapsed() >= Duration::from_millis(300), "{:?}", before.elapsed());
    guest.end();
    assert_eq!(client.wait().code, Some(0));
}

#[test]
fn quit_in_a_script_leaves_the_rest_unsaid() {
    let host = Host::open();
    let mut client = join(&host, &[]);
    client.type_text("早安\n/quit\n還有\n");
    let mut guest = host.let_in("小明", "bob");
    assert_eq!((guest.line(), guest.line()), ("早安".to_owned(), "/quit".to_owned()));
    guest.say("* Goodbye");
    guest.end();
    let finished = client.wait();
    assert!(finished.stdout.ends_with("* Goodbye\n"));
    assert_eq!(finished.code, Some(0));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_130_wherever_the_client_waits() {
    let host = Host::open();
    let client = join(&host, &[]);
    let _silent = host.accept();
    client.interrupt();
    assert_eq!(client.wait().code, Some(130));

    let mut client = join(&host, &["--reconnect"]);
    drop(host.let_in("小明", "bob"));
    drop(host);
    client.expect_stderr_line("; next attempt in");
    client.interrupt();
    assert_eq!(client.wait().code, Some(130));
}

#[test]
fn names_that_are_no_line_and_unknown_options_are_wrong_usage() {
    for args in [&["join", ""][..], &["join", "a\nb"], &["join"], &["join", "小明", "--nonsense"]] {
        assert_eq!(Program::run(CHAT_ROOM, args, "").code, Some(2), "{args:?}");
    }
}
