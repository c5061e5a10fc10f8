//! Pages that lie, and one that does not: shows that a transcript which is wrong is found.
//!
//! They are played with chapter 2's programs, as the book's own pages are. Each lie is one edit of the
//! true page. Read `check.rs` before.

use crate::check;
use crate::page::Page;
use crate::refresh;
use crate::support::Finding;
use crate::transcript::sessions;

/// A session with a server, a client that types, one from a pipe, one that is refused, and Ctrl-C.
const TRUE: &str = "\
<!-- transcript: echo -->
```console server
$ cargo run -q -p tcp-server
Server listening on 127.0.0.1:8888
Accepted connection from 127.0.0.1:50312
Received from 127.0.0.1:50312: 你好
Connection from 127.0.0.1:50312 closed: end of stream (1 message, 6 bytes in, 23 bytes out, 0.7 s)
Accepted connection from 127.0.0.1:50314
[...]
^C
Server shutting down...
Served 2 connections
$ echo $?
0
```
```console client
$ cargo run -q -p tcp-client
Connected to 127.0.0.1:8888
Enter message (or 'quit' to exit): 你好
Server response: Server received: 你好
Enter message (or 'quit' to exit): quit
Connection closed
$ printf '早安\\n' | cargo run -q -p tcp-client -- --framing raw
Connected to 127.0.0.1:8888
Server response: Server received: 早安
Connection closed
```

<!-- transcript: refused -->
```console
$ cargo run -q -p tcp-client -- --message 你好 2>&1
tcp-client: connect to 127.0.0.1:8888: nothing is listening there: Connection refused (os error 111); start the server first, or check the port
$ echo $?
1
```
";

fn page(text: &str) -> Page {
    Page::parse("docs/en/02-tcp.md", text)
}

fn findings(text: &str) -> Vec<Finding> {
    let page = page(text);
    let (sessions, mut found) = sessions(&page);
    found.extend(sessions.iter().flat_map(|session| check::session(&page, session)));
    found
}

#[test]
fn a_true_page_passes() {
    assert_eq!(findings(TRUE), Vec::new());
}

#[test]
fn each_lie_is_found_at_its_command() {
    let lies = [
        ("Received from 127.0.0.1:50312: 你好", "Received from 127.0.0.1:50312: 您好"),
        ("[...]\n", ""),
        ("Server shutting down...\n", "Server stopping...\n"),
        ("Served 2 connections", "Served 3 connections"),
        ("```console client", "```console server2\n$ cargo run -q -p tcp-server 2>&1\n```\n```console client"),
        ("exit): 你好", "exit): 早"),
        ("Server received: 早安\n", "Server received: 早安\nand more\n"),
        ("nothing is listening", "nobody is listening"),
        ("你好 2>&1", "你好"),
        ("$ echo $?\n1\n", "$ echo $?\n0\n"),
    ];
    for (truth, lie) in lies {
        let found = findings(&TRUE.replacen(truth, lie, 1));
        let line = command_line(TRUE.find(truth).expect("the true page has it"));
        let is_there = found.iter().any(|found| found.line == line || lie.contains("server2"));
        assert!(is_there, "{truth} -> {lie}, wanted line {line}: {found:?}");
    }
}

/// The number of the last line with a command that begins at or before the byte `at`.
fn command_line(at: usize) -> usize {
    let commands = TRUE.match_indices("\n$ ").map(|(start, _)| start + 1).filter(|start| *start <= at);
    TRUE[..commands.last().expect("a command stands first")].lines().count() + 1
}

#[test]
fn a_refresh_makes_a_lie_true_again() {
    let lie = TRUE.replace("Server received: 你好", "Server: 你好").replace("os error 111", "os error 61");
    let refreshed = refresh::refreshed_text(&page(&lie), &[]);
    assert_eq!(refreshed.as_deref(), Some(TRUE));
    assert_eq!(refresh::refreshed_text(&page(TRUE), &[]), None);
}

#[test]
fn a_refresh_fills_in_what_nobody_has_written_yet() {
    let text = "<!-- transcript: new -->\n```console server\n$ cargo run -q -p tcp-server\n\
                Server listening on 127.0.0.1:8888\n^C\n```\n```console client\n\
                $ cargo run -q -p tcp-client -- -m 你好\n```\n";
    let text = refresh::refreshed_text(&page(text), &[]).expect("much is missing");
    assert_eq!(findings(&text), Vec::new());
    let (before, after) = text.split_once("^C\n").expect("Ctrl-C is still there");
    assert!(before.contains(": 你好\n") && before.contains("closed: end of stream"), "{text}");
    assert!(after.starts_with("Server shutting down...\n") && after.contains("Server received: 你好\n"), "{text}");
}
