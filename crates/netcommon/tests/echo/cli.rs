//! The program as a user meets it: its lines, its options, its exit codes.
//!
//! Each test starts the real program on port 0; read `harness.rs` before.

use std::io::Write;
use std::net::Shutdown;

use crate::harness::{ask, connect, frame, rest, until};
use netcommon::testing::Program;

use crate::{PROGRAM, SERVER};

#[test]
fn a_visit_is_told_from_its_beginning_to_its_end() {
    let mut server = Program::start(SERVER, &["127.0.0.1:0"]);
    let addr = server.listening_addr();
    let client = connect(addr);
    let peer = client.local_addr().unwrap();
    server.expect_line(&format!("Accepted connection from {peer}"));
    ask(&client, "你好".as_bytes(), "Server received: 你好".as_bytes());
    server.expect_line(&format!("Received from {peer}: 你好"));
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&client), b"");
    let line = server.expect_line(&format!("Connection from {peer} closed: end of stream"));
    assert!(line.contains("(1 message, 6 bytes in, 23 bytes out, "), "{line}");
}

#[test]
fn what_a_terminal_would_obey_is_shown_and_not_sent_to_it() {
    let mut server = Program::start(SERVER, &["127.0.0.1:0", "--framing", "lines"]);
    let client = connect(server.listening_addr());
    ask(&client, b"\x1b]0;owned\x07\xff\n", b"Server received: \x1b]0;owned\x07\xff\n");
    server.expect_line(r": \x1b]0;owned\x07\xff");
    ask(&client, "\u{202e}txt.exe\n".as_bytes(), "Server received: \u{202e}txt.exe\n".as_bytes());
    server.expect_line(r": \u{202e}txt.exe");
}

#[test]
fn a_long_message_is_shown_in_part_and_answered_whole() {
    let mut server = Program::start(SERVER, &["127.0.0.1:0", "--framing", "length"]);
    let client = connect(server.listening_addr());
    let message = "長".repeat(10_000);
    ask(&client, &frame(message.as_bytes()), &frame(format!("Server received: {message}").as_bytes()));
    let line = server.expect_line("Received from");
    assert!(line.ends_with("長...") && line.len() < 300, "{line}");
}

#[test]
fn each_end_has_its_own_words() {
    let mut server = Program::start(SERVER, &["127.0.0.1:0", "--framing", "length", "--max-message", "100"]);
    let addr = server.listening_addr();

    let half = connect(addr);
    (&half).write_all(&frame("只說一半".as_bytes())[..7]).unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    let told = rest(&half).len();
    // What counts is what was on the wire: the length, half of a message, and our refusal.
    let carried = format!("closed: peer closed after 3 of 12 bytes (0 messages, 7 bytes in, {told} bytes out, ");
    server.expect_line(&carried);

    let reset = connect(addr);
    socket2::SockRef::from(&reset).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(reset);
    server.expect_line("closed: reset by the client");

    let long = connect(addr);
    (&long).write_all(&101_u32.to_be_bytes()).unwrap();
    long.shutdown(Shutdown::Write).unwrap();
    let told = rest(&long).len();
    let carried = format!(
        "closed: length 101 exceeds the limit of 100 bytes of --max-message (0 messages, 4 bytes in, {told} bytes out, "
    );
    server.expect_line(&carried);

    // A server of its own: to one that waits so little, the others would be too slow on a busy machine.
    let mut impatient = Program::start(SERVER, &["127.0.0.1:0", "--idle-timeout", "200ms"]);
    let _silent = connect(impatient.listening_addr());
    impatient.expect_line("closed: idle");
}

#[test]
fn a_taken_address_is_said_with_what_to_do() {
    let mut first = Program::start(SERVER, &["127.0.0.1:0"]);
    let addr = first.listening_addr().to_string();
    let second = Program::run(SERVER, &[&addr], "");
    assert_eq!(second.code, Some(1));
    assert_eq!(second.stdout, "");
    assert!(second.stderr.starts_with(&format!("{PROGRAM}: bind {addr}: ")), "{}", second.stderr);
    assert!(second.stderr.contains("127.0.0.1:0"), "{}", second.stderr);
}

#[test]
fn wrong_usage_is_exit_code_2_and_says_what_is_right() {
    for (args, part) in [
        (&["127.0.0.1"][..], "127.0.0.1:8888"),
        (&["--framing", "morse"], "raw"),
        (&["--idle-timeout", "soon"], "500ms"),
        (&["--no-such-option"], "--no-such-option"),
        (&["--max-connections", "0"], "--max-connections"),
    ] {
        let finished = Program::run(SERVER, args, "");
        assert_eq!(finished.code, Some(2), "{args:?}: {}", finished.stderr);
        assert!(finished.stderr.contains(part), "{args:?}: {}", finished.stderr);
    }
}

#[test]
fn help_says_what_is_taught_and_ends_with_examples() {
    let help = Program::run(SERVER, &["--help"], "").stdout;
    assert!(help.starts_with("Teaches how a TCP server"), "{help}");
    assert!(help.trim_end().ends_with("--framing lines --narrate"), "{help}");
}

#[test]
#[cfg(unix)]
fn a_closed_stdout_ends_the_server_quietly() {
    // `head -1` reads the address and goes away; the next line finds the pipe closed.
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "{ \"$0\" 127.0.0.1:0 2>&3; echo \"exit $?\" >&3; } 3>&2 | head -1", SERVER]);
    let mut server = Program::start_command(&mut shell);
    let addr = server.listening_addr();
    // Each visit makes the server write another line.
    until("the server notices that nobody reads", || std::net::TcpStream::connect(addr).is_err());
    assert_eq!(server.wait().stderr, "exit 0\n");
}
