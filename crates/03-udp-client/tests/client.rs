//! The client over real loopback sockets, against servers that follow a script.
//!
//! A script is a row of answers for each datagram that the server receives; an empty row is a loss.
//! What the network does to timing is tested in `src/exchange/tests.rs`, in virtual time.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use udp_client::client::{Client, Config};
use udp_client::error::AskError;
use udp_client::exchange::Patience;

/// Far more than loopback needs, so that a hang fails instead of hanging.
const DEADLINE: Duration = Duration::from_secs(20);

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket
}

fn closed_port() -> SocketAddr {
    socket().local_addr().unwrap()
}

/// Patient where an answer is sure to come, quick where none will.
fn config(timeout: Duration, attempts: u32) -> Config {
    Config { patience: Patience { timeout, attempts }, ..Config::default() }
}

fn quick() -> Config {
    config(Duration::from_millis(30), 3)
}

/// A client whose server receives as many datagrams as `script` has rows; returns what it received.
fn with_script(script: &[&[&[u8]]], config: Config, talk: impl FnOnce(&mut Client)) -> Vec<Vec<u8>> {
    let server = socket();
    let addr = server.local_addr().unwrap();
    thread::scope(|scope| {
        let served = scope.spawn(move || script.iter().map(|row| serve_one(&server, row)).collect());
        talk(&mut Client::connect(vec![addr], config).unwrap());
        served.join().unwrap()
    })
}

fn serve_one(server: &UdpSocket, answers: &[&[u8]]) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    let (len, client) = server.recv_from(&mut buffer).unwrap();
    for answer in answers {
        server.send_to(answer, client).unwrap();
    }
    buffer.truncate(len);
    buffer
}

fn answer(message: &str) -> Vec<u8> {
    format!("Server received: {message}").into_bytes()
}

#[test]
fn a_lost_datagram_is_sent_again_as_it_was() {
    let hello = answer("你好");
    let received = with_script(&[&[], &[], &[&hello]], config(Duration::from_millis(30), 10), |client| {
        let reply = client.ask("你好".as_bytes()).unwrap();
        assert_eq!((reply.datagram.bytes, reply.datagram.cut), (&hello[..], false));
        assert!(reply.attempts >= 3, "{}", reply.attempts);
    });
    assert_eq!(received, ["你好".as_bytes(); 3]);
}

#[test]
fn doubled_answers_do_not_get_in_the_way_of_the_next_message() {
    let (first, second, third) = (answer("早安"), answer("你好"), answer("再見"));
    let script: &[&[&[u8]]] = &[&[&first, &first, &first], &[&second, &first], &[&third]];
    with_script(script, config(DEADLINE, 1), |client| {
        for (message, want) in [("早安", &first), ("你好", &second), ("再見", &third)] {
            assert_eq!(client.ask(message.as_bytes()).unwrap().datagram.bytes, want);
        }
    });
}

#[test]
fn silence_is_an_error_that_counts_the_attempts() {
    with_script(&[&[], &[], &[]], quick(), |client| {
        let error = client.ask("你好".as_bytes()).unwrap_err();
        assert!(matches!(error, AskError::NoAnswer { attempts: 3, .. }), "{error}");
    });
}

#[test]
fn a_server_that_cuts_messages_is_found_out() {
    let message = "字".repeat(500);
    let cut = &answer(&message)[..1041];
    with_script(&[&[cut]], config(Duration::from_secs(1), 1), |client| {
        let error = client.ask(message.as_bytes()).unwrap_err().to_string();
        assert!(
            error.ends_with("one came with 1024 of our 1500 bytes: the server's buffer cut the message"),
            "{error}"
        );
    });
}

#[test]
fn only_the_server_s_own_datagrams_reach_a_connected_socket() {
    let server = socket();
    let addr = server.local_addr().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            let (_, client) = server.recv_from(&mut [0; 100]).unwrap();
            // The right words from the wrong address; then the server's.
            socket().send_to(&answer("你好"), client).unwrap();
            server.send_to(b"NO", client).unwrap();
        });
        let mut client = Client::connect(vec![addr], Config { any_answer: true, ..config(DEADLINE, 1) }).unwrap();
        assert_eq!(client.ask("你好".as_bytes()).unwrap().datagram.bytes, b"NO");
    });
}

#[test]
fn a_closed_port_is_said_at_once_and_the_next_message_tries_again() {
    let addr = closed_port();
    let mut client = Client::connect(vec![addr], config(DEADLINE, 3)).unwrap();
    for _ in 0..2 {
        let error = client.ask("有人在嗎".as_bytes()).unwrap_err();
        assert!(matches!(error, AskError::NobodyThere { .. }), "{error}");
        assert!(error.to_string().starts_with(&format!("nothing is listening on {addr}: ")), "{error}");
    }
    // Another program may have taken the port in the meantime; then the rest cannot be shown.
    let Ok(server) = UdpSocket::bind(addr) else { return };
    server.set_read_timeout(Some(DEADLINE)).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || serve_one(&server, &[&answer("現在呢")]));
        assert_eq!(client.ask("現在呢".as_bytes()).unwrap().datagram.bytes, answer("現在呢"));
    });
}

#[test]
fn the_next_address_of_a_name_is_tried_when_nothing_listens_at_the_first() {
    let server = socket();
    let addr = server.local_addr().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || serve_one(&server, &[&answer("你好")]));
        let mut client = Client::connect(vec![closed_port(), addr], config(DEADLINE, 1)).unwrap();
        assert_eq!(client.ask("你好".as_bytes()).unwrap().datagram.bytes, answer("你好"));
        assert_eq!(client.peer(), addr);
    });
}

#[test]
fn empty_and_longest_datagrams_go_and_a_longer_one_is_not_sent() {
    // macOS takes no more than 9,216 bytes by default.
    let longest = vec![0xe5; if cfg!(target_os = "macos") { 9216 } else { 65_507 }];
    let refusal = answer(&format!("{} bytes, too many to send back (at most 65490)", longest.len()));
    let received = with_script(&[&[&answer("")], &[&refusal]], config(DEADLINE, 1), |client| {
        assert_eq!(client.ask(b"").unwrap().datagram.bytes, answer(""));
        assert_eq!(client.ask(&longest).unwrap().datagram.bytes, refusal);
        let error = client.ask(&vec![b'x'; 65_508]).unwrap_err();
        assert!(matches!(error, AskError::TooLong { len: 65_508, limit: 65_507 }), "{error}");
    });
    assert_eq!(received, [Vec::new(), longest]);
}

#[test]
fn an_answer_that_does_not_fit_is_known_to_be_cut() {
    let hello = answer("你好");
    for (room, cut) in [(hello.len() - 1, true), (hello.len(), false), (1, true)] {
        let config = Config { buffer_len: room, ..config(DEADLINE, 1) };
        with_script(&[&[&hello]], config, |client| {
            let reply = client.ask("你好".as_bytes()).unwrap();
            assert_eq!((reply.datagram.bytes, reply.datagram.cut), (&hello[..room], cut), "room for {room}");
        });
    }
}
