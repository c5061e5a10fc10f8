//! The program as a user runs it: its lines, its end, its exit code.
//!
//! Its server here is one of Python's or a thread of the test; the real one has tests of its own, and the
//! book's transcripts run both together.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::net::UdpSocket;
use std::process::Command;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

#[cfg(unix)]
use netcommon::testing::Terminal;
use netcommon::testing::{Finished, Program};

const EXE: &str = env!("CARGO_BIN_EXE_udp-client");

/// A server in a thread of the test, until it is dropped.
struct Server {
    addr: String,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let addr = socket.local_addr().unwrap().to_string();
        let serve = move || {
            let mut buffer = vec![0; 70_000];
            while let Ok((len, client)) = socket.recv_from(&mut buffer) {
                if &buffer[..len] == b"stop" {
                    return;
                }
                socket.send_to(&answer(&buffer[..len]), client).unwrap();
            }
        };
        let thread = Builder::new().name("server".to_owned()).spawn(serve).unwrap();
        Self { addr, thread: Some(thread) }
    }

    fn echo() -> Self {
        Self::start(|message| [b"Server received: ", message].concat())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"stop", &self.addr).unwrap();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn finished(code: i32, stdout: &str, stderr: &str) -> Finished {
    Finished { code: Some(code), stdout: stdout.to_owned(), stderr: stderr.to_owned() }
}

#[test]
fn messages_of_the_command_line_are_asked_one_by_one() {
    let server = Server::echo();
    let end = Program::run(EXE, &[&server.addr, "--message", "你好", "-m", "", "-m", "quit"], "");
    let want = "Server response: Server received: 你好\n\
                Server response: Server received: \n\
                Server response: Server received: quit\n";
    assert_eq!(end, finished(0, want, ""));
}

#[test]
fn lines_of_a_pipe_are_messages_until_quit_or_the_end() {
    let server = Server::echo();
    let want = "Server response: Server received: 你好\nServer response: Server received: \n";
    for input in ["你好\r\n\nQUIT\n再見\n", "你好\n\n"] {
        assert_eq!(Program::run(EXE, &[&server.addr], input), finished(0, want, ""), "{input:?}");
    }
    let last = Program::run(EXE, &[&server.addr], "沒有換行");
    assert_eq!(last, finished(0, "Server response: Server received: 沒有換行\n", ""));
}

#[test]
fn what_a_terminal_would_obey_is_shown_instead() {
    let server = Server::start(|_| b"\x1b]0;owned\x07".to_vec());
    let end = Program::run(EXE, &[&server.addr, "--any-answer", "-m", "你好"], "");
    assert_eq!(end, finished(0, "Server response: \\x1b]0;owned\\x07\n", ""));
}

#[test]
fn an_answer_in_other_words_is_taken_only_on_request() {
    let server = Server::start(|message| [b"Echo: ", message].concat());
    let addr = server.addr.as_str();
    let end = Program::run(EXE, &[addr, "--timeout", "1s", "--attempts", "1", "-v", "-m", "你好"], "");
    assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""));
    assert!(
        end.stderr.contains("\"Echo: 你好\"") && end.stderr.contains("take it with --any-answer"),
        "{}",
        end.stderr
    );
    let end = Program::run(EXE, &[addr, "--any-answer", "-m", "你好"], "");
    assert_eq!(end, finished(0, "Server response: Echo: 你好\n", ""));
}

#[test]
fn an_answer_that_was_cut_says_so() {
    let server = Server::echo();
    let end = Program::run(EXE, &[&server.addr, "--buffer", "21", "-m", "你好"], "");
    let want = "Server response: Server received: 你\\xe5 (cut to 21 bytes by --buffer; the rest is lost)\n";
    assert_eq!(end, finished(0, want, ""));
}

#[test]
fn a_message_too_long_for_a_datagram_is_not_sent_and_the_next_one_is() {
    let server = Server::echo();
    let end = Program::run(EXE, &[&server.addr], &format!("{}\n你好\n", "字".repeat(21_836)));
    assert_eq!((end.code, end.stdout.as_str()), (Some(1), "Server response: Server received: 你好\n"));
    assert!(end.stderr.contains("65508 bytes") && end.stderr.contains("65507"), "{}", end.stderr);
    assert!(end.stderr.ends_with("udp-client: 1 of 2 messages got no answer\n"), "{}", end.stderr);
}

#[test]
fn where_nothing_listens_it_says_so_and_fails() {
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let end = Program::run(EXE, &[&closed, "-m", "你好"], "");
    assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""));
    assert!(end.stderr.starts_with(&format!("udp-client: nothing is listening on {closed}: ")), "{}", end.stderr);
    assert_eq!(end.stderr.lines().count(), 1, "said once: {}", end.stderr);
}

#[test]
#[cfg(unix)]
fn an_address_that_the_system_refuses_is_explained_as_by_the_tcp_client() {
    // Nobody may connect a UDP socket to everybody without having asked for it (SO_BROADCAST).
    let end = Program::run(EXE, &["255.255.255.255:9", "-m", "你好"], "");
    assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""));
    let start = "udp-client: connect to 255.255.255.255:9: this machine does not allow it: ";
    // Where there is no network at all, the system says so first.
    let no_way = "udp-client: connect to 255.255.255.255:9: there is no way to that address: ";
    assert!(end.stderr.starts_with(start) || end.stderr.starts_with(no_way), "{}", end.stderr);
    assert!(end.stderr.contains("; a firewall") || end.stderr.contains("; check the address"), "{}", end.stderr);
}

#[test]
fn silence_fails_after_the_attempts() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = silent.local_addr().unwrap().to_string();
    let end = Program::run(EXE, &[&addr, "--timeout", "10ms", "--attempts", "2", "-m", "你好"], "");
    assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""));
    assert!(end.stderr.starts_with(&format!("udp-client: no answer from {addr} after 2 attempts")), "{}", end.stderr);
}

#[test]
fn a_buffer_of_nothing_is_wrong_usage() {
    let ended = Program::run(EXE, &["--buffer", "0"], "");
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("'--buffer <BYTES>': expected at least 1\n"), "{}", ended.stderr);
}

#[test]
fn the_lesson_shows_all_three_differences_in_both_languages() {
    for (lang, parts) in [
        ("en", ["UDP   1:  6 bytes  你好", "nobody was told", "UDP  connect  done"]),
        ("zh-TW", ["UDP   1： 6 個位元組  你好", "沒有任何人接到通知", "UDP  connect  成功"]),
    ] {
        let end = Program::run(EXE, &["--lesson", "--lang", lang], "");
        assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
        for part in parts {
            assert!(end.stdout.contains(part), "{part} in\n{}", end.stdout);
        }
        assert!(end.stdout.contains("你好今天天\\xe6"), "glued and cut:\n{}", end.stdout);
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_it_with_130_in_the_wait_for_input_and_for_an_answer() {
    let server = Server::echo();
    let mut client = Program::start(EXE, &[&server.addr]);
    client.type_text("你好\n");
    client.expect_line("你好");
    client.interrupt();
    assert_eq!(client.wait().code, Some(130));

    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let client = Program::start(EXE, &[&silent.local_addr().unwrap().to_string(), "--timeout", "60s", "-m", "你好"]);
    silent.recv(&mut [0; 10]).unwrap();
    client.interrupt();
    assert_eq!(client.wait().code, Some(130));
}

#[test]
#[cfg(unix)]
fn at_the_prompt_ctrl_c_and_ctrl_d_leave_the_line() {
    let prompt = "Enter message (or 'quit' to exit): ";
    for (key, code, shown_as) in [("\x03", 130, "^C\n"), ("\x04", 0, "\n"), ("quit\r", 0, "quit\n")] {
        let server = Server::echo();
        let mut terminal = Terminal::start(EXE, &[&server.addr]);
        terminal.wait_for(prompt);
        terminal.press(key);
        assert_eq!(terminal.end(), (Some(code), format!("{prompt}{shown_as}")));
    }
}

#[test]
#[cfg(unix)]
fn a_closed_stdout_ends_it_quietly() {
    let server = Server::echo();
    let script = format!("{{ yes 你好 | head -n 10000 | {EXE} {}; echo code $? >&2; }} | head -n 1", server.addr);
    let end = Program::run("sh", &["-c", &script], "");
    assert_eq!(end, finished(0, "Server response: Server received: 你好\n", "code 0\n"));
}

#[test]
#[cfg(target_os = "linux")]
fn the_narration_is_what_the_kernel_was_asked() {
    use netcommon::testing::strace;

    let server = Server::echo();
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("strace.log");
    let args = [server.addr.as_str(), "--narrate=en", "-m", "你好", "-m", ""];
    let Some(client) = strace::start(&log, EXE, &args) else { return };
    let pid = client.pid();
    let finished = client.wait();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    strace::compare(&finished.stderr, &strace::read_log(&log, pid));
    assert!(!finished.stderr.contains("end of stream"), "a datagram has no stream: {}", finished.stderr);
}

#[test]
fn the_books_python_client_fails_where_ours_does() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: no python3");
        return;
    }
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/python/udp_client.py");
    let server = Server::echo();
    let end = Program::run("python3", &[python, &server.addr, "你好"], "");
    assert_eq!(end, finished(0, "Server response: Server received: 你好\n", ""));
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let end = Program::run("python3", &[python, &closed, "你好"], "");
    assert_eq!(end, finished(1, &format!("nothing is listening on {closed}\n"), ""));
}

/// What a beginner writes with Python's socket module: 1,024 bytes of room, one answer each.
const PYTHON_SERVER: &str = r#"
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % server.getsockname()[1], flush=True)
while True:
    data, address = server.recvfrom(1024)
    message = data.decode("utf-8")
    print("Received from %s: %s" % (address, message), flush=True)
    server.sendto(("Server received: " + message).encode("utf-8"), address)
"#;

#[test]
fn a_python_server_is_understood_also_where_it_cuts() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: no python3");
        return;
    }
    let mut python = Program::start("python3", &["-c", PYTHON_SERVER]);
    let addr = python.listening_addr().to_string();
    let end = Program::run(EXE, &[&addr, "-m", "你好", "-m", "", "-m", "hello"], "");
    let want = ["你好", "", "hello"].map(|message| format!("Server response: Server received: {message}\n")).concat();
    assert_eq!(end, finished(0, &want, ""));
    let long = "a".repeat(2000);
    let end = Program::run(EXE, &[&addr, "--timeout", "2s", "--attempts", "1", "-m", &long], "");
    assert_eq!((end.code, end.stdout.as_str()), (Some(1), ""));
    assert!(end.stderr.contains("one came with 1024 of our 2000 bytes"), "{}", end.stderr);
}
