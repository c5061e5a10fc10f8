//! The generator against small servers of known faults: it must see each fault, and none where there
//! is none. Each fault begins with the second answer: the first one is part of opening a connection.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use echoload::fleet::Opening;
use echoload::{tcp, udp};

const PREFIX: &[u8] = "收到：".as_bytes();
const MEASURED: Duration = Duration::from_millis(200);

/// A server with a thread per connection; `answer` makes the answer to what one read gave, given
/// how many were answered before it, and ends the connection with `None`.
fn tcp_server(answer: fn(&[u8], usize) -> Option<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move |mut stream: TcpStream| {
        let mut buffer = [0; 4096];
        for answered in 0.. {
            let len = stream.read(&mut buffer).unwrap_or(0);
            let reply = (len > 0).then(|| answer(&buffer[..len], answered)).flatten();
            let Some(reply) = reply else { return };
            if stream.write_all(&reply).is_err() {
                return;
            }
        }
    };
    named("listener", move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            named("connection", move || serve(stream));
        }
    });
    address
}

fn udp_server(answer: fn(&[u8], usize) -> Option<Vec<u8>>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    named("datagrams", move || {
        let mut buffer = [0; 4096];
        for received in 0.. {
            let (len, client) = socket.recv_from(&mut buffer).unwrap();
            if let Some(reply) = answer(&buffer[..len], received) {
                // The client may be gone already.
                let _ = socket.send_to(&reply, client);
            }
        }
    });
    address
}

/// Ends with the test process: a server of a test has nothing to finish.
fn named(name: &str, body: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().name(name.into());
    drop(thread.spawn(body).unwrap());
}

fn right(message: &[u8], _: usize) -> Option<Vec<u8>> {
    Some([PREFIX, message].concat())
}

fn wrong_after_the_first(message: &[u8], answered: usize) -> Option<Vec<u8>> {
    let mut reply = [PREFIX, message].concat();
    if answered >= 1 {
        *reply.last_mut().unwrap() ^= 1;
    }
    Some(reply)
}

fn closed_after_the_first(message: &[u8], answered: usize) -> Option<Vec<u8>> {
    (answered < 1).then(|| [PREFIX, message].concat())
}

fn opening(connections: usize) -> Opening {
    Opening { connections, at_once: 4, message_len: 64, prefix: PREFIX.to_vec(), timeout: Duration::from_secs(10) }
}

fn udp_load(server: SocketAddr) -> (echoload::report::Report, bool) {
    let load = udp::Load { sockets: 2, outstanding: 8, message_len: 64, prefix: PREFIX.to_vec(), measured: MEASURED };
    udp::load(server, &load, None).unwrap()
}

#[test]
fn right_answers_on_many_connections_are_clean() {
    let (report, all_right) = tcp::load(tcp_server(right), &opening(20), MEASURED, None).unwrap();
    assert!(all_right, "{report}");
    assert!(report.figure("requests").unwrap() >= 1.0, "{report}");
    assert!(report.figure("p50_us") <= report.figure("max_us"), "{report}");
}

#[test]
fn one_changed_bit_is_seen_on_every_connection() {
    let server = tcp_server(wrong_after_the_first);
    let (report, all_right) = tcp::load(server, &opening(3), MEASURED, None).unwrap();
    assert!(!all_right);
    assert_eq!(report.figure("wrong"), Some(3.0), "{report}");
}

#[test]
fn a_missing_prefix_is_no_right_answer() {
    let server = tcp_server(|message, _| Some(message.to_vec()));
    let error = tcp::connect(server, &opening(1)).unwrap_err();
    assert!(error.to_string().contains("wrong bytes"), "{error:#}");
}

#[test]
fn a_connection_that_the_server_closes_is_counted() {
    let server = tcp_server(closed_after_the_first);
    let (report, all_right) = tcp::load(server, &opening(3), MEASURED, None).unwrap();
    assert!(!all_right);
    assert_eq!(report.figure("closed"), Some(3.0), "{report}");
}

#[test]
fn nobody_listening_is_said_with_the_address() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let error = format!("{:#}", tcp::connect(address, &opening(1)).unwrap_err());
    assert!(error.starts_with(&format!("connect to {address}: ")), "{error}");
}

#[test]
fn right_datagrams_are_clean() {
    let (report, all_right) = udp_load(udp_server(right));
    assert!(all_right, "{report}");
    assert!(report.figure("requests").unwrap() >= 1.0, "{report}");
}

#[test]
fn unanswered_datagrams_are_lost_and_not_wrong() {
    let server = udp_server(|_, _| None);
    let (report, all_right) = udp_load(server);
    assert!(all_right, "{report}");
    assert_eq!(report.figure("lost"), Some(16.0), "{report}");
}

#[test]
fn a_changed_datagram_is_wrong() {
    let (report, all_right) = udp_load(udp_server(wrong_after_the_first));
    assert!(!all_right, "{report}");
}
