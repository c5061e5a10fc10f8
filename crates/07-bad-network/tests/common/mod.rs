//! What the tests share: something to talk to at the far end, and a relay; both end with the test.
//!
//! The far end is made here and is no chapter's program: no chapter imports another. Threads are not
//! scoped, because a scope of a test that has failed would wait for them.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream as Plain, UdpSocket as PlainUdp};
use std::sync::mpsc::{Receiver, Sender, channel};

use bad_network::event::Voice;
use netcommon::console::Console;
use netcommon::net::{TcpListener, UdpSocket};
use netcommon::shutdown::{Shutdown, Waker};
pub(crate) use netcommon::testing::DEADLINE;
use netcommon::testing::aside;

pub(crate) mod tcp;

pub(crate) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A socket that talks to `peer` only.
pub(crate) fn client_of(peer: SocketAddr) -> PlainUdp {
    let client = PlainUdp::bind(any_port()).unwrap();
    client.connect(peer).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client
}

pub(crate) fn receive(client: &PlainUdp) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    let len = client.recv(&mut buffer).unwrap();
    buffer.truncate(len);
    buffer
}

pub(crate) fn ask(client: &PlainUdp, message: &[u8]) -> Vec<u8> {
    client.send(message).unwrap();
    receive(client)
}

/// Sends every datagram back, on a thread of its own, until the returned guard is dropped.
pub(crate) fn echo() -> Guard {
    let socket = UdpSocket::bind(any_port()).unwrap();
    echo_on(socket)
}

/// As [`echo`], on a socket that the test has chosen.
pub(crate) fn echo_on(socket: UdpSocket) -> Guard {
    let guard = Guard::new(socket.local_addr().unwrap(), Waker::for_udp_socket(&socket).unwrap());
    let over = guard.over.clone();
    let _ended_by_the_guard = aside("echo", move || {
        let mut buffer = vec![0; 70_000];
        while let Ok((len, peer)) = socket.recv_from(&mut buffer)
            && !over.is_draining()
        {
            let _ = socket.send_to(&buffer[..len], peer);
        }
    });
    guard
}

/// Accepts clients until the returned guard is dropped, and gives each to `answer` on a thread of its own.
pub(crate) fn serve(answer: impl Fn(Plain) + Send + Clone + 'static) -> Guard {
    serve_on(TcpListener::bind(any_port()).unwrap(), move |stream| {
        let answer = answer.clone();
        let _has_deadlines_of_its_own = aside("answer", move || answer(stream));
    })
}

/// Accepts clients until the returned guard is dropped, and gives each to `take`, one after the other.
pub(crate) fn serve_on(listener: TcpListener, take: impl Fn(Plain) + Send + 'static) -> Guard {
    let guard = Guard::new(listener.local_addr().unwrap(), Waker::for_listener(&listener).unwrap());
    let over = guard.over.clone();
    let _ended_by_the_guard = aside("target", move || {
        while let Ok((stream, _)) = listener.as_std().accept()
            && !over.is_draining()
        {
            take(with_deadlines(stream));
        }
    });
    guard
}

/// What a test talks to; its thread ends with the test, however that ends.
pub(crate) struct Guard {
    pub(crate) addr: SocketAddr,
    over: Shutdown,
}

impl Guard {
    fn new(addr: SocketAddr, waker: Waker) -> Self {
        let over = Shutdown::new();
        over.wake_on_drain(waker);
        Self { addr, over }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.over.advance();
    }
}

/// A client of ours; no read and no write waits longer than the deadline.
pub(crate) fn connect(addr: SocketAddr) -> Plain {
    // The kernel has a deadline of its own here. `connect_timeout` would also tell of a reset that came
    // right behind the handshake; that is for the first read to tell.
    let stream = with_deadlines(Plain::connect(addr).unwrap());
    stream.set_nodelay(true).unwrap();
    stream
}

fn with_deadlines(stream: Plain) -> Plain {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// A stdout whose lines a test can wait for.
struct Said(Sender<String>);

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in String::from_utf8_lossy(bytes).lines() {
            let _ = self.0.send(line.to_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A console and what it prints.
pub(crate) fn console() -> (Console, Receiver<String>) {
    let (sender, said) = channel();
    (Console::start_on(Said(sender), || {}).unwrap(), said)
}

pub(crate) fn expect_line(said: &Receiver<String>, part: &str) -> String {
    loop {
        let line = said.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no line with {part:?}"));
        if line.contains(part) {
            return line;
        }
    }
}

/// Ends the relay also when the test fails.
pub(crate) struct StopAtEnd(pub(crate) Shutdown);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        self.0.advance();
    }
}

/// Runs `relay` on the thread that it will wait on, and `talk` beside it; returns what the relay counted.
pub(crate) fn with_relay<R: Send + 'static>(
    relay: impl FnOnce(Voice, &Shutdown) -> R + Send + 'static,
    talk: impl FnOnce(&Receiver<String>),
) -> R {
    let (console, said) = console();
    let voice = Voice::new(console.lines(), false);
    let stop = StopAtEnd(Shutdown::new());
    let token = stop.0.clone();
    let running = aside("relay", move || relay(voice, &token));
    talk(&said);
    drop(stop);
    running.wait()
}
