//! The server over real loopback sockets: what friendly clients get.
//!
//! Clients are plain std sockets, so that a mistake in `netcommon` cannot hide itself.

use std::io::Write;
use std::net::Shutdown;

use crate::harness::{Server, ask, expect, frame, rest, until};
use netcommon::echo::{Config, Report};
use netcommon::framing::Framing;

fn config(framing: Framing) -> Config {
    Config { framing, quiet: true, ..Config::default() }
}

#[test]
fn raw_answers_each_read_with_the_same_bytes() {
    let server = Server::start(config(Framing::Raw));
    let client = server.connect();
    ask(&client, "你好".as_bytes(), "Server received: 你好".as_bytes());
    ask(&client, b"\xff\x00\x1b[2J", b"Server received: \xff\x00\x1b[2J");
}

#[test]
fn lines_are_answered_one_by_one_however_they_arrive() {
    let server = Server::start(config(Framing::Lines));
    let client = server.connect();
    ask(&client, "早安\r\nbob\n".as_bytes(), "Server received: 早安\nServer received: bob\n".as_bytes());
    for byte in "一個位元組\n".as_bytes() {
        (&client).write_all(&[*byte]).unwrap();
    }
    expect(&client, "Server received: 一個位元組\n".as_bytes());
    ask(&client, b"\n", b"Server received: \n");
}

#[test]
fn length_prefixed_messages_may_hold_anything_and_nothing() {
    let server = Server::start(config(Framing::Length));
    let client = server.connect();
    ask(&client, &frame(b"a\nb"), &frame(b"Server received: a\nb"));
    ask(&client, &frame(b""), &frame(b"Server received: "));
    let longest = vec![b'x'; 64 * 1024];
    ask(&client, &frame(&longest), &frame(&[b"Server received: ", &longest[..]].concat()));
}

#[test]
fn a_waiting_client_keeps_nobody_waiting() {
    let server = Server::start(config(Framing::Raw));
    let _silent = server.connect();
    let clients: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for client in clients.iter().rev() {
        ask(client, "快".as_bytes(), "Server received: 快".as_bytes());
    }
}

#[test]
fn what_was_sent_before_a_half_close_is_answered_whole() {
    let server = Server::start(config(Framing::Lines));
    let client = server.connect();
    let line = "半關閉之前說的話\n";
    let writer = client.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (&writer).write_all(line.repeat(12_000).as_bytes()).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let answers = rest(&client);
        assert_eq!(answers.len(), format!("Server received: {line}").len() * 12_000);
        assert!(answers.ends_with(format!("Server received: {line}").as_bytes()));
    });
}

#[test]
fn the_client_after_the_last_place_is_told_and_closed() {
    for framing in Framing::ALL {
        let server = Server::start(Config { max_connections: 1, ..config(framing) });
        let first = server.connect();
        let hello = if framing == Framing::Length { frame(b"hi") } else { b"hi\n".to_vec() };
        (&first).write_all(&hello).unwrap();
        let mut answer = [0; 1];
        std::io::Read::read_exact(&mut &first, &mut answer).unwrap();

        let second = server.connect();
        let told = rest(&second);
        let told = String::from_utf8_lossy(&told);
        assert!(told.contains("Server is full: 1 connection at once; try again later"), "{framing}: {told:?}");

        drop(first);
        // The place is free once the server has seen the FIN; until then the answer is the refusal again.
        until("the place is free again", || {
            let client = server.connect();
            // A refusal may close before our message is out; then the read below tells.
            let _ = (&client).write_all(&hello);
            let mut start = [0; 20];
            std::io::Read::read_exact(&mut &client, &mut start).is_ok()
                && start.windows(8).any(|part| part == b"received")
        });
        let Report { refused, .. } = server.stop();
        assert!(refused >= 1);
    }
}

#[test]
fn stopping_a_server_that_serves_nobody_takes_no_client() {
    let server = Server::start(Config::default());
    assert_eq!(server.stop(), Report { served: 0, refused: 0, cut: 0 });
}
