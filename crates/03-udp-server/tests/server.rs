//! The library over real loopback sockets: who is answered, who is not, and what ends it.
//!
//! A forged source address is played by the socket that really has that address, which sends the first
//! datagram itself: the receiving server cannot tell the difference, and no test needs admin rights.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::net::{SocketAddr, UdpSocket as Plain};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use netcommon::console::{Console, Lines};
use netcommon::net::UdpSocket;
use netcommon::shutdown::Shutdown;
use udp_server::serve;
use udp_server::tally::Tally;

/// A generous limit for what loopback does within microseconds.
const DEADLINE: Duration = Duration::from_secs(20);

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A client's socket, std's own, that talks to `server` only.
fn client_of(server: SocketAddr) -> Plain {
    let client = Plain::bind(any_port()).unwrap();
    client.connect(server).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client
}

fn ask(client: &Plain, message: &[u8]) -> Vec<u8> {
    client.send(message).unwrap();
    let mut buffer = vec![0; 70_000];
    let len = client.recv(&mut buffer).unwrap();
    buffer.truncate(len);
    buffer
}

fn start<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    socket: UdpSocket,
    shutdown: &Shutdown,
    lines: &Lines,
) -> ScopedJoinHandle<'scope, Tally> {
    let (shutdown, lines) = (shutdown.clone(), lines.clone());
    scope.spawn(move || serve(&socket, false, &shutdown, &lines).unwrap())
}

/// Ends the servers also when the test fails; else the scope would wait for them for ever.
struct StopAtEnd<'a>(&'a Shutdown);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.advance();
    }
}

/// Runs `talk` against a server and returns what the server counted.
fn with_server(talk: impl FnOnce(SocketAddr)) -> Tally {
    let (shutdown, console) = (Shutdown::new(), Console::start(|| {}).unwrap());
    let socket = UdpSocket::bind(any_port()).unwrap();
    let addr = socket.local_addr().unwrap();
    thread::scope(|scope| {
        let server = start(scope, socket, &shutdown, &console.lines());
        let stop = StopAtEnd(&shutdown);
        talk(addr);
        drop(stop);
        server.join().unwrap()
    })
}

#[test]
fn one_socket_answers_every_client() {
    let tally = with_server(|server| {
        let clients: Vec<Plain> = (0..50).map(|_| client_of(server)).collect();
        for (number, client) in clients.iter().enumerate() {
            client.send(format!("我是第 {number} 號").as_bytes()).unwrap();
        }
        for (number, client) in clients.iter().enumerate() {
            let mut buffer = [0; 100];
            let len = client.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..len], format!("Server received: 我是第 {number} 號").as_bytes());
        }
    });
    assert_eq!((tally.received, tally.answered), (50, 50));
    assert_eq!(tally.answered_bytes, tally.received_bytes + 50 * 17);
}

#[test]
fn datagrams_of_every_length_come_back_whole_or_are_refused() {
    // macOS sends no more than 9,216 bytes by default.
    let longest = if cfg!(target_os = "macos") { 9216 - 17 } else { 65_490 };
    let tally = with_server(|server| {
        let client = client_of(server);
        for len in [0, 1, 1471, 1472, 1473, 8192, longest] {
            let message = vec![0xe5; len];
            assert_eq!(ask(&client, &message), [b"Server received: ", &message[..]].concat(), "{len} bytes");
        }
        if cfg!(not(target_os = "macos")) {
            for len in [65_491, 65_507] {
                let answer = String::from_utf8(ask(&client, &vec![b'x'; len])).unwrap();
                assert_eq!(answer, format!("Server received: {len} bytes, too many to send back (at most 65490)"));
            }
        }
    });
    assert_eq!(tally.too_long, if cfg!(target_os = "macos") { 0 } else { 2 });
}

#[test]
fn a_datagram_between_two_servers_causes_one_more_and_no_third() {
    let (shutdown, console) = (Shutdown::new(), Console::start(|| {}).unwrap());
    let (a, b) = (UdpSocket::bind(any_port()).unwrap(), UdpSocket::bind(any_port()).unwrap());
    let (addr_a, addr_b) = (a.local_addr().unwrap(), b.local_addr().unwrap());
    // As if forged by somebody else.
    b.send_to("你好".as_bytes(), addr_a).unwrap();
    let (tally_a, tally_b) = thread::scope(|scope| {
        let stop = StopAtEnd(&shutdown);
        let a = start(scope, a, &shutdown, &console.lines());
        // A has answered everything before this, so B's answer to it, if any, comes to A before the next.
        assert_eq!(ask(&client_of(addr_a), b"1"), b"Server received: 1");
        let b = start(scope, b, &shutdown, &console.lines());
        assert_eq!(ask(&client_of(addr_b), b"2"), b"Server received: 2");
        assert_eq!(ask(&client_of(addr_a), b"3"), b"Server received: 3");
        drop(stop);
        (a.join().unwrap(), b.join().unwrap())
    });
    assert_eq!((tally_a.received, tally_a.answered), (3, 3), "the forged one and two of clients");
    assert_eq!((tally_b.received, tally_b.answered, tally_b.own_kind), (2, 1, 1), "A's answer and one of a client");
}

#[test]
fn a_plain_echo_gets_one_answer_and_its_echo_none() {
    let tally = with_server(|server| {
        let echo = client_of(server);
        let mut datagram = ask(&echo, "你好".as_bytes());
        // Sends back whatever it gets, as RFC 862 asks. The marker would come second if this had an answer.
        echo.send(&datagram).unwrap();
        datagram = ask(&echo, b"marker");
        assert_eq!(datagram, b"Server received: marker");
    });
    assert_eq!((tally.received, tally.answered, tally.own_kind), (3, 2, 1));
}

#[test]
fn clients_that_are_gone_when_the_answer_comes_end_nothing() {
    with_server(|server| {
        // Made first: a later one might get the port of a client that is gone, and its answer.
        let stays = client_of(server);
        for _ in 0..100 {
            client_of(server).send("再見".as_bytes()).unwrap();
        }
        // Each answer meets a closed port; on Windows the next receive hears of it.
        assert_eq!(ask(&stays, "還在嗎".as_bytes()), "Server received: 還在嗎".as_bytes());
    });
}

#[test]
fn a_server_that_waits_for_a_datagram_ends_when_asked() {
    let tally = with_server(|_| {});
    assert_eq!(tally, Tally::default(), "the datagram that wakes it is not counted");
}

#[test]
fn ipv6_works_the_same_where_there_is_any() {
    let Ok(socket) = UdpSocket::bind("[::1]:0".parse().unwrap()) else {
        eprintln!("skipped: no IPv6 loopback");
        return;
    };
    let (shutdown, console) = (Shutdown::new(), Console::start(|| {}).unwrap());
    let addr = socket.local_addr().unwrap();
    thread::scope(|scope| {
        let server = start(scope, socket, &shutdown, &console.lines());
        let stop = StopAtEnd(&shutdown);
        let client = Plain::bind("[::1]:0").unwrap();
        client.connect(addr).unwrap();
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        assert_eq!(ask(&client, "你好".as_bytes()), "Server received: 你好".as_bytes());
        drop(stop);
        server.join().unwrap();
    });
}
