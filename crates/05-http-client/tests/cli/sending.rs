//! Requests that take long to send, and connections that end between two.
//!
//! Read `main.rs` and `server.rs` first; source: RFC 9112 sections 9.3 to 9.6.

use std::io::{Read, Write};
use std::sync::mpsc;

use netcommon::testing::DEADLINE;

use crate::run;
use crate::server::{Server, text};

/// More than the two systems' buffers take on a connection.
const LONG: usize = 32 << 20;

fn long_file() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&vec![b'x'; LONG]).unwrap();
    file
}

/// On Unix only: elsewhere the client does not look while it writes.
#[cfg(unix)]
#[test]
fn a_refusal_is_read_while_the_request_is_still_on_its_way() {
    let (client_is_done, done) = mpsc::channel::<()>();
    let server = Server::start(move |_, stream| {
        stream.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large").unwrap();
        // Reads nothing more, and does not close.
        let _ = done.recv_timeout(DEADLINE);
        Vec::new()
    });
    let file = long_file();
    let data = format!("@{}", file.path().display());
    let finished = run(&["--timeout", "20s", "-d", &data, &server.url("/")]);
    client_is_done.send(()).unwrap();
    assert_eq!((finished.stdout.as_str(), finished.code), ("too large", Some(0)), "{}", finished.stderr);
    server.finish();
}

#[test]
fn an_interim_answer_does_not_end_the_sending() {
    let (sent, received) = mpsc::channel();
    let server = Server::start(move |_, stream| {
        stream.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n").unwrap();
        let mut content = vec![0; LONG];
        stream.read_exact(&mut content).unwrap();
        sent.send(content.iter().all(|byte| *byte == b'x')).unwrap();
        text("taken")
    });
    let file = long_file();
    let data = format!("@{}", file.path().display());
    let finished = run(&["--timeout", "60s", "-d", &data, &server.url("/")]);
    assert_eq!((finished.stdout.as_str(), finished.code), ("taken", Some(0)), "{}", finished.stderr);
    assert!(received.recv_timeout(DEADLINE).unwrap());
    server.finish();
}

#[test]
fn a_connection_that_the_user_ends_is_not_used_again() {
    let server = Server::start(|_, stream| {
        // Closes, as asked, and does not say so.
        stream.read_exact(&mut [0; 3]).unwrap();
        stream.write_all(&text("ok\n")).unwrap();
        Vec::new()
    });
    // A POST is not sent twice, so it must not be sent where nobody listens any more.
    let finished =
        run(&["-H", "Connection: Close", "-d", "a=b", &server.url("/1"), &server.url("/2"), &server.url("/3")]);
    assert_eq!((finished.stdout.as_str(), finished.code), ("ok\nok\nok\n", Some(0)), "{}", finished.stderr);
    assert_eq!(server.finish().connections, 3);
}
