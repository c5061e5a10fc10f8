//! A Python client of the kind that every tutorial shows, against our server with its defaults.
//!
//! Where python3 is missing, the test says that it skipped.

use std::process::{Command, Stdio};

use netcommon::testing::Program;

use crate::SERVER;

/// Connects, sends each line of its input, prints what one `recv` returns.
const CLIENT: &str = r#"
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
with socket.create_connection((host, int(port)), timeout=20) as connection:
    for line in sys.stdin:
        connection.send(line.rstrip("\n").encode("utf-8"))
        print(connection.recv(1024).decode("utf-8"))
"#;

#[test]
fn a_python_client_is_answered_byte_for_byte() {
    let there = Command::new("python3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("skipped: python3 is not installed");
        return;
    }
    let mut server = Program::start(SERVER, &["127.0.0.1:0"]);
    let addr = server.listening_addr().to_string();
    let mut python = Command::new("python3");
    python.args(["-c", CLIENT, &addr]).env("PYTHONIOENCODING", "utf-8");
    let mut client = Program::start_command(&mut python);
    client.type_text("你好\nabc\n");
    client.close_stdin();
    let finished = client.wait();
    assert_eq!(
        finished.stdout.replace('\r', ""),
        "Server received: 你好\nServer received: abc\n",
        "{}",
        finished.stderr
    );
    server.expect_line("closed: end of stream (2 messages, 9 bytes in, 43 bytes out");
}
