//! What the tests share: an echo for the far end, and a relay that ends with the test.
//!
//! The echo is std's own, not a chapter's program: no chapter imports another.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket as Plain};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, Scope};
use std::time::Duration;

use bad_network::event::Voice;
use bad_network::log::Log;
use bad_network::network::Network;
use bad_network::setting::{Setting, Settings};
use bad_network::totals::Summary;
use bad_network::udp::{Limits, Relay};
use bad_network::way::DatagramWay;
use netcommon::console::Console;
use netcommon::net::UdpSocket;
use netcommon::shutdown::Shutdown;

/// A generous limit for what loopback does within microseconds.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A socket that talks to `peer` only.
pub(crate) fn client_of(peer: SocketAddr) -> Plain {
    let client = Plain::bind(any_port()).unwrap();
    client.connect(peer).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client
}

pub(crate) fn receive(client: &Plain) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    let len = client.recv(&mut buffer).unwrap();
    buffer.truncate(len);
    buffer
}

pub(crate) fn ask(client: &Plain, message: &[u8]) -> Vec<u8> {
    client.send(message).unwrap();
    receive(client)
}

/// Sends every datagram back until one says `stop`.
pub(crate) fn echo_datagrams(socket: &Plain) {
    let mut buffer = vec![0; 70_000];
    while let Ok((len, peer)) = socket.recv_from(&mut buffer) {
        if &buffer[..len] == b"stop" {
            return;
        }
        let _ = socket.send_to(&buffer[..len], peer);
    }
}

/// Ways made of `KEY=VALUE` texts.
pub(crate) fn ways(both: &[&str], up: &[&str], down: &[&str]) -> [DatagramWay; 2] {
    let list = |texts: &[&str]| texts.iter().map(|text| Setting::parse::<DatagramWay>(text).unwrap()).collect();
    Settings::ways(&[&Settings { both: list(both), up: list(up), down: list(down) }]).unwrap()
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

/// Ends the relay also when the test fails; else the scope would wait for it for ever.
pub(crate) struct StopAtEnd<'a>(pub(crate) &'a Shutdown);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.advance();
    }
}

/// Starts an echo; it ends when the returned guard is dropped.
pub(crate) fn echo<'scope>(scope: &'scope Scope<'scope, '_>) -> EchoGuard {
    let socket = Plain::bind(any_port()).unwrap();
    let addr = socket.local_addr().unwrap();
    scope.spawn(move || echo_datagrams(&socket));
    EchoGuard(addr)
}

/// An echo that ends with it.
pub(crate) struct EchoGuard(pub(crate) SocketAddr);

impl Drop for EchoGuard {
    fn drop(&mut self) {
        let _ = Plain::bind(any_port()).and_then(|socket| socket.send_to(b"stop", self.0));
    }
}

/// Runs `talk` against a relay to `target` and returns what the relay counted.
pub(crate) fn with_relay(
    target: SocketAddr,
    network: Network,
    limits: Limits,
    grace: Duration,
    talk: impl FnOnce(SocketAddr, &Receiver<String>),
) -> Summary {
    let (console, said) = console();
    let shutdown = Shutdown::new();
    let front = UdpSocket::bind(any_port()).unwrap();
    let addr = front.local_addr().unwrap();
    let voice = Voice::new(console.lines(), false);
    // On the thread that will wait: what a relay waits with stays on one thread.
    let start = move |token: &Shutdown| {
        Relay::new(front, target, network, Log::default(), voice, limits).unwrap().run(grace, token).unwrap()
    };
    thread::scope(|scope| {
        let (token, stop) = (shutdown.clone(), StopAtEnd(&shutdown));
        let relay = scope.spawn(move || start(&token));
        talk(addr, &said);
        drop(stop);
        relay.join().unwrap()
    })
}
