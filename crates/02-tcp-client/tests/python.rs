//! Our client against a Python server of the kind that every tutorial shows.
//!
//! Where python3 is missing, the test says that it skipped.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::process::{Command, Stdio};

use netcommon::testing::Program;

/// Serves one client after the other, for ever; answers what one `recv` returned.
const SERVER: &str = r#"
import socket
with socket.create_server(("127.0.0.1", 0)) as listener:
    print("Server listening on %s:%d" % listener.getsockname(), flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(1024):
                connection.send(("Server received: " + data.decode("utf-8")).encode("utf-8"))
"#;

#[test]
fn a_python_server_answers_our_client() {
    let there = Command::new("python3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("skipped: python3 is not installed");
        return;
    }
    let mut server = Program::start_command(Command::new("python3").args(["-c", SERVER]));
    let addr = server.listening_addr().to_string();
    let finished = Program::run(env!("CARGO_BIN_EXE_tcp-client"), &[&addr], "你好\nabc\nquit\n");
    assert_eq!(
        finished.stdout,
        format!(
            "Connected to {addr}\nServer response: Server received: 你好\nServer response: Server received: abc\nConnection closed\n"
        )
    );
    assert_eq!(finished.code, Some(0));
}
