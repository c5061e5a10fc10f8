//! The program as a user runs it: its lines, its end, its exit code.
//!
//! The addresses of clients are not known before; everything else is compared to the letter.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(unix)] // Real signals; the library's tests run everywhere.

use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use netcommon::testing::Program;

const EXE: &str = env!("CARGO_BIN_EXE_udp-server");

fn client_of(server: SocketAddr) -> UdpSocket {
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(server).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    client
}

fn ask(client: &UdpSocket, message: &str) -> String {
    client.send(message.as_bytes()).unwrap();
    let mut buffer = vec![0; 70_000];
    let len = client.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..len].to_vec()).unwrap()
}

#[test]
fn a_session_reads_from_the_first_line_to_the_summary() {
    let mut server = Program::start(EXE, &["127.0.0.1:0"]);
    let addr = server.listening_addr();
    let client = client_of(addr);
    let from = client.local_addr().unwrap();
    assert_eq!(ask(&client, "你好"), "Server received: 你好");
    client.send(b"Server received: x").unwrap();
    server.expect_line("Not answered");
    server.interrupt();
    let end = server.wait();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    assert_eq!(
        end.stdout,
        format!(
            "UDP Server listening on {addr}\n\
             Received from {from}: 你好\n\
             Received from {from}: Server received: x\n\
             Not answered {from}: it begins as our own answers do; two servers would answer each other for ever\n\
             Server shutting down...\n\
             Received 2 datagrams (24 bytes), answered 1 (23 bytes), left 1 unanswered: \
             1 began as our own answers do\n",
        ),
    );
    assert_eq!(end.stderr, "");
}

#[test]
fn what_a_terminal_would_obey_and_what_is_long_stays_harmless_on_the_log() {
    let mut server = Program::start(EXE, &["127.0.0.1:0"]);
    let client = client_of(server.listening_addr());
    assert_eq!(ask(&client, "\x1b[2J\u{202e}教室\n"), "Server received: \x1b[2J\u{202e}教室\n");
    let line = server.expect_line("Received from");
    assert!(line.ends_with(r": \x1b[2J\u{202e}教室\n"), "{line}");

    ask(&client, &"字".repeat(2000));
    let line = server.expect_line("Received from");
    assert!(line.ends_with("字... (6000 bytes)") && line.len() < 400, "{line}");
}

#[test]
fn quiet_leaves_out_the_lines_for_datagrams_and_sigterm_ends_it_as_well() {
    let mut server = Program::start(EXE, &["127.0.0.1:0", "--quiet"]);
    let addr = server.listening_addr();
    assert_eq!(ask(&client_of(addr), "你好"), "Server received: 你好");
    server.terminate();
    let end = server.wait();
    assert_eq!(end.code, Some(0));
    assert_eq!(
        end.stdout,
        format!(
            "UDP Server listening on {addr}\nServer shutting down...\n\
             Received 1 datagram (6 bytes), answered 1 (23 bytes), left 0 unanswered\n",
        ),
    );
}

#[test]
fn a_closed_stdout_ends_it_quietly() {
    let script = format!("{{ {EXE} 127.0.0.1:0; echo code $? >&2; }} | head -n 1");
    let mut pipeline = Program::start_command(Command::new("sh").args(["-c", &script]));
    let client = client_of(pipeline.listening_addr());
    // Each datagram is a line that nobody reads; head may take its time to go.
    let mut said = String::new();
    client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    while client.send("還有人在看嗎".as_bytes()).is_ok() && said.len() < 100 {
        let answered = client.recv(&mut [0; 100]).is_ok();
        said.push(if answered { 'y' } else { 'n' });
    }
    assert_eq!(pipeline.expect_stderr_line("code"), "code 0");
    assert_eq!(pipeline.wait().stderr, "code 0\n");
}

#[test]
fn a_taken_address_is_an_error_with_something_to_try() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let end = Program::run(EXE, &[&addr], "");
    assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""));
    assert!(end.stderr.starts_with(&format!("udp-server: bind {addr}: ")), "{}", end.stderr);
    assert!(end.stderr.contains("free port"), "{}", end.stderr);
}

#[test]
fn narration_tells_of_the_datagram_both_ways() {
    let mut server = Program::start(EXE, &["127.0.0.1:0", "--narrate=zh-TW"]);
    let client = client_of(server.listening_addr());
    ask(&client, "你好");
    let received = server.expect_stderr_line("recvfrom(");
    assert!(received.contains("= 6 \"你好\" from 127.0.0.1:") && received.contains("資料包"), "{received}");
    let sent = server.expect_stderr_line("sendto(");
    assert!(sent.contains("= 23"), "{sent}");
}

/// What a beginner writes with Python's socket module: no option, no timeout but the test's own.
const PYTHON_CLIENT: &str = r#"
import socket, sys
host, port = sys.argv[1], int(sys.argv[2])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(20)
    for message in ["hello", "你好", "", "今天天氣好"]:
        client.sendto(message.encode("utf-8"), (host, port))
        data, address = client.recvfrom(1024)
        assert address == (host, port), address
        print(data.decode("utf-8"))
"#;

#[test]
fn a_python_client_understands_every_answer() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: no python3");
        return;
    }
    let mut server = Program::start(EXE, &["127.0.0.1:0"]);
    let port = server.listening_addr().port().to_string();
    let end = Program::run("python3", &["-c", PYTHON_CLIENT, "127.0.0.1", &port], "");
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    let want = ["hello", "你好", "", "今天天氣好"].map(|message| format!("Server received: {message}\n")).concat();
    assert_eq!(end.stdout, want);
}
